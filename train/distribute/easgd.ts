/**
 * Elastic averaging SGD (Zhang, Choromanska & LeCun 2015): each rank trains weights x of its own, and every `every` steps a spring pulls
 * them and the centre c towards each other: e = α (x − c), x ← x − e, c ← c + e, so that x + c stays. α = alpha / ranks, as in the authors'
 * experiments. What is evaluated is the centre.
 */
import { check } from '../../engine/check.ts';
import { centreOf, type Method, type Rank } from './method.ts';
import type { OptionsOf } from './methods.ts';

export async function easgd(rank: Rank, { every, alpha }: OptionsOf<'easgd'>): Promise<Method> {
  const { exchange, weights, stale } = rank;
  const n = weights.length;
  const [x, c, e] = [exchange.vector(n), exchange.vector(n), exchange.vector(n)];
  const centre = await centreOf(rank, x);
  const rate = alpha / exchange.size;
  let steps = 0;
  let seen = 0;

  return {
    async before() {
      if (steps === 0 || steps % every !== 0) return;
      await weights.read(x);
      await centre.read(c);
      for (let i = 0; i < n; i++) e[i] = rate * (x[i]! - c[i]!);
      await centre.add(e);
      for (let i = 0; i < n; i++) x[i]! -= e[i]!;
      weights.write(x);
      const before = await centre.tick(1);
      stale(before - seen);
      seen = before + 1;
    },
    async after() {
      steps++;
    },
    async show() {
      await weights.read(x);
      await centre.read(c);
      weights.write(c);
    },
    async hide() {
      weights.write(x);
    },
    ownState: async () => ({ x, since: Float32Array.of(steps && ((steps - 1) % every) + 1) }),
    async loadOwn({ x: own, since }) {
      check(own?.length === n, 'easgd: the state of this rank is not of this net', 'go on from files of one run');
      x.set(own); // the first step puts them on the device
      steps = since?.[0] ?? 0;
    },
  };
}
