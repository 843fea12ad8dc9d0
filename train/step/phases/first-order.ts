/** A phase of a run in which a first-order rule moves the weights. */
import type { Memory } from '../../../engine/memory.ts';
import type { Program } from '../../../engine/program.ts';
import { LOSS_SCALE } from '../../../optim/loss-scale.ts';
import { stateBuffer, type Optimizer } from '../../../optim/optimizer.ts';
import { ratesAt, type Rates, type Schedule } from '../../../optim/schedule.ts';
import { SKIPPED } from '../../../shaders/update/loss-scale.ts';
import type { Kfac } from '../../linear/kfac.ts';
import type { LastLayer } from '../../linear/last-layer.ts';
import { Accumulation } from './accumulation.ts';
import type { GradientProgram } from '../gradients.ts';
import type { Span, Step } from '../step.ts';
import type { HessianDiagonal } from './hessian-diagonal.ts';

/** What a phase has beside its rule. */
export interface Needs {
  readonly schedule?: Schedule | undefined;
  /** The program of the update, where it is not part of the one that computes the gradients. */
  readonly update?: Program | undefined;
  /** The estimate of the curvature, the layer that is solved for, and the factors of layers, where the rule asks for them. */
  readonly hessian?: HessianDiagonal | undefined;
  readonly last?: LastLayer | undefined;
  readonly factors?: Kfac | undefined;
}

export class FirstOrderPhase implements Span {
  readonly start: number;
  readonly end: number;
  optimizer: Optimizer;
  readonly accumulation = new Accumulation();
  #memory: Memory;
  #schedule: Schedule | undefined;
  #update: Program | undefined;
  #hessian: HessianDiagonal | undefined;
  #last: LastLayer | undefined;
  /** What the rule knows of the curvature, beside its state. */
  readonly curvature: Kfac | undefined;

  constructor(memory: Memory, optimizer: Optimizer, { start, end }: Span, { schedule, update, hessian, last, factors }: Needs = {}) {
    this.start = start;
    this.end = end;
    this.optimizer = optimizer;
    this.#memory = memory;
    this.#schedule = schedule;
    this.#update = update;
    this.#hessian = hessian;
    this.#last = last;
    this.curvature = factors;
  }

  /** The rates of step number `step`. */
  rates(step: number): Rates {
    return ratesAt(this.#schedule, step - 1, this.optimizer.hyper.lr);
  }

  /** Goes on with other numbers: those of an optimizer whose kernels are the same. */
  become(optimizer: Optimizer, schedule: Schedule | undefined): void {
    this.optimizer = optimizer;
    this.#schedule = schedule;
  }

  /**
   * Clears what a phase before it has left: one of the same rule has its state in the same place, and updates that were skipped are counted
   * by phase.
   */
  #clear(): void {
    const { layout, buffers } = this.#memory;
    const { rule } = this.optimizer;
    const scaling = buffers.get(`state ${LOSS_SCALE}`);
    this.#memory.submit(encoder => {
      for (const page of layout.pages('param').keys()) {
        for (const state of rule.state) encoder.clearBuffer(buffers.get(stateBuffer(rule, state, page))!);
      }
      if (scaling) encoder.clearBuffer(scaling, SKIPPED * 4, 4);
    });
  }

  /** Enqueues a step: the gradients of its batch, and the update once those of a whole batch are there. Returns the learning rate. */
  async step(step: Step, gradients: GradientProgram, log: boolean): Promise<number> {
    const { lr, momentum, batches = 1 } = this.rates(step.number);
    const { accumulation, optimizer } = this;
    const { seed, microBatches } = gradients;
    const isFirst = step.number === this.start + 1;
    if (isFirst && this.start > 0) this.#clear();
    if (isFirst) await this.#last?.solve();
    const update = accumulation.updates(step.number - this.start);
    const values = optimizer.values(update, lr, momentum, accumulation.next * microBatches);
    await this.curvature?.before(step, step.number - this.start - 1, gradients);
    await this.#hessian?.estimate(step.number, seed, () => gradients.run(step, { counts: false }));
    await gradients.run(step, { update: this.#update ? undefined : values, adds: accumulation.adds, log });
    if (accumulation.take(batches, step.number === this.end)) this.#update?.run({ ...values, seed, step: step.number });
    if (this.#last && (step.number - this.start) % optimizer.hyper.every! === 0) await this.#last.solve();
    await gradients.end(step.number, lr, log);
    return lr;
  }

  destroy(): void {
    this.#update?.destroy();
    this.#hessian?.destroy();
    this.#last?.destroy();
    this.curvature?.destroy();
  }
}
