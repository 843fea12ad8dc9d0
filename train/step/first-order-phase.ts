/** A phase of a run in which a first-order rule moves the weights. */
import type { Memory } from '../../engine/memory.ts';
import type { Program } from '../../engine/program.ts';
import { Flat, type Vector } from '../../optim/flat.ts';
import { LOSS_SCALE } from '../../optim/loss-scale.ts';
import { stateBuffer, type Optimizer } from '../../optim/optimizer.ts';
import type { Rates, Schedule } from '../../optim/schedule.ts';
import { LEFT_OUT } from '../../shaders/update/loss-scale.ts';
import { Accumulation } from './accumulate.ts';
import type { GradientProgram } from './gradients.ts';
import type { Span, Step } from './step.ts';

export class FirstOrderPhase implements Span {
  readonly start: number;
  readonly end: number;
  readonly optimizer: Optimizer;
  readonly accumulation = new Accumulation();
  #memory: Memory;
  #schedule: Schedule | undefined;
  #update: Program | undefined;
  #hessian: HessianDiagonal | undefined;

  /** `update` is the program of the update, where it is not part of the one that computes the gradients. */
  constructor(memory: Memory, optimizer: Optimizer, { start, end }: Span, schedule?: Schedule, update?: Program) {
    this.start = start;
    this.end = end;
    this.optimizer = optimizer;
    this.#memory = memory;
    this.#schedule = schedule;
    this.#update = update;
    this.#hessian = optimizer.rule.probes === undefined ? undefined : new HessianDiagonal(memory, optimizer);
  }

  /** The rates of step number `step`. */
  rates(step: number): Rates {
    return this.#schedule?.at(step - 1) ?? { lr: this.optimizer.hyper.lr };
  }

  /**
   * Clears what a phase before it has left: one of the same rule has its state in the same place, and updates that were skipped are counted
   * by phase.
   */
  begin(): void {
    const { layout, buffers, device } = this.#memory;
    const { rule } = this.optimizer;
    const encoder = device.gpu.createCommandEncoder();
    for (const page of layout.pages('param').keys()) {
      for (const state of rule.state) encoder.clearBuffer(buffers.get(stateBuffer(rule, state, page))!);
    }
    const scaling = buffers.get(`state ${LOSS_SCALE}`);
    if (scaling) encoder.clearBuffer(scaling, LEFT_OUT * 4, 4);
    device.gpu.queue.submit([encoder.finish()]);
  }

  /** Enqueues a step: the gradients of its batch, and the update once those of a whole batch are there. Returns the learning rate. */
  async step(step: Step, gradients: GradientProgram, log: boolean): Promise<number> {
    const { lr, momentum, batches = 1 } = this.rates(step.number);
    const { accumulation, optimizer } = this;
    const { seed, microBatches } = gradients;
    const update = accumulation.updates(step.number - this.start);
    const values = optimizer.values(update, lr, momentum, accumulation.next * microBatches);
    await this.#hessian?.estimate(step.number, seed, () => gradients.run(step, { counts: false }));
    await gradients.run(step, { update: this.#update ? undefined : values, adds: accumulation.adds, log });
    if (accumulation.take(batches, step.number === this.end)) this.#update?.run({ ...values, seed, step: step.number });
    if (log) gradients.readings.readBack(step.number, lr);
    await gradients.enqueued();
    return lr;
  }

  destroy(): void {
    this.#update?.destroy();
    this.#hessian?.destroy();
  }
}

/** The diagonal of the Hessian, estimated into a rule's state. */
class HessianDiagonal {
  #flat: Flat;
  #optimizer: Optimizer;
  #vectors: { z: Vector; w: Vector; g: Vector; h: Vector } | undefined;

  constructor(memory: Memory, optimizer: Optimizer) {
    this.#flat = new Flat(memory);
    this.#optimizer = optimizer;
  }

  /**
   * The mean over probes z of z * (g(w + epsilon z) - g(w - epsilon z)) / (2 epsilon), for step number `step`. `gradients` computes those of
   * its batch at the present weights.
   */
  async estimate(step: number, seed: number, gradients: () => Promise<void>): Promise<void> {
    const { rule, hyper } = this.#optimizer;
    const flat = this.#flat;
    const { probes = 1, epsilon = 1e-3 } = hyper;
    const { z, w, g, h } = (this.#vectors ??= {
      z: flat.vector('probe'),
      w: flat.vector('weights'),
      g: flat.vector('gradient'),
      h: flat.named(page => stateBuffer(rule, rule.probes!, page)),
    });
    await flat.copy(w, flat.w);
    for (let k = 0; k < probes; k++) {
      await flat.signs(z, seed, step * probes + k);
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
    this.#flat.destroy();
  }
}
