/** The steps of a run: which phase takes which batch, in which order the images are, and how far it has come. */
import type { Order } from '../data/order.ts';
import type { Counters } from '../run/state-keys.ts';
import type { Accumulation } from './phases/accumulation.ts';
import { NonFinite } from './divergence.ts';
import { FirstOrderPhase } from './phases/first-order.ts';
import type { GradientProgram } from './gradients.ts';
import type { ActivePhase } from './phases/phases.ts';

export class Steps {
  /** Steps done, those before a resume included. */
  done = 0;
  /** Those of them that other programs did. */
  before = 0;
  readonly gradients: GradientProgram;
  readonly phases: readonly ActivePhase[];
  #order: (epoch: number) => Promise<Order | undefined>;
  #debug: boolean;

  /** `order` gives the order of the training images in an epoch; with `debug` each step is checked for values that are not finite. */
  constructor(
    gradients: GradientProgram,
    phases: readonly ActivePhase[],
    order: (epoch: number) => Promise<Order | undefined>,
    debug = false,
  ) {
    this.gradients = gradients;
    this.phases = phases;
    this.#order = order;
    this.#debug = debug;
  }

  /** The phase of the last step. */
  get phase(): ActivePhase {
    return this.#phaseOf(this.done);
  }

  #phaseOf(step: number): ActivePhase {
    return this.phases.find(p => step <= p.end) ?? this.phases.at(-1)!;
  }

  /** Enqueues one step. With `log` its metrics, with those since the last logged step, come back some time later. */
  async step(log: boolean): Promise<void> {
    const { gradients } = this;
    const { stepsPerEpoch } = gradients;
    gradients.resume(this.done);
    const phase = this.#phaseOf(this.done + 1);
    const movesOn = phase instanceof FirstOrderPhase; // a quasi-Newton method stays with its batch
    const epoch = Math.floor((movesOn ? this.done : phase.start) / stepsPerEpoch);
    const at = movesOn ? this.done % stepsPerEpoch : 0;
    gradients.program.arrange(await this.#order(epoch));
    const number = ++this.done;
    const lr = await phase.step({ number, epoch, at }, gradients, log);
    if (!this.#debug) return;
    await this.#checkFinite(number, lr);
    await gradients.checkSame(number);
  }

  /** Passes over steps that other processes do: the next is number `done` + 1. */
  skipTo(done: number): void {
    const skipped = done - this.done;
    this.done = done;
    this.accumulation?.pass(skipped);
    this.gradients.readings.logged += skipped;
  }

  /** The learning rate of the last step. */
  get rate(): number {
    return this.phase.rates(Math.max(1, this.done)).lr;
  }

  /** How the first phase, which has the schedule, gathers growing batches. */
  get accumulation(): Accumulation | undefined {
    const [first] = this.phases;
    return first instanceof FirstOrderPhase ? first.accumulation : undefined;
  }

  /** All numbers that later steps depend on. */
  get counters(): Counters {
    return { steps: this.done, ...this.accumulation?.counters };
  }

  /** Goes on from the `counters` of another run of the same configuration. */
  load(counters: Counters): void {
    this.done = this.before = counters.steps;
    this.accumulation?.load(counters);
    this.gradients.readings.logged = this.done;
  }

  /** Goes on from where others are, whose programs these replace on the same memory. */
  follow(before: Steps): void {
    this.load(before.counters);
    this.gradients.readings.follow(before.gradients.readings);
  }

  destroy(): void {
    this.gradients.destroy();
    for (const phase of this.phases) phase.destroy();
  }

  async #checkFinite(step: number, lr: number): Promise<void> {
    const node = await this.gradients.program.program.firstNonFinite();
    if (node) throw new NonFinite(node, step, lr);
  }
}
