/** Into how many submits the dispatches of a program go, so that none lasts so long that a watchdog ends it. */

/** How long submits of a device last, as the host sees it. */
export class Stopwatch {
  /** ms above which a submit is divided: Windows resets a GPU after 2 s of one, Chrome after 10 s. */
  readonly longest: number;
  readonly #now: () => number;
  /** When the device was last seen to be done with what was measured. */
  #free = 0;

  constructor(longest: number, now = () => performance.now()) {
    this.longest = longest;
    this.#now = now;
  }

  /** ms from now, or from the end of what is measured already, until `done`; undefined where the device is lost meanwhile. */
  async measure(done: Promise<unknown>): Promise<number | undefined> {
    const begun = this.#now();
    try {
      await done;
    } catch {
      return undefined;
    }
    const ended = this.#now();
    const ms = ended - Math.max(begun, this.#free);
    this.#free = ended;
    return ms;
  }
}

/** A watchdog waits for GPUs alone; a submit then has at most a tenth of the shortest patience. */
export const stopwatchFor = (software: boolean): Stopwatch => new Stopwatch(software ? Infinity : 200);

/** The dispatches of one submit: from `first` to before `end`. */
export interface Piece {
  readonly first: number;
  readonly end: number;
}

/** The pieces with one of them in `parts` of as many dispatches each; as they are where it is one dispatch, or was divided meanwhile. */
export function divided(pieces: readonly Piece[], piece: Piece, parts: number): readonly Piece[] {
  const { first, end } = piece;
  const count = Math.min(parts, end - first);
  const cut = (i: number) => first + Math.round((i * (end - first)) / count);
  return pieces.flatMap(p => (p === piece ? Array.from({ length: count }, (_, i) => ({ first: cut(i), end: cut(i + 1) })) : [p]));
}
