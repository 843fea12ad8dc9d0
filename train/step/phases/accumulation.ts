/** How the gradients of several batches add up to one update, where the batch grows during the run (Smith et al. 2018). */
import type { Counters } from '../../run/state-keys.ts';

export class Accumulation {
  /** Steps whose gradients wait in memory for an update. */
  #waiting = 0;
  /** Steps so far that made no update. */
  #without = 0;
  /** Steps whose sum the gradients in memory are. */
  #summed = 1;

  /** Whether the next gradients are added to those in memory. */
  get adds(): boolean {
    return this.#waiting > 0;
  }

  /** Steps whose sum the gradients in memory are, the one included whose gradients are computed next. */
  get next(): number {
    return this.#waiting + 1;
  }

  /** Steps whose sum the gradients in memory are. */
  get summed(): number {
    return this.#summed;
  }

  /** Updates that `steps` steps have made, where the last one makes an update. */
  updates(steps: number): number {
    return steps - this.#without;
  }

  /** Counts a step whose gradients are in memory. Returns whether they are to be used now: those of `batches` steps are there, or all. */
  take(batches: number, isLast: boolean): boolean {
    this.#summed = ++this.#waiting;
    const isDue = this.#waiting >= batches || isLast;
    if (isDue) this.#waiting = 0;
    else this.#without++;
    return isDue;
  }

  /** Counts steps that other processes do, which make no update here. */
  pass(steps: number): void {
    this.#without += steps;
  }

  /** What a checkpoint must say of it; nothing before the first step without an update. */
  get counters(): Pick<Counters, 'held' | 'without'> {
    return this.#without ? { held: this.#waiting, without: this.#without } : {};
  }

  /** Goes on from the `counters` of another. */
  load({ held = 0, without = 0 }: Pick<Counters, 'held' | 'without'>): void {
    this.#waiting = held;
    this.#without = without;
  }
}
