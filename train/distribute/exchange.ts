/** What the processes of a job, its ranks, say to each other: all that the methods of distribution need. */
import type { Share } from '../data/share.ts';

/** How ranks that train together exchange gradients and weights. */
export interface Exchange extends Share {
  /** Memory of `n` values that is exchanged without a copy. It is the caller's, except while a call that was given it is under way. */
  vector(n: number): Float32Array;
  /**
   * `x` becomes the mean over all ranks: the sum of weight · x, whose weights are 1 / size unless each rank gives its own (1 makes it the
   * sum). All ranks get the same bits. Calls that are under way at once are matched in the order in which each rank made them.
   */
  mean(x: Float32Array, weight?: number): Promise<void>;
  /** `x` becomes that of rank `root`. */
  broadcast(x: Float32Array | Uint8Array, root?: number): Promise<void>;
  /** What each rank gave, in the order of ranks; who comes first waits for the last. */
  texts(own: string): Promise<string[]>;
  /** Regions of `n` zeros each, and a clock at 0, which all ranks read and change without waiting for each other. */
  centre(n: number, regions: number): Promise<Centre>;
  /** `n` zeros in memory that the ranks of one machine share. Throws where they are on several. */
  shared(n: number): Promise<Shared>;
  /** Ends the exchange once all ranks have come to this. */
  close(): Promise<void>;
  /** Ends the processes of all ranks, this one included. */
  abort(code: number): Promise<never>;
}

/** What several ranks work on. Each call changes each value as a whole; calls on one range from several ranks come one after another. */
export interface Centre {
  /** `x` becomes what a region holds. */
  read(x: Float32Array, region?: number): Promise<void>;
  /** Adds `d` to a region. */
  add(d: Float32Array, region?: number): Promise<void>;
  /** Adds `d` to a region, or takes the larger of the two; `before` becomes what it held. */
  exchange(d: Float32Array, before: Float32Array, region?: number, op?: Op): Promise<void>;
  /** Moves the clock by a whole number and returns what it showed before. */
  tick(by: number): Promise<number>;
}

/** How values of several ranks become one. */
export type Op = 'sum' | 'max';

/** One array without any lock: of values that two ranks change at once, one change may be lost. */
export interface Shared {
  read(x: Float32Array): Promise<void>;
  add(d: Float32Array): Promise<void>;
}
