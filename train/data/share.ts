/** How ranks, the processes of a job, share things out. */

/** One of the ranks: its number, from 0, and how many there are. */
export interface Share {
  readonly rank: number;
  readonly size: number;
}

/** Those of `n` things that are a rank's: as many as everyone's, or one more. */
export const rangeOf = (n: number, { rank, size }: Share): { start: number; end: number } => ({
  start: Math.floor((n * rank) / size),
  end: Math.floor((n * (rank + 1)) / size),
});

/** How many those are. */
export const lengthOf = (n: number, share: Share): number => {
  const { start, end } = rangeOf(n, share);
  return end - start;
};
