/** A phase of a run in which a quasi-Newton method minimises the loss of one batch, the first of the epoch in which the phase begins. */
import type { Graph } from '../../../engine/graph.ts';
import type { Memory } from '../../../engine/memory.ts';
import { Flat, type Vector } from '../../../optim/flat.ts';
import { Minimiser } from '../../../optim/minimiser.ts';
import type { QuasiNewton } from '../../../optim/quasi-newton.ts';
import { ratesAt, type Rates, type Schedule } from '../../../optim/schedule.ts';
import type { Totals } from '../../evaluate/score.ts';
import type { GradientProgram } from '../gradients.ts';
import type { Span, Step } from '../step.ts';

/** The L2 penalty, and 1 for each value on which it acts. */
interface Penalty {
  readonly weight: number;
  readonly acts: Vector;
}

export class QuasiNewtonPhase implements Span {
  readonly start: number;
  readonly end: number;
  readonly curvature: Minimiser;
  #lr: number;
  #flat: Flat;
  #schedule: Schedule | undefined;
  #penalty: Penalty | undefined;

  /** `graph` is that of the gradients. */
  constructor(memory: Memory, graph: Graph, method: QuasiNewton, { start, end }: Span, schedule?: Schedule) {
    this.start = start;
    this.end = end;
    this.#lr = method.hyper.lr;
    this.#flat = new Flat(memory);
    this.#schedule = schedule;
    const parameters = [...graph.params.values()].reduce((n, p) => n + p.value.size, 0);
    const { l2 } = method;
    this.#penalty = l2 && { weight: l2.weight, acts: penalised(this.#flat, graph, l2.biases) };
    this.curvature = new Minimiser(method, this.#flat, parameters);
  }

  /** The rates of step number `step`. */
  rates(step: number): Rates {
    return ratesAt(this.#schedule, step - 1, this.#lr);
  }

  /** One step, which waits for the device: it goes by the loss of each evaluation. Returns the learning rate. */
  async step(step: Step, gradients: GradientProgram, log: boolean): Promise<number> {
    const { batchSize, readings } = gradients;
    const { lr } = this.rates(step.number);
    await gradients.totals(); // of steps that were not logged
    let first: Totals | undefined;
    const { evaluations } = await this.curvature.step(async () => {
      const totals = await this.#evaluate(step, gradients);
      first ??= totals;
      return this.#penalise(totals.loss / batchSize);
    }, lr);
    readings.repeated(step.number, lr, first!, evaluations, log);
    return lr;
  }

  /** The totals of the batch at the present weights; its mean gradient is in memory. */
  async #evaluate(step: Step, gradients: GradientProgram): Promise<Totals> {
    await gradients.run(step);
    const totals = await gradients.totals();
    const { microBatches } = gradients;
    if (microBatches > 1) await this.#flat.map(this.#flat.g, 'op.alpha * y', { alpha: 1 / microBatches });
    return totals;
  }

  /** The loss with the penalty, whose gradient is added to the one in memory. */
  async #penalise(loss: number): Promise<number> {
    if (!this.#penalty) return loss;
    const flat = this.#flat;
    const { weight, acts } = this.#penalty;
    await flat.map(flat.g, 'y + op.alpha * a * b', { a: flat.w, b: acts, alpha: weight });
    return loss + (weight / 2) * (await flat.reduce({ f: 'a * a * b', a: flat.w, b: acts }))[0]!;
  }

  destroy(): void {
    this.#flat.destroy();
  }
}

/** 1 for each value of the weights, and where `biases` of all parameters; 0 elsewhere. */
function penalised(flat: Flat, graph: Graph, biases: boolean): Vector {
  const { memory } = flat;
  const acts = flat.vector('penalised');
  const pages = memory.layout.pages('param').map(p => p.buffer);
  for (const { value } of graph.params.values()) {
    const { buffer, offset } = memory.place(value);
    if (biases || value.isMatrix) {
      memory.upload(acts[pages.indexOf(buffer)]!, offset, new Float32Array(value.size).fill(1));
    }
  }
  return acts;
}
