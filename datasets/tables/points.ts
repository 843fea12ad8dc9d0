/** Points of a function: what functions.ts and formulas are as data. */
import { check } from '../../engine/check.ts';
import type { Limits, Split } from '../dataset.ts';
import { stream } from '../random.ts';

export type Interval = readonly [low: number, high: number];

/** How points are drawn, as the options of functions.ts say. */
export type Drawing = {
  readonly points: number;
  readonly test: number;
  readonly noise: number;
  readonly range: Interval;
  readonly draw: 'even' | 'random';
  readonly seed: number;
};

/** A standard normal number (Box-Muller). */
const normal = (random: () => number): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** The numbers 0 to n - 1 in an order that is the same each time: the first of them are spread over all. */
function spread(n: number, seed: number): number[] {
  const place = Array.from({ length: n }, (_, i) => stream(seed, i)());
  return place.map((_, i) => i).sort((a, b) => place[a]! - place[b]!);
}

/**
 * The points of a function of `inputs` variables. Of one variable those to train on are evenly spaced with both ends of the range among
 * them, those to test on lie in the middle of as many equal parts of it; they come in a mixed order, so that the first ones are spread over
 * the range too. Of several variables, and with draw=random, x is uniform. Throws where y is not finite.
 */
export function pointsOf(
  who: string,
  f: (x: readonly number[]) => number,
  inputs: number,
  { points, test, noise, range: [low, high], draw, seed }: Drawing,
  { limitTrain = points, limitTest = test }: Limits = {},
): { train: Split; test: Split } {
  const make = (n: number, limit: number, first: number, even: (i: number) => number): Split => {
    const count = Math.min(n, limit);
    const images = new Float32Array(count * inputs);
    const targets = new Float32Array(count);
    const isEven = draw === 'even' && inputs === 1;
    const order = isEven ? spread(n, 0) : [];
    for (let i = 0; i < count; i++) {
      const random = stream(seed, first + i);
      const x = Array.from({ length: inputs }, () => Math.fround(low + (high - low) * (isEven ? even(order[i]!) : random())));
      const y = f(x) + noise * normal(random);
      check(Number.isFinite(y), `${who}: y is ${y} at ${x.join(', ')}`, 'give a range in which it is finite');
      images.set(x, i * inputs);
      targets[i] = y;
    }
    return { images, labels: new Uint16Array(), targets, n: count };
  };
  return {
    train: make(points, limitTrain, 0, i => (points > 1 ? i / (points - 1) : 0.5)),
    test: make(test, limitTest, points, i => (i + 0.5) / test),
  };
}
