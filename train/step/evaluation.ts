/** Judges a model on a part of the data: its loss, its accuracy, its logits. */
import { Program, type Memory } from '../../engine/program.ts';
import type { Optimizer } from '../../optim/optimizer.ts';
import type { Transform } from '../../shaders/images/augment.ts';
import { withAverage } from '../run/averaging.ts';
import type { Part } from '../data/data.ts';
import { build, type BuiltGraph, type TrainerOptions } from './graphs.ts';
import { populationStatistics } from './population.ts';
import { takeTotals } from './readings.ts';

/** Batches by which the mean of SWA gets running statistics: all of most data sets, as torch.optim.swa_utils.update_bn takes them. */
const SWA_BATCHES = 1000;

export class Evaluator {
  #o: TrainerOptions;
  #memory: Memory;
  /** Images of one run of the programs. */
  #batch: number;
  #made = new Map<string, Promise<BuiltGraph & { program: Program }>>();

  #average: () => Optimizer | undefined;

  /**
   * `memory` is that of the training program, whose parameters and slots it shares. `average` tells the optimizer whose average of the
   * weights is to be judged at present, if it is to be.
   */
  constructor(o: TrainerOptions, memory: Memory, average: () => Optimizer | undefined) {
    this.#o = o;
    this.#memory = memory;
    this.#average = average;
    this.#batch = o.batchSize / (o.accumulate ?? 1);
  }

  /** The program of a part, made at its first use; `view` is done to its images (see DeviceData.source). */
  #program(part: Part, view?: readonly Transform[]): Promise<BuiltGraph & { program: Program }> {
    const key = `${part} ${JSON.stringify(view)}`;
    const make = async () => {
      const built = build(this.#o, part, false, view);
      const program = await Program.compile(this.#memory, built.graph, { fuse: this.#o.fuse }); // --debug watches the steps
      this.#o.data.upload(this.#memory, built.graph, part);
      return { ...built, program };
    };
    if (!this.#made.has(key)) this.#made.set(key, make());
    return this.#made.get(key)!;
  }

  /** Does `f` with the weights that are to be judged in place. */
  judging<T>(f: () => Promise<T>): Promise<T> {
    const optimizer = this.#average();
    if (!optimizer) return f();
    const refresh = async () => {
      if (optimizer.average?.refreshes) await this.refresh(SWA_BATCHES);
    };
    return withAverage(this.#memory, optimizer, refresh, f);
  }

  /** Replaces running statistics by those of all training images under the present weights, or of the first `most` batches. */
  async refresh(most?: number): Promise<void> {
    if (!this.#memory.layout.pages('buffer').length) return;
    await populationStatistics({ ...this.#o, batchSize: this.#batch }, this.#memory, most);
  }

  /** Mean loss and accuracy over all images of a part. */
  evaluate(part: Part): Promise<{ loss: number; accuracy: number }> {
    return this.judging(async () => {
      if (this.#o.population) await this.refresh();
      return this.#evaluate(part);
    });
  }

  async #evaluate(part: Part): Promise<{ loss: number; accuracy: number }> {
    const { data } = this.#o;
    const size = data.size(part);
    const { program, totals } = await this.#program(part);
    const n = this.#batch;
    for (let at = 0; at < size; at += n) {
      await data.feed(this.#memory, part, at);
      program.run({ offset: at, valid: Math.min(n, size - at) });
      if ((at / n) % 16 === 15) await this.#memory.device.done();
    }
    const { loss, correct } = await takeTotals(program, totals);
    return { loss: loss / size, accuracy: correct / size };
  }

  /** Logits [count, classes] of the first `count` images of a part, each as `view` shows it. */
  logits(part: Part, count: number, view?: readonly Transform[]): Promise<Float32Array> {
    return this.judging(() => this.#logits(part, count, view));
  }

  async #logits(part: Part, count: number, view?: readonly Transform[]): Promise<Float32Array> {
    const { data } = this.#o;
    const { program, logits } = await this.#program(part, view);
    const classes = logits.shape[1]!;
    const n = this.#batch;
    const out = new Float32Array(count * classes);
    for (let at = 0; at < count; at += n) {
      await data.feed(this.#memory, part, at);
      program.run({ offset: at, valid: 0, seed: 0, epoch: 0 });
      out.set((await program.read(logits)).subarray(0, Math.min(n, count - at) * classes), at * classes);
    }
    return out;
  }

  destroy(): void {
    for (const made of this.#made.values()) {
      const ignore = () => undefined; // its failure was told where it was asked for
      void made.then(({ program }) => program.destroy(), ignore);
    }
  }
}
