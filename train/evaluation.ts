/** The programs that judge a model on a part of the data: its loss, its accuracy, its logits. */
import { Program, type Memory } from '../engine/program.ts';
import type { Transform } from '../shaders/augment.ts';
import type { Part } from './data.ts';
import { build, type BuiltGraph, type TrainerOptions } from './graphs.ts';
import { takeTotals } from './readings.ts';

export class Evaluator {
  #o: TrainerOptions;
  #memory: Memory;
  /** Images of one run of the programs. */
  #batch: number;
  #made = new Map<string, Promise<BuiltGraph & { program: Program }>>();

  /** `memory` is that of the training program, whose parameters and slots it shares. */
  constructor(o: TrainerOptions, memory: Memory) {
    this.#o = o;
    this.#memory = memory;
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

  /** Mean loss and accuracy over all images of a part under the weights as they are. */
  async evaluate(part: Part): Promise<{ loss: number; accuracy: number }> {
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
  async logits(part: Part, count: number, view?: readonly Transform[]): Promise<Float32Array> {
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
      void made.then(
        ({ program }) => program.destroy(),
        () => undefined,
      );
    }
  }
}
