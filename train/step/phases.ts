/** What moves the weights, and for how long: one optimizer, or several one after another. */
import { Graph } from '../../engine/graph.ts';
import type { Memory } from '../../engine/memory.ts';
import { Program } from '../../engine/program.ts';
import { Flat, type Vector } from '../../optim/flat.ts';
import { LOSS_SCALE } from '../../optim/loss-scale.ts';
import { stateBuffer, type Gradients, type Optimizer } from '../../optim/optimizer.ts';
import { LEFT_OUT } from '../../shaders/update/loss-scale.ts';
import { Minimiser, type QuasiNewton } from '../../optim/quasi-newton.ts';
import type { Tensors } from '../run/safetensors.ts';
import { phaseState } from '../run/state-keys.ts';

/** An optimizer and the steps that it does; the last one does what is left. */
export interface Phase {
  readonly optimizer: Optimizer | QuasiNewton;
  readonly steps?: number;
}

const isFirstOrder = (o: Optimizer | QuasiNewton): o is Optimizer => 'rule' in o;

/** What a phase may have on the device. */
interface Parts {
  readonly program?: Program | undefined;
  readonly flat?: Flat | undefined;
  readonly minimiser?: Minimiser | undefined;
  readonly penalty?: Penalty | undefined;
}

/** The L2 penalty of a quasi-Newton method, and 1 for each value on which it acts. */
interface Penalty {
  readonly weight: number;
  readonly acts: Vector;
}

/** Sums over a batch. */
interface Totals {
  readonly loss: number;
  readonly correct: number;
}

/** A phase with what it needs on the device. */
export class ActivePhase {
  readonly lr: number;
  /** Steps before it, and steps until its end. */
  readonly start: number;
  readonly end: number;
  readonly optimizer: Optimizer | undefined;
  readonly minimiser: Minimiser | undefined;
  readonly flat: Flat | undefined;
  /** The update, where it is not part of the program that computes the gradients. */
  readonly program: Program | undefined;
  #memory: Memory;
  #penalty: Penalty | undefined;
  #probe: { z: Vector; w: Vector; g: Vector; h: Vector } | undefined;

  private constructor(memory: Memory, phase: Phase, start: number, parts: Parts) {
    this.#memory = memory;
    this.lr = phase.optimizer.hyper.lr;
    this.start = start;
    this.end = start + (phase.steps ?? Infinity);
    this.optimizer = isFirstOrder(phase.optimizer) ? phase.optimizer : undefined;
    this.program = parts.program;
    this.flat = parts.flat;
    this.minimiser = parts.minimiser;
    this.#penalty = parts.penalty;
  }

  /** The optimizer whose update can be part of the program of the gradients: one of first order, one batch an update, nothing between. */
  static fits(phases: readonly Phase[], { summed }: Gradients): Optimizer | undefined {
    const { optimizer } = phases[0]!;
    if (phases.length > 1 || summed) return undefined;
    return isFirstOrder(optimizer) && !optimizer.rule.probes ? optimizer : undefined;
  }

  /** `graph` is that of the gradients, compiled already; without `gradients` it has the update too. */
  static async create(phases: readonly Phase[], memory: Memory, graph: Graph, gradients?: Gradients): Promise<ActivePhase[]> {
    const out: ActivePhase[] = [];
    const parameters = [...graph.params.values()].reduce((n, p) => n + p.value.size, 0);
    for (const phase of phases) {
      const { optimizer } = phase;
      const start = out.at(-1)?.end ?? 0;
      if (isFirstOrder(optimizer)) {
        const program = gradients && (await updateProgram(optimizer, memory, graph, gradients));
        const flat = optimizer.rule.probes ? new Flat(memory) : undefined;
        out.push(new ActivePhase(memory, phase, start, { program, flat }));
      } else {
        const flat = new Flat(memory);
        const { l2 } = optimizer;
        const penalty = l2 && { weight: l2.weight, acts: penalised(flat, graph, l2.biases) };
        const minimiser = new Minimiser(optimizer, flat, parameters);
        out.push(new ActivePhase(memory, phase, start, { flat, minimiser, penalty }));
      }
    }
    return out;
  }

  /**
   * To be called before the first step of a phase that follows another: one of the same rule has left its state where this one starts, and
   * updates left out are counted by phase.
   */
  begin(): void {
    const { layout, buffers, device } = this.#memory;
    const encoder = device.gpu.createCommandEncoder();
    for (const page of layout.pages('param').keys()) {
      for (const state of this.optimizer?.rule.state ?? []) {
        encoder.clearBuffer(buffers.get(stateBuffer(this.optimizer!.rule, state, page))!);
      }
    }
    const scaling = buffers.get(`state ${LOSS_SCALE}`);
    if (scaling) encoder.clearBuffer(scaling, LEFT_OUT * 4, 4);
    device.gpu.queue.submit([encoder.finish()]);
  }

  /**
   * One step of a quasi-Newton method. `evaluate` computes the gradients of the batch, which are sums over its parts, and resolves to its
   * totals. Returns those at the weights where the step began.
   */
  async minimise(
    lr: number,
    { batchSize, accumulate }: { batchSize: number; accumulate: number },
    evaluate: () => Promise<Totals>,
  ): Promise<{ first: Totals; evaluations: number }> {
    const flat = this.flat!;
    let first: Totals | undefined;
    const { evaluations } = await this.minimiser!.step(async () => {
      const totals = await evaluate();
      if (accumulate > 1) await flat.map(flat.g, 'op.alpha * y', { alpha: 1 / accumulate });
      first ??= totals;
      return this.#penalise(totals.loss / batchSize);
    }, lr);
    return { first: first!, evaluations };
  }

  /** The loss with the penalty, whose gradient is added to the one in memory. */
  async #penalise(loss: number): Promise<number> {
    if (!this.#penalty) return loss;
    const flat = this.flat!;
    const { weight, acts } = this.#penalty;
    await flat.map(flat.g, 'y + op.alpha * a * b', { a: flat.w, b: acts, alpha: weight });
    return loss + (weight / 2) * (await flat.reduce({ f: 'a * a * b', a: flat.w, b: acts }))[0]!;
  }

  /**
   * Estimates the Hessian's diagonal for the update `t`: the mean over probes z of z * (g(w + epsilon z) - g(w - epsilon z)) / (2 epsilon).
   * `gradients` computes those of the batch at the present weights.
   */
  async probe(t: number, seed: number, gradients: () => Promise<void>): Promise<void> {
    const { rule, hyper } = this.optimizer!;
    const flat = this.flat!;
    const { probes = 1, epsilon = 1e-3 } = hyper;
    const { z, w, g, h } = (this.#probe ??= {
      z: flat.vector('probe'),
      w: flat.vector('weights'),
      g: flat.vector('gradient'),
      h: flat.named(page => stateBuffer(rule, rule.probes!, page)),
    });
    await flat.copy(w, flat.w);
    for (let k = 0; k < probes; k++) {
      await flat.signs(z, seed, t * probes + k);
      await flat.map(flat.w, 'a + op.alpha * b', { a: w, b: z, alpha: epsilon });
      await gradients();
      await flat.copy(g, flat.g);
      await flat.map(flat.w, 'a - op.alpha * b', { a: w, b: z, alpha: epsilon });
      await gradients();
      await flat.map(g, 'a - y', { a: flat.g });
      const alpha = -1 / (2 * epsilon * probes);
      await flat.map(h, k ? 'y + op.alpha * a * b' : 'op.alpha * a * b', { a: z, b: g, alpha });
    }
    await flat.copy(flat.w, w);
  }

  destroy(): void {
    this.program?.destroy();
    this.flat?.destroy();
  }
}

/** The update as a program of its own. */
function updateProgram(optimizer: Optimizer, memory: Memory, graph: Graph, gradients: Gradients): Promise<Program> {
  const update = new Graph({ training: true, profile: memory.device.profile });
  for (const [name, param] of graph.params) update.params.set(name, param);
  optimizer.addTo(update, memory.layout, gradients);
  return Program.compile(memory, update);
}

/** Those of first order. */
export const optimizersOf = (phases: readonly ActivePhase[]): Optimizer[] => phases.flatMap(p => p.optimizer ?? []);

/** What quasi-Newton methods know of the curvature, under names such as `phase 2.s0`. */
export async function phaseTensors(phases: readonly ActivePhase[]): Promise<Tensors> {
  const tensors: Tensors = {};
  for (const [i, { minimiser }] of phases.entries()) {
    const state = Object.entries((await minimiser?.state()) ?? {});
    const own = state.map(([name, data]) => [name, { shape: [data.length], data }] as const);
    Object.assign(tensors, phaseState(i + 1).write(Object.fromEntries(own)));
  }
  return tensors;
}

/** Puts back what `phaseTensors` gave. */
export function loadPhases(phases: readonly ActivePhase[], tensors: Tensors): void {
  for (const [i, { minimiser }] of phases.entries()) {
    const own = Object.entries(phaseState(i + 1).read(tensors));
    minimiser?.load(Object.fromEntries(own.map(([name, { data }]) => [name, data])));
  }
}

/** 1 for each value of the weights, and where `biases` of all parameters; 0 elsewhere. */
function penalised(flat: Flat, graph: Graph, biases: boolean): Vector {
  const { memory } = flat;
  const acts = flat.vector('penalised');
  const pages = memory.layout.pages('param').map(p => p.buffer);
  for (const { value } of graph.params.values()) {
    const { buffer, offset } = memory.place(value);
    if (biases || value.shape.length > 1) {
      memory.device.gpu.queue.writeBuffer(acts[pages.indexOf(buffer)]!, offset, new Float32Array(value.size).fill(1));
    }
  }
  return acts;
}
