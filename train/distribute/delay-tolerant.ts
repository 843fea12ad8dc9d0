/**
 * AdaptiveRevision (McMahan & Streeter 2014, Delay-tolerant algorithms for asynchronous distributed online learning, algorithm 2): AdaGrad
 * that knows, of each gradient g, the sum of the gradients that others added since its weights were read, and takes back what it would have
 * done otherwise. The centre holds the weights x, the sum of all gradients ḡ, z, and the largest z so far, z'.
 */
import { centreOf, type Method, type Rank } from './method.ts';

const X = 0;
const SUM = 1;
const Z = 2;
const LARGEST = 3;

/** What stands in for the β of the paper below the root; PyTorch's Adagrad begins at initial_accumulator_value. */
export const BETA = 1;

export async function delayTolerant(rank: Rank): Promise<Method> {
  const { exchange, weights, gradients, rate, stale } = rank;
  const n = weights.length;
  const vectors = () => exchange.vector(n);
  const [x, g, old, now, dz, z, largest, step] = [vectors(), vectors(), vectors(), vectors(), vectors(), vectors(), vectors(), vectors()];
  const centre = await centreOf(rank, x, 4);
  let seen = 0;

  const take = async () => {
    await centre.read(x, X);
    weights.write(x);
  };
  return {
    async before() {
      seen = await centre.tick(0);
      await centre.read(old, SUM);
      await take();
    },
    async after() {
      await gradients.read(g);
      await centre.exchange(g, now, SUM);
      revise(n, { g, old, now, dz });
      await centre.exchange(dz, z, Z);
      for (let i = 0; i < n; i++) z[i]! += dz[i]!;
      await centre.exchange(z, largest, LARGEST, 'max');
      change(n, rate(), { g, now, z, largest, step });
      await centre.add(step, X);
      stale((await centre.tick(1)) - seen);
    },
    show: take,
    async state() {
      await centre.read(z, Z);
      await centre.read(largest, LARGEST);
      return { z, largest };
    },
    async load(state) {
      await centre.add(state.z!, Z);
      await centre.add(state.largest!, LARGEST);
    },
  };
}

/** `now` becomes g_bck, the sum of the gradients since `old` was read, and dz = g² + 2 g g_bck, by which z grows. */
function revise(n: number, { g, old, now, dz }: Readonly<Record<'g' | 'old' | 'now' | 'dz', Float32Array>>): void {
  for (let i = 0; i < n; i++) {
    now[i]! -= old[i]!;
    dz[i] = g[i]! * g[i]! + 2 * g[i]! * now[i]!;
  }
}

/** step = −η g + (η_old − η) g_bck with η = α / √(β + z'), the largest z before and after this gradient. */
export function change(
  n: number,
  alpha: number,
  { g, now, z, largest, step }: Readonly<Record<'g' | 'now' | 'z' | 'largest' | 'step', Float32Array>>,
): void {
  for (let i = 0; i < n; i++) {
    const before = alpha / Math.sqrt(BETA + largest[i]!);
    const after = alpha / Math.sqrt(BETA + Math.max(largest[i]!, z[i]!));
    step[i] = -after * g[i]! + (before - after) * now[i]!;
  }
}
