/** A compiled graph that runs on one batch after another. */
import type { Tensor } from '../../engine/tensor.ts';
import { Program, type CompileOptions, type Cut } from '../../engine/program.ts';
import type { Batch } from './batch.ts';
import { bytesOfImage } from './data.ts';
import { isWorthMeasuring, measure } from './measure.ts';
import { inOrder, isSameOrder, type Order } from './order.ts';
import { bytesOfPage } from './pages.ts';

/**
 * Step values of a run: its batch begins at place `offset` of the order, which is this rank's, and at place `first` of the order of all ranks;
 * `seed` and `step` decide how it is mixed.
 */
export interface BatchStep extends Readonly<Record<string, number>> {
  readonly offset: number;
}

export class BatchProgram {
  readonly program: Program;
  readonly batch: Batch;

  private constructor(program: Program, batch: Batch) {
    this.program = program;
    this.batch = batch;
  }

  /** Compiles the graph and brings to the device what its batches are gathered from, as much as may be while the driver compiles. */
  static async compile(batch: Batch, options: CompileOptions = {}): Promise<BatchProgram> {
    const { graph, data, images, layout, inputs } = batch;
    const { memory, run } = data;
    const { normalisation, dataset } = run;
    const measures = isWorthMeasuring(run, images, layout);
    const writeNorm = () => data.writeOnce(inputs.norm, () => normalisation.scaleAndShift());
    const meanwhile = () => {
      if (!layout.stream) for (const page of inputs.pages) data.writeOnce(page.images, () => bytesOfPage(run, images, page));
      if (!measures) writeNorm();
      options.meanwhile?.();
    };
    const program = await Program.compile(memory, graph, { ...options, meanwhile });
    if (measures) normalisation.measured(await measure(memory, inputs.pages, dataset.shape, images.indices));
    writeNorm();
    data.writeOnce(inputs.labels, () => images.from.targets ?? Uint32Array.from(images.from.labels));
    const made = new BatchProgram(program, batch);
    await made.#begin();
    return made;
  }

  /** The images are in file order where no program has put them into another. */
  async #begin(): Promise<void> {
    const { data, images, layout, inputs } = this.batch;
    const ring = layout.stream ? await import('./ring.ts') : undefined;
    if (data.orders.has(images.part)) return;
    const numbers = this.#write(undefined);
    if (!ring) return;
    const pages = inputs.pages.map(page => page.images);
    data.rings.set(images.part, new ring.Ring(images.from, bytesOfImage(data.run.dataset), pages, numbers));
  }

  /** Writes the numbers of the images in an order, and returns them. */
  #write(order: Order | undefined): Uint32Array {
    const { data, images, inputs } = this.batch;
    const numbers = new Uint32Array(inputs.order.size);
    numbers.set(inOrder(images.indices, order));
    data.memory.write(inputs.order, numbers);
    data.rings.get(images.part)?.restart(numbers);
    data.orders.set(images.part, order);
    return numbers;
  }

  /** Puts the images of the part into an order, for all programs that share them; without one they are as in the file. */
  arrange(order: Order | undefined): void {
    if (!isSameOrder(order, this.order)) this.#write(order);
  }

  /** The order in which the images of the part are; undefined is that of the file. */
  get order(): Order | undefined {
    return this.batch.data.orders.get(this.batch.images.part);
  }

  /** Does `f` with the images in file order, and puts them back into the order in which they were. */
  async inFileOrder<T>(f: () => Promise<T>): Promise<T> {
    const before = this.order;
    this.arrange(undefined);
    try {
      return await f();
    } finally {
      this.arrange(before);
    }
  }

  /**
   * Enqueues one run; where the images do not fit on the device, as soon as those of its batch are there. `more` and `cuts` as in
   * Program.run and runWith.
   */
  async run(step: BatchStep, more?: (encoder: GPUCommandEncoder) => void, cuts?: readonly Cut[]): Promise<void> {
    const { data, images, mixing } = this.batch;
    const { offset, seed = 0, step: number = 1 } = step;
    await data.rings.get(images.part)?.feed(data.memory, offset, data.n);
    const values = { ...step, ...(mixing && (await mixing({ seed, step: number }))) };
    if (cuts) await this.program.runWith(cuts, values, more);
    else this.program.run(values, more);
  }

  /** What `t` holds after the last run (see Program.read). */
  read(t: Tensor): Promise<Float32Array> {
    return this.program.read(t);
  }

  destroy(): void {
    this.program.destroy();
  }
}
