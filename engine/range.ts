/** What a number may be. `above` and `below` exclude their bound, `min` and `max` include it. */
export interface Range {
  readonly integer?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
  readonly below?: number;
}

export const AT_LEAST_0: Range = { min: 0 };
export const POSITIVE: Range = { above: 0 };
/** A probability, or any share of 1 but 1 itself. */
export const SHARE: Range = { min: 0, below: 1 };
/** Any share, none and all of it too. */
export const ANY_SHARE: Range = { min: 0, max: 1 };
/** How many there are of something: one at least. */
export const COUNT: Range = { integer: true, min: 1 };

/** A range in words: `a whole number of at least 1`. */
export function describeRange({ integer, min, max, above, below }: Range): string {
  const bounds: string[] = [];
  if (above !== undefined) bounds.push(`above ${above}`);
  if (min !== undefined) bounds.push(`of at least ${min}`);
  if (below !== undefined) bounds.push(`below ${below}`);
  if (max !== undefined) bounds.push(`at most ${max}`);
  const words = bounds.length ? ` ${bounds.join(' and ')}` : '';
  return `a ${integer ? 'whole ' : ''}number${words}`;
}

/** Whether a number is in a range, and whole where it has to be. A text that reads as one is none, since sums would be texts too. */
export function isWithin(given: unknown, range: Range): given is number {
  const { integer, min = -Infinity, max = Infinity, above = -Infinity, below = Infinity } = range;
  const value = given as number;
  return Number.isFinite(value) && value >= min && value <= max && value > above && value < below && (!integer || Number.isInteger(value));
}
