/** The last checkpoint of a run in the browser's database, from which it goes on after a reload. */
import { keptCheckpoint, putCheckpoint, refusal } from '../data/kept.ts';
import type { RunEvent } from './protocol.ts';

/** Milliseconds between two that are kept while the run trains. */
const APART = 5000;

export class CheckpointKeeper {
  readonly #id: string;
  readonly #emit: (event: RunEvent) => void;
  #last = -Infinity;
  #writing: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(id: string, emit: (event: RunEvent) => void) {
    this.#id = id;
    this.#emit = emit;
  }

  /** Keeps what `file` gives, unless the run trains on and one was kept just before. Nobody waits for it, and a refusal is told. */
  keep(file: () => Uint8Array<ArrayBuffer>, trains: boolean): void {
    if (this.#closed || (trains && performance.now() - this.#last < APART)) return;
    this.#last = performance.now();
    const bytes = file();
    this.#writing = this.#writing
      .then(() => putCheckpoint(this.#id, bytes))
      .catch((error: unknown) => this.#emit({ kind: 'unkept', why: refusal('The net of this run', error) }));
  }

  /** Keeps no more; done once all that was to be kept is. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
  }

  kept(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return keptCheckpoint(this.#id);
  }
}
