/** Turns at what only one piece of work may use at a time, such as the programs of a run, which share their slots. */

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Does `work` once all that was asked for before is done, whether or not it failed. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Resolves once all that was asked for before is done. */
  get done(): Promise<unknown> {
    return this.#last;
  }
}
