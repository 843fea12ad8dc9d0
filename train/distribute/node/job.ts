/** What the thread that owns MPI works with. */
import type { Op } from '../exchange.ts';
import type { Mpi, Request } from './mpi.ts';

export interface Job {
  readonly mpi: Mpi;
  readonly rank: number;
  readonly size: number;
}

/** A request that gives a number once it is complete. */
export interface Valued extends Request {
  readonly value?: () => number;
}

/** A centre as the thread has it: a call is done when it returns, or when the request that it returns is complete. */
export interface ServedCentre {
  read(x: Float32Array, region: number): Request | undefined;
  add(d: Float32Array, region: number): Request | undefined;
  exchange(d: Float32Array, before: Float32Array, region: number, op: Op): Request | undefined;
  tick(by: number): Valued;
  /** Answers what other ranks have asked; says whether there was anything. */
  serve?(): boolean;
  free(): void;
}
