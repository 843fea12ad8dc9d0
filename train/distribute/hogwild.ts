/**
 * Hogwild! (Niu et al. 2011): the ranks of one machine share one array of weights. Each reads it, makes a step on its own device and adds
 * by how much that moved the weights, value by value and without any lock; of values that two change at once, one change is lost.
 */
import { addDifference, type Method, type Rank } from './method.ts';

export async function hogwild({ exchange, weights, stale }: Rank): Promise<Method> {
  const n = weights.length;
  const shared = await exchange.shared(n);
  const clock = await exchange.centre(0, 0);
  const [before, after, moved] = [exchange.vector(n), exchange.vector(n), exchange.vector(n)];
  let seen = 0;

  await weights.read(before);
  if (exchange.rank === 0) await shared.add(before);
  await exchange.texts('');

  const take = async () => {
    seen = await clock.tick(0);
    await shared.read(before);
    weights.write(before);
  };
  return {
    before: take,
    async after() {
      await weights.read(after);
      moved.fill(0);
      addDifference(moved, after, before);
      await shared.add(moved);
      stale((await clock.tick(1)) - seen);
    },
    show: take,
  };
}
