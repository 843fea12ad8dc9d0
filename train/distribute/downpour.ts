/**
 * Downpour SGD (Dean et al. 2012, Large scale distributed deep networks, algorithm 1): each rank trains by itself, tells the centre every
 * `push` steps by how much its steps have moved the weights, and takes the centre's weights every `fetch` steps. Of SGD what moves them is
 * −η Σ g; other optimizers keep their states to themselves.
 */
import { addDifference, centreOf, type Method, type Rank } from './method.ts';
import type { OptionsOf } from './methods.ts';

export async function downpour(rank: Rank, { push, fetch }: OptionsOf<'downpour'>): Promise<Method> {
  const { exchange, weights, stale } = rank;
  const n = weights.length;
  const [here, base, moved] = [exchange.vector(n), exchange.vector(n), exchange.vector(n)];
  const centre = await centreOf(rank, base);
  let steps = 0;
  /** Pushes that the centre had seen when its weights were last taken, own ones since then included. */
  let seen = 0;

  const take = async () => {
    seen = await centre.tick(0);
    await centre.read(base);
    weights.write(base);
  };
  /** Adds what the steps since the last look have moved. */
  const look = async () => {
    await weights.read(here);
    addDifference(moved, here, base);
    base.set(here);
  };
  const tell = async () => {
    await centre.add(moved);
    moved.fill(0);
    const before = await centre.tick(1);
    stale(before - seen++);
  };
  return {
    async before() {
      if (steps % fetch !== 0) return;
      if (steps > 0 && steps % push !== 0) await look(); // what was not told stays to be told
      await take();
    },
    async after() {
      steps++;
      if (steps % push !== 0) return;
      await look();
      await tell();
    },
    async finish() {
      if (steps % push !== 0) {
        await look();
        await tell();
      }
      steps = 0;
    },
    show: take,
  };
}
