/** Metrics that add up on the device and come back some time later. */
import type { Tensor } from '../../engine/tensor.ts';
import type { Memory } from '../../engine/memory.ts';
import type { Program } from '../../engine/program.ts';
import { Diverged } from './divergence.ts';
import { imageRate } from './image-rate.ts';
import type { PartImages } from '../data/split.ts';
import { scoreOf, type Totals } from '../evaluate/score.ts';
import { totalsOf } from '../evaluate/totals.ts';
import type { StepMetrics } from './metrics.ts';

/** The metrics of a training program's logged steps, on their way back through mapped buffers. */
export class Readings {
  /** The last step whose metrics were asked for, or that has none to come. */
  logged = 0;
  #program: Program;
  #totals: Tensor;
  #batchSize: number;
  #stepsPerEpoch: number;
  #images: PartImages;
  #staging: GPUBuffer[] = [];
  #reading: Promise<void>[] = [];
  #arrived: StepMetrics[] = [];
  #rate = imageRate();

  /** `images` are those that batches are taken from. */
  constructor(program: Program, totals: Tensor, batchSize: number, stepsPerEpoch: number, images: PartImages) {
    this.#program = program;
    this.#totals = totals;
    this.#batchSize = batchSize;
    this.#stepsPerEpoch = stepsPerEpoch;
    this.#images = images;
  }

  get #memory(): Memory {
    return this.#program.memory;
  }

  /** Images per second count from now on, with so many steps done: the pause before it was no training time. */
  restart(done: number): void {
    this.#rate.restart((done - this.logged) * this.#batchSize);
  }

  /** Goes on with the same sums after the readings of another program, all of which are back. */
  follow(before: Readings): void {
    this.logged = before.logged;
    this.#arrived.push(...before.#arrived.splice(0));
  }

  /** Copies the sums in the command buffer of a step, and begins them anew. */
  collect(encoder: GPUCommandEncoder): void {
    const { buffer, offset } = this.#program.locate(this.#totals);
    const staging = this.#staging.pop() ?? this.#memory.buffer('metrics', 16, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    encoder.copyBufferToBuffer(buffer, offset, staging, 0, 4 * this.#totals.size);
    encoder.clearBuffer(buffer, offset, 16);
    this.#staging.unshift(staging); // in use until `readBack` hands it out again
  }

  /** Asks for what `collect` copied with `step`, the last one submitted. */
  readBack(step: number, lr: number): void {
    const staging = this.#staging.shift()!;
    const images = this.imagesUpTo(step);
    const reading = this.#memory.mapped(staging).then(content => {
      const totals = totalsOf(new Float32Array(content), this.#totals.size);
      this.#add(step, totals, images, lr, this.#rate.after(images));
      staging.unmap();
      this.#staging.push(staging);
    });
    reading.catch(() => undefined); // reported by settle, or by the next step where the device is lost
    this.#reading.push(reading);
  }

  /** Adds a line after a step: the totals of all since the last logged one, which are there already. */
  take(step: number, lr: number, totals: Totals): void {
    const images = this.imagesUpTo(step);
    this.#add(step, totals, images, lr, this.#rate.after(images));
  }

  /** Adds a line, where one is to be, after a step that took its images several times: the totals are those of the first time. */
  repeated(step: number, lr: number, totals: Totals, times: number, log: boolean): void {
    this.logged = step;
    const rate = this.#rate.after(times * this.#batchSize);
    if (log) this.#add(step, totals, this.#batchSize, lr, rate);
  }

  /** Images since the last logged step; `step` is the next. Theirs are then counted. */
  imagesUpTo(step: number): number {
    const count = step - this.logged;
    this.logged = step;
    return count * this.#batchSize;
  }

  /** Adds a line after a step: the totals of so many images. */
  #add(step: number, totals: Totals, images: number, lr: number, imagesPerSecond: number): void {
    this.#arrived.push({
      step,
      epoch: step / this.#stepsPerEpoch,
      ...scoreOf(totals, images, this.#images),
      lr,
      images_per_s: imagesPerSecond,
    });
  }

  /** The metrics that have come back since the last call. Throws where the loss is no longer finite. */
  arrived(): StepMetrics[] {
    this.#memory.check();
    const lines = this.#arrived.splice(0);
    const bad = lines.find(l => !Number.isFinite(l.loss));
    if (bad) throw new Diverged(`the loss is ${bad.loss} at step ${bad.step} (learning rate ${bad.lr})`);
    return lines;
  }

  /** Waits until all metrics that were asked for are back. */
  async settle(): Promise<void> {
    await Promise.all(this.#reading.splice(0));
  }

  destroy(): void {
    for (const b of this.#staging) this.#memory.free(b);
  }
}
