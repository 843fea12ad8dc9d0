import type { Kernel, Profile } from './kernel.ts';

/**
 * A call of a kernel in a table (the `calls.ts` of each folder): tests run every variant that fits it beside the reference, benchmarks time
 * it at the sizes of `bench`.
 */
export interface CallRow<P = any> {
  readonly why: string;
  readonly kernel: Kernel<P>;
  readonly params: P;
  /** Values of each tensor. */
  readonly tensors: (p: P) => Readonly<Record<string, number>>;
  /** Value `i` of inputs where not just any number will do: places, labels, what a root is taken of. */
  readonly values?: Readonly<Record<string, (i: number) => number>>;
  /** Outputs that are so many slices, of which only the sum counts. */
  readonly slices?: Readonly<Record<string, number>>;
  /** What is timed, for batches of `n` images. */
  readonly bench?: (n: number, d: Profile) => readonly Timed<P>[];
}

export interface Timed<P> {
  readonly label: string;
  readonly params: P;
}
