/** Where a step and a phase lie in a run. Steps are counted from 1. */

/** A step and its batch: number `at`, from 0, in the order of an epoch. */
export interface Step {
  readonly number: number;
  readonly epoch: number;
  readonly at: number;
}

/** The steps of a phase: how many there are before it, and which is its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}
