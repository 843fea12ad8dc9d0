/** The program that computes the gradients of a step's batch, micro-batch by micro-batch. */
import type { Tensor } from '../../engine/tensor.ts';
import type { Cut } from '../../engine/program.ts';
import type { BatchProgram } from '../data/batch-program.ts';
import { LabelWeights, type Scales } from '../data/label-weights.ts';
import { lengthOf, rangeOf, type Share } from '../data/share.ts';
import type { GradientMean, SharedGradients } from '../distribute/gradient-mean.ts';
import type { Totals } from '../evaluate/score.ts';
import { takeTotals } from '../evaluate/totals.ts';
import type { Adversary } from './adversary.ts';
import { Readings } from './readings.ts';
import type { Step } from './step.ts';
import { shareOf, type TrainerOptions } from './trainer-options.ts';
import { weightingOf, type TrainingGraph } from './training-graph.ts';

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

/** What is done around the gradient of a micro-batch. */
interface Around {
  /** Step values by which a sample, counted within its batch, is clipped by itself. */
  readonly ofSample?: ((sample: number) => Readonly<Record<string, number>>) | undefined;
  readonly adversary?: Adversary | undefined;
  readonly shared?: SharedGradients | undefined;
}

export class GradientProgram {
  readonly program: BatchProgram;
  readonly batchSize: number;
  /** Micro-batches of a step's batch. Gradients in memory are the sum of the gradients of their mean losses. */
  readonly microBatches: number;
  readonly seed: number;
  readonly stepsPerEpoch: number;
  readonly readings: Readings;
  /** Takes the mean of gradients over ranks, where they share them. */
  readonly mean: GradientMean | undefined;
  /** This rank among those that share a batch. */
  #share: Share;
  /** What makes weighted means of a batch, where its rows do not all count alike. */
  #labelWeights: LabelWeights | undefined;
  #totals: Tensor;
  #around: Around;
  #pending: Promise<unknown>[] = [];

  /**
   * With `ofSample` each micro-batch is a sample, whose gradient the program adds to those of its batch, clipped; with an `adversary` each is
   * attacked first; with `shared` its gradients become the mean over ranks.
   */
  constructor(program: BatchProgram, { totals, batch }: TrainingGraph, o: TrainerOptions, around: Around = {}) {
    const { batchSize, accumulate = 1, seed = 0, sharesGradients } = o;
    this.program = program;
    this.#around = around;
    this.batchSize = batchSize;
    this.microBatches = accumulate;
    this.seed = seed;
    this.stepsPerEpoch = Math.floor(batch.images.n / batchSize);
    this.#totals = totals;
    this.#share = shareOf(o);
    const counted = sharesGradients ? batchSize : lengthOf(batchSize, this.#share);
    const weighting = weightingOf(o, batch);
    this.#labelWeights = weighting && new LabelWeights(batch.images, weighting);
    this.readings = new Readings(program.program, totals, counted, this.stepsPerEpoch, batch.images);
    this.mean = around.shared?.mean;
  }

  /**
   * Enqueues the gradients of a step at the present weights. Ranks that share a batch draw random numbers as so many micro-batches would;
   * where they share gradients it waits until their mean is there.
   */
  async run({ number, epoch, at }: Step, { update, adds = false, log = false, counts = true }: GradientRun = {}): Promise<void> {
    const { batchSize, microBatches, seed, mean } = this;
    const { ofSample, adversary } = this.#around;
    const { rank, size } = this.#share;
    const { start, end } = rangeOf(batchSize, this.#share);
    const own = end - start;
    const n = own / microBatches;
    const scales: Scales | undefined = this.#labelWeights?.of(this.program.order, at);
    const collect = (encoder: GPUCommandEncoder) => this.readings.collect(encoder);
    for (let k = 0; k < microBatches; k++) {
      const isLast = k === microBatches - 1;
      const values = {
        offset: at * own + k * n,
        first: at * batchSize + start + k * n,
        valid: counts ? n : 0,
        seed,
        step: ((number - 1) * size + rank) * microBatches + k + 1,
        accumulate: !ofSample && (k || adds) ? 1 : 0,
        ...ofSample?.(k),
        epoch,
        ...scales,
      };
      await adversary?.run(values);
      await this.program.run({ ...update, ...values }, log && isLast && !mean ? collect : undefined, this.#cuts(isLast));
    }
    await mean?.finish();
  }

  /** Where a micro-batch stops on its way, in order; undefined where it does not. */
  #cuts(isLast: boolean): readonly Cut[] | undefined {
    const { shared } = this.#around;
    if (!shared) return undefined;
    const leaving = isLast ? shared.mean.cuts : [];
    return [...shared.pauses, ...leaving].sort((a, b) => a.after - b.after);
  }

  /** The sums over all batches since they were last taken or logged; they begin anew. */
  totals(): Promise<Totals> {
    return takeTotals(this.program.program, this.#totals, this.#around.shared?.exchange);
  }

  /** The sums since the last logged step, and of how many images they are; `step` is the last. They begin anew. */
  async unlogged(step: number): Promise<Totals & { readonly images: number }> {
    return { ...(await this.totals()), images: this.readings.imagesUpTo(step) };
  }

  /** Throws where ranks that share gradients have other weights after step number `step`. */
  async checkSame(step: number): Promise<void> {
    const { shared } = this.#around;
    if (!shared) return;
    const { checkSameWeights } = await import('../distribute/same-weights.ts');
    await checkSameWeights(shared.exchange, this.program.program.memory, step);
  }

  /** Ends a step that is enqueued: asks for the metrics that it has copied, and waits for an earlier one where too many are under way. */
  async end(step: number, lr: number, log: boolean): Promise<void> {
    if (log && this.mean) this.readings.take(step, lr, await this.totals());
    else if (log) this.readings.readBack(step, lr);
    this.#pending.push(this.program.program.memory.device.done());
    if (this.#pending.length >= IN_FLIGHT) await this.#pending.shift();
  }

  /** Images per second count from now on, unless steps up to `done` are still under way: a pause is no training time. */
  resume(done: number): void {
    if (!this.#pending.length) this.readings.restart(done);
  }

  /** Waits until all steps are done and their metrics are back. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending.splice(0));
    await this.readings.settle();
  }

  destroy(): void {
    this.program.destroy();
    this.#around.adversary?.destroy();
    this.readings.destroy();
    this.mean?.destroy();
  }
}
