/** What several measurements of one thing come to. */

export const mean = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
};

/** The value that `share` of all values lie below: one of them, the upper one where two are as good. */
export const quantile = (values: ArrayLike<number>, share: number): number =>
  Float64Array.from(values).sort()[Math.min(values.length - 1, Math.floor(share * values.length))]!;

export const median = (values: ArrayLike<number>): number => quantile(values, 0.5);

/** The least and the greatest of values that may be more than a call takes arguments; NaN where one is. */
export function extremes(values: ArrayLike<number>): [least: number, greatest: number] {
  let [least, greatest] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) [least, greatest] = [Math.min(least, values[i]!), Math.max(greatest, values[i]!)];
  return [least, greatest];
}

export interface Spread {
  /** How many values there are. */
  readonly n: number;
  readonly mean: number;
  /** Of one value (n - 1 in the denominator); 0 of a single one. */
  readonly deviation: number;
}

export function spreadOf(values: ArrayLike<number>): Spread {
  const middle = mean(values);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i]! - middle) ** 2;
  return { n: values.length, mean: middle, deviation: Math.sqrt(squares / Math.max(1, values.length - 1)) };
}

/** A deviation for a table; undefined of a single value, of which nothing is known. */
export const deviationIn = ({ n, deviation }: Spread): number | undefined => (n > 1 ? deviation : undefined);
