/** Evaluates a model on a part of the data: its score, its logits. */
import { check, kindOf, lookUp, named, say } from '../../engine/check.ts';
import type { Copies } from '../../engine/program.ts';
import type { Transform } from '../../shaders/images/transform.ts';
import { BatchProgram } from '../data/batch-program.ts';
import type { DeviceData } from '../data/device-data.ts';
import { rangeOf } from '../data/share.ts';
import type { Part, PartImages } from '../data/split.ts';
import type { WeightAverage } from './averaging.ts';
import { evaluationGraph, type BuiltGraph } from './evaluation-graph.ts';
import type { EvaluationOptions } from './evaluation-options.ts';
import { scoreOf, type Score } from './score.ts';
import { takeTotals, TOTALS_BYTES as BYTES, totalsOf } from './totals.ts';

/** Batches by which the mean of SWA gets running statistics: all of most data sets, as torch.optim.swa_utils.update_bn takes them. */
const SWA_BATCHES = 1000;
/** Runs of a program that are enqueued before the host waits for the device. */
const ENQUEUED = 16;

type Made = BuiltGraph & { readonly program: BatchProgram };

export class Evaluator {
  #o: EvaluationOptions;
  #data: DeviceData;
  #average: () => WeightAverage | undefined;
  #made = new Map<string, Promise<Made>>();
  #version: () => string;
  /** The weights whose population statistics are in memory. */
  #inLine: string | undefined;

  /**
   * `data` is on the memory that holds the weights. `average` gives the average that is to be evaluated in their place at present, if there
   * is one; `version` names the present weights.
   */
  constructor(o: EvaluationOptions, data: DeviceData, average: () => WeightAverage | undefined = () => undefined, version = () => '') {
    this.#o = o;
    this.#data = data;
    this.#average = average;
    this.#version = version;
  }

  /** The program of a part, made at its first use; `view` is done to its images (see gatherBatch). */
  #program(part: Part, view?: readonly Transform[]): Promise<Made> {
    const key = `${part} ${JSON.stringify(view)}`;
    const make = async () => {
      const built = evaluationGraph(this.#o, this.#data, part, view);
      return { ...built, program: await BatchProgram.compile(built.batch, { fuse: this.#o.fuse }) };
    };
    if (!this.#made.has(key)) this.#made.set(key, make());
    return this.#made.get(key)!;
  }

  /** Compiles what evaluates a part. Throws TooLarge where its batches do not fit on the device. */
  async compile(part: Part): Promise<void> {
    await this.#program(part);
  }

  /** Does `f` with the weights in place that are to be evaluated. */
  async withAverage<T>(f: () => Promise<T>): Promise<T> {
    const average = this.#average();
    if (!average) return f();
    const { withAverage } = await import('./averaging.ts'); // few runs keep one
    const own = this.#inLine;
    this.#inLine = undefined;
    try {
      return await withAverage(this.#data.memory, average, () => this.refresh(SWA_BATCHES), f);
    } finally {
      this.#inLine = own; // the running statistics of before are back
    }
  }

  /**
   * Where evaluations take population statistics, brings the running ones in line with the present weights, so that whoever keeps both keeps
   * what an evaluation reports.
   */
  async settleStatistics(): Promise<void> {
    if (!this.#o.population || this.#inLine === this.#version()) return;
    await this.refresh();
    this.#inLine = this.#version();
  }

  /** Replaces running statistics by those of all training images under the present weights, or of the first `most` batches. */
  async refresh(most?: number): Promise<void> {
    const { memory } = this.#data;
    this.#inLine = undefined;
    if (!memory.layout.pages('buffer').length) return;
    const { populationStatistics } = await import('./population.ts'); // few runs evaluate by them
    await populationStatistics(this.#o, this.#data, most);
  }

  /** The score over the first `count` images of a part, or over all. */
  evaluate(part: Part, count = Infinity): Promise<Score> {
    const { n } = this.#images(part);
    check(
      n > 0,
      `evaluate: there are no ${part} images`,
      part === 'val' ? say`give a larger ${named('valSplit')}` : 'give data that have some',
    );
    return this.withAverage(() => this.#evaluateAsIs(part, Math.min(n, count)));
  }

  /** As `evaluate`, of the weights themselves; undefined where no average stands in their place. */
  async evaluateUnaveraged(part: Part): Promise<Score | undefined> {
    return this.#average() && this.#evaluateAsIs(part, this.#data.run.parts[part].n);
  }

  #images(part: Part): PartImages {
    return lookUp('part', part, this.#data.run.parts);
  }

  async #evaluateAsIs(part: Part, images: number): Promise<Score> {
    await this.settleStatistics();
    return this.#evaluate(part, images);
  }

  async #evaluate(part: Part, images: number): Promise<Score> {
    const { program, totals } = await this.#program(part);
    const exchange = this.#o.evaluatesAlone ? undefined : this.#o.exchange;
    await this.#runs(program, exchange ? rangeOf(images, exchange) : { start: 0, end: images });
    return scoreOf(await takeTotals(program.program, totals, exchange), images, this.#images(part));
  }

  /** Enqueues runs over the images from `start` to `end`; `last` adds copies to the last one. */
  async #runs(program: BatchProgram, { start, end }: { start: number; end: number }, last?: Copies): Promise<void> {
    const { memory, n } = this.#data;
    for (let at = start, runs = 1; at < end; at += n, runs++) {
      await program.run({ offset: at, valid: Math.min(n, end - at) }, at + n < end ? undefined : last);
      if (runs % ENQUEUED === 0) await memory.device.done();
    }
  }

  /**
   * The scores of several weights over a part: `move` enqueues what puts the weights of a place where programs have them. All places are
   * enqueued before the first score is waited for.
   */
  async evaluateMoved(part: Part, places: number, move: (place: number) => Promise<void>): Promise<Score[]> {
    const { memory } = this.#data;
    const { n } = this.#images(part);
    const { program, totals } = await this.#program(part);
    const { buffer, offset } = program.program.locate(totals);
    const kept = memory.buffer('totals of places', places * BYTES);
    try {
      for (let place = 0; place < places; place++) {
        await move(place);
        await this.#runs(program, { start: 0, end: n }, encoder => {
          encoder.copyBufferToBuffer(buffer, offset, kept, place * BYTES, BYTES);
          encoder.clearBuffer(buffer, offset, BYTES);
        });
      }
      const sums = new Float32Array(await memory.download(kept, 0, places * BYTES));
      const of = (place: number) => totalsOf(sums.subarray((place * BYTES) / 4), totals.size);
      return Array.from({ length: places }, (_, place) => scoreOf(of(place), n, this.#images(part)));
    } finally {
      memory.free(kept);
    }
  }

  /** Logits, or the numbers that are predicted, [count, outputs] of the first `count` images of a part, or of all, each as `view` shows it. */
  logits(part: Part, count = this.#images(part).n, view?: readonly Transform[]): Promise<Float32Array> {
    const { n } = this.#images(part);
    check(Number.isInteger(count) && count >= 0 && count <= n, `logits: of ${kindOf(count)} images`, `give 0 to ${n}`);
    return this.withAverage(() => this.#logits(part, count, view));
  }

  async #logits(part: Part, count: number, view?: readonly Transform[]): Promise<Float32Array> {
    await this.settleStatistics();
    const { n } = this.#data;
    const { program, logits } = await this.#program(part, view);
    const classes = logits.shape[1]!;
    const out = new Float32Array(count * classes);
    for (let at = 0; at < count; at += n) {
      await program.run({ offset: at, valid: 0, seed: 0, epoch: 0 });
      out.set((await program.read(logits)).subarray(0, Math.min(n, count - at) * classes), at * classes);
    }
    return out;
  }

  destroy(): void {
    for (const made of this.#made.values()) {
      const ignore = () => undefined; // its failure was reported where it was asked for
      void made.then(({ program }) => program.destroy(), ignore);
    }
  }
}
