/** Times several trainers of one step beside each other: A, B, C, A, B, C ..., since a machine drifts. */

/** What can be timed: a peer, or this engine's own step. `step` runs `n` steps, waits for the device after each `burst`. */
export interface Runner {
  readonly name: string;
  step(n: number, burst?: number): Promise<number[]>;
  /** Milliseconds of a step, where one was timed already. */
  readonly usual?: number;
}

/** Milliseconds a step over all rounds; `ratio` is the median of the rounds' ratios to the first runner. */
export interface Row {
  readonly name: string;
  readonly median: number;
  readonly best: number;
  readonly steps: number;
  readonly ratio: number;
}

/**
 * A runner's share of a round takes about `target` milliseconds, at least one step. With `wait` the device is waited for after each step
 * or, as a GPU deserves, each share. A runner other than the first whose step takes longer than `longest` ms is in the first round alone.
 */
export interface CompareOptions {
  readonly rounds?: number;
  readonly target?: number;
  readonly wait?: 'step' | 'share';
  readonly longest?: number;
  /** Told of the rounds so far after each. */
  readonly onRound?: (rows: readonly Row[]) => void;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

export async function compare(
  runners: readonly Runner[],
  { rounds = 7, target = 500, wait = 'step', longest = Infinity, onRound }: CompareOptions = {},
): Promise<Row[]> {
  const timed: { runner: Runner; n: number; only: number; rounds: number[]; all: number[] }[] = [];
  for (const runner of runners) {
    const ms = runner.usual ?? (await runner.step(1))[0]!;
    const only = timed.length && ms > longest ? 1 : rounds;
    timed.push({ runner, n: Math.max(1, Math.min(200, Math.round(target / ms))), only, rounds: [], all: [] });
  }
  const rows = () =>
    timed.map(({ runner, rounds, all, n }) => ({
      name: runner.name,
      median: median(all),
      best: Math.min(...all),
      steps: n * rounds.length,
      ratio: median(rounds.map((ms, i) => ms / timed[0]!.rounds[i]!)),
    }));
  for (let round = 0; round < rounds; round++) {
    for (const { runner, n, only, rounds, all } of timed) {
      if (round >= only) continue;
      const ms = await runner.step(n, wait === 'step' ? 1 : n);
      rounds.push(median(ms));
      all.push(...ms);
    }
    onRound?.(rows());
  }
  return rows();
}
