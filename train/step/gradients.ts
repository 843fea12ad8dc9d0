/** The program that computes the gradients of a step's batch, micro-batch by micro-batch. */
import type { Tensor } from '../../engine/graph.ts';
import type { BatchProgram } from '../data/batch-program.ts';
import type { BuiltGraph } from '../evaluate/evaluation-graph.ts';
import { takeTotals, type Totals } from '../evaluate/totals.ts';
import { Readings } from './readings.ts';
import type { Step } from './step.ts';
import type { TrainerOptions } from './trainer-options.ts';

/** Steps that may wait on the device: enough that it never idles, few enough that Ctrl-C and memory are bounded. */
const IN_FLIGHT = 2;

export interface GradientRun {
  /** Step values of the update, where the program has it. */
  readonly update?: Readonly<Record<string, number>> | undefined;
  /** Whether the gradients are added to those in memory. */
  readonly adds?: boolean;
  /** Whether the metrics since the last logged step are copied back. */
  readonly log?: boolean;
  /** Whether loss and accuracy enter the metrics; so it is unless this is false. */
  readonly counts?: boolean;
}

export class GradientProgram {
  readonly program: BatchProgram;
  readonly batchSize: number;
  /** Micro-batches of a step's batch. Gradients in memory are the sum of the gradients of their mean losses. */
  readonly microBatches: number;
  readonly seed: number;
  readonly stepsPerEpoch: number;
  readonly readings: Readings;
  #totals: Tensor;
  #pending: Promise<unknown>[] = [];

  constructor(program: BatchProgram, { totals, batch }: BuiltGraph, { batchSize, accumulate = 1, seed = 0 }: TrainerOptions) {
    this.program = program;
    this.batchSize = batchSize;
    this.microBatches = accumulate;
    this.seed = seed;
    this.stepsPerEpoch = Math.floor(batch.images.n / batchSize);
    this.readings = new Readings(program.program, totals, batchSize, this.stepsPerEpoch);
    this.#totals = totals;
  }

  /** Enqueues the gradients of a step at the present weights. */
  async run({ number, epoch, at }: Step, { update, adds = false, log = false, counts = true }: GradientRun = {}): Promise<void> {
    const { batchSize, microBatches, seed } = this;
    const n = batchSize / microBatches;
    const collect = (encoder: GPUCommandEncoder) => this.readings.collect(encoder);
    for (let k = 0; k < microBatches; k++) {
      const isLast = k === microBatches - 1;
      const values = {
        offset: at * batchSize + k * n,
        valid: counts ? n : 0,
        seed,
        step: (number - 1) * microBatches + k + 1,
        accumulate: k || adds ? 1 : 0,
        epoch,
      };
      await this.program.run({ ...update, ...values }, log && isLast ? collect : undefined);
    }
  }

  /** The sums over all batches since they were last taken or logged; they begin anew. */
  totals(): Promise<Totals> {
    return takeTotals(this.program.program, this.#totals);
  }

  /** Ends a step that is enqueued: asks for the metrics that it has copied, and waits for an earlier one where too many are under way. */
  async end(step: number, lr: number, log: boolean): Promise<void> {
    if (log) this.readings.readBack(step, lr);
    this.#pending.push(this.program.program.memory.device.done());
    if (this.#pending.length >= IN_FLIGHT) await this.#pending.shift();
  }

  /** Images per second count from now on, unless steps up to `done` are still under way or not logged: a pause is no training time. */
  resume(done: number): void {
    if (!this.#pending.length && this.readings.logged === done) this.readings.restart();
  }

  /** Waits until all steps are done and their metrics are back. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending.splice(0));
    await this.readings.settle();
  }

  destroy(): void {
    this.program.destroy();
    this.readings.destroy();
  }
}
