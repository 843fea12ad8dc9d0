/** Centroids of points: k-means by passes over all of them (Lloyd), and point by point or batch by batch (stochastic descent). */
import { uniforms, STREAMS } from '../../../shaders/kernel/random.ts';
import { breaks, giveWay, repeated, type Lab } from '../experiment.ts';

/** Points [n, d], or centroids [k, d]. */
export interface Points {
  readonly d: number;
  readonly values: Float64Array;
}

export const countOf = ({ d, values }: Points): number => values.length / d;

/** How far centroids have come after so many points. */
export interface At {
  readonly seen: number;
  /** The mean squared distance of all points to their nearest centroid. */
  readonly inertia: number;
}

export interface Clustering {
  readonly curve: readonly At[];
  readonly centroids: Points;
}

/** The centroid nearest to point `i`, and its squared distance. */
function nearest({ d, values }: Points, i: number, centroids: Points): readonly [index: number, distance: number] {
  let [found, least] = [0, Infinity];
  for (let c = 0; c < centroids.values.length; c += d) {
    let sum = 0;
    for (let j = 0; j < d && sum < least; j++) {
      const apart = values[i * d + j]! - centroids.values[c + j]!;
      sum += apart * apart;
    }
    if (sum < least) [found, least] = [c / d, sum];
  }
  return [found, least];
}

/** Points between breaks. */
const AT_ONCE = 256;

/** Each point's centroid, and the inertia. */
async function assigned(lab: Lab, points: Points, centroids: Points): Promise<{ readonly owners: Uint32Array; readonly inertia: number }> {
  const n = countOf(points);
  const owners = new Uint32Array(n);
  let sum = 0;
  await repeated(lab, Math.ceil(n / AT_ONCE), part => {
    for (let i = part * AT_ONCE; i < Math.min(n, (part + 1) * AT_ONCE); i++) {
      const [owner, distance] = nearest(points, i, centroids);
      sum += distance;
      owners[i] = owner;
    }
  });
  return { owners, inertia: sum / n };
}

/**
 * First centroids by k-means++ (Arthur & Vassilvitskii 2007): points drawn one after another in proportion to their squared distance from
 * those before, each the best of 2 + log k draws, as scikit-learn has them.
 */
export async function firstCentroids(lab: Lab, points: Points, k: number): Promise<Points> {
  const { d, values } = points;
  const n = countOf(points);
  const random = uniforms(lab.seed, STREAMS.sample);
  const centroids: number[] = [];
  let distances = new Float64Array(n).fill(Infinity);
  const sum = (all: Float64Array) => all.reduce((a, b) => a + b, 0);
  const draw = (): number => {
    if (!centroids.length) return Math.floor(random() * n);
    let left = random() * sum(distances);
    return Math.max(
      0,
      distances.findIndex(distance => (left -= distance) < 0),
    );
  };
  for (let c = 0; c < k; c++) {
    const tries = await repeated(lab, 2 + Math.floor(Math.log(k)), () => {
      const at = draw();
      const point = values.subarray(at * d, (at + 1) * d);
      const closer = distances.map((distance, i) => Math.min(distance, nearest(points, i, { d, values: point })[1]));
      return { point, closer, inertia: sum(closer) };
    });
    const best = tries.reduce((a, b) => (b.inertia < a.inertia ? b : a));
    centroids.push(...best.point);
    distances = best.closer;
  }
  return { d, values: Float64Array.from(centroids) };
}

/** Lloyd's iteration: each centroid becomes the mean of its points, until none changes its owner or `passes` are over. */
export async function lloyd(lab: Lab, points: Points, start: Points, passes: number): Promise<Clustering> {
  const { d, values } = points;
  const n = countOf(points);
  const centroids = { d, values: start.values.slice() };
  const curve: At[] = [];
  let before: Uint32Array | undefined;
  for (let pass = 0; ; pass++) {
    await giveWay(lab);
    const { owners, inertia } = await assigned(lab, points, centroids);
    curve.push({ seen: pass * n, inertia });
    if (pass === passes || owners.every((owner, i) => owner === before?.[i])) return { curve, centroids };
    before = owners;
    const counts = new Float64Array(countOf(centroids));
    const sums = new Float64Array(centroids.values.length);
    for (const [i, owner] of owners.entries()) {
      counts[owner]!++;
      for (let j = 0; j < d; j++) sums[owner * d + j]! += values[i * d + j]!;
    }
    // one that has no points stays where it is
    for (const [at, sum] of sums.entries()) if (counts[Math.floor(at / d)]) centroids.values[at] = sum / counts[Math.floor(at / d)]!;
  }
}

/**
 * Stochastic descent on the inertia: each point pulls its centroid by 1 / (points that it has had), so that a centroid is the mean of
 * these (Bottou & Bengio 1995). The owners of `batch` points are found before any of them pulls (Sculley 2010). Inertia is taken about
 * `marks` times, on a logarithmic scale.
 */
export async function stochastic(
  lab: Lab,
  points: Points,
  start: Points,
  { batch, seen: total, marks = 20 }: { batch: number; seen: number; marks?: number },
): Promise<Clustering> {
  const { d, values } = points;
  const n = countOf(points);
  const random = uniforms(lab.seed, STREAMS.shuffle);
  const centroids = { d, values: start.values.slice() };
  const counts = new Float64Array(countOf(centroids));
  const curve: At[] = [];
  let next = batch;
  const mark = async (seen: number) => {
    await giveWay(lab);
    curve.push({ seen, inertia: (await assigned(lab, points, centroids)).inertia });
    next = Math.max(next, Math.ceil(Math.max(seen, batch) * (total / batch) ** (1 / marks)));
  };
  const pause = breaks(lab);
  await mark(0);
  for (let seen = 0; seen < total; ) {
    await pause();
    const drawn = Array.from({ length: Math.min(batch, total - seen) }, () => Math.floor(random() * n));
    const owners = drawn.map(i => nearest(points, i, centroids)[0]);
    for (const [at, i] of drawn.entries()) {
      const owner = owners[at]!;
      const rate = 1 / ++counts[owner]!;
      for (let j = 0; j < d; j++) centroids.values[owner * d + j]! += rate * (values[i * d + j]! - centroids.values[owner * d + j]!);
    }
    seen += drawn.length;
    if (seen >= next || seen === total) await mark(seen);
  }
  return { curve, centroids };
}

/** The points seen when the inertia had come to `goal` or below, and stayed there; undefined where it did not. */
export function reached(curve: readonly At[], goal: number): number | undefined {
  const last = curve.findLastIndex(({ inertia }) => inertia > goal);
  return curve[last + 1]?.seen;
}
