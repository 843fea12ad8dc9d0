/** `k-means`: centroids by passes over all points, by batches and point by point: inertia by points seen. */
import { bytesOf } from '../../../datasets/dataset.ts';
import { counted } from '../../../engine/counted.ts';
import { check } from '../../../engine/check.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import type { Panel } from '../../../plots/panel.ts';
import { experiment, imageCount, inTurn, type Lab } from '../experiment.ts';
import { normalsOf } from '../linear/problems.ts';
import { plateSheet } from '../plate-sheet.ts';
import { countOf, firstCentroids, lloyd, reached, stochastic, type Clustering, type Points } from './clusters.ts';

/** Points that are drawn of all. */
const DRAWN = 600;
/** How near to where Lloyd ends the others are asked to come. */
const NEAR = 0.05;

export const kMeans = experiment({
  about: 'Centroids by passes over all points, by batches of them, and point by point: inertia by points seen.',
  source: 'Lloyd 1982; Bottou & Bengio 1995; Sculley 2010',
  options: {
    clusters: number(8, 'clouds in the plane, and centroids of all data', { ...COUNT, min: 2, max: 256 }),
    points: number(10_000, 'in the plane', { ...COUNT, min: 100, max: 100_000 }),
    images: number(3000, 'of Fashion-MNIST', imageCount('fashion-mnist', 100)),
    batch: number(100, 'points of a mini-batch', COUNT),
    passes: number(30, 'of Lloyd at most; the others see at most three times all points', COUNT),
  },
  async run(lab, { clusters, points, images, batch, passes }) {
    const fewest = Math.min(points, images);
    check(
      clusters < fewest,
      `k-means: ${clusters} clusters for ${fewest} ${fewest === points ? 'points' : 'images'}`,
      'give fewer clusters than either',
    );
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 1 });
    const pixels = new Float64Array(bytesOf(dataset.train.images)).map(byte => byte / 255);
    const sets: PointSet[] = [
      { set: 'points in the plane', data: clouds(clusters, points, lab.seed) },
      { set: 'images', data: { d: pixels.length / dataset.train.n, values: pixels } },
    ];
    const found = await clustered(lab, sets, { clusters, batch, passes });
    const groups = sets.map(({ set }) => ({ set, runs: found.filter(run => run.set === set) })).filter(({ runs }) => runs.length);
    const [inPlane, ofImages] = groups.map(({ runs }) => runs);
    return {
      title: `${counted(clusters, 'centroid')} of ${counted(points, 'point')} and ${counted(images, 'image')}`,
      rows: groups.flatMap(({ runs }) => runs.map(run => rowOf(run, runs[0]!.curve.at(-1)!.inertia))),
      panels: [...(inPlane ? [placesPanel(inPlane)] : []), ...groups.map(({ set, runs }) => inertiaPanel(set, runs))],
      ...(ofImages && { pictures: { centroids: centroidSheet(ofImages, dataset.shape[1], dataset.shape[2]) } }),
      values: found.map(({ set, way, curve, centroids }) => ({ set, way, curve, centroids: [...centroids.values] })),
    };
  },
});

/** Points, and what they are called. */
interface PointSet {
  readonly set: string;
  readonly data: Points;
}

interface Run extends PointSet, Clustering {
  readonly way: string;
}

/** Each set in each way, from the same first centroids, Lloyd's way first. */
async function clustered(lab: Lab, sets: readonly PointSet[], o: { clusters: number; batch: number; passes: number }): Promise<Run[]> {
  const { clusters, batch, passes } = o;
  const starts = new Map<Points, Points>();
  const startOf = async (data: Points) => {
    const start = starts.get(data) ?? (await firstCentroids(lab, data, clusters));
    starts.set(data, start);
    return start;
  };
  const ways: Readonly<Record<string, (data: Points, start: Points) => Promise<Clustering>>> = {
    Lloyd: (data, start) => lloyd(lab, data, start, passes),
    [`batches of ${batch}`]: (data, start) => stochastic(lab, data, start, { batch, seen: 3 * countOf(data) }),
    'point by point': (data, start) => stochastic(lab, data, start, { batch: 1, seen: 3 * countOf(data) }),
  };
  return inTurn(
    lab,
    sets.flatMap(of => Object.entries(ways).map(([way, run]) => ({ ...of, way, run }))),
    ({ way, set }) => `${way}, ${set}`,
    async ({ set, data, way, run }) => ({ set, data, way, ...(await run(data, await startOf(data))) }),
  );
}

/** `end` is the inertia at which Lloyd ends. */
function rowOf({ set, way, curve }: Run, end: number) {
  const { seen, inertia } = curve.at(-1)!;
  return {
    way: `${way}, ${set}`,
    'points seen': seen,
    inertia,
    'of that by Lloyd': inertia / end,
    [`seen to within ${100 * NEAR} %`]: reached(curve, (1 + NEAR) * end) ?? 'not reached',
  };
}

/** Points around as many centres, all drawn. */
function clouds(centres: number, n: number, seed: number): Points {
  const next = normalsOf(seed);
  const middles = Array.from({ length: centres }, () => [3 * next(), 3 * next()] as const);
  const values = Float64Array.from({ length: 2 * n }, (_, i) => middles[(i >> 1) % centres]![i & 1]! + 0.8 * next());
  return { d: 2, values };
}

const pairs = ({ values }: Points, most = Infinity) =>
  Array.from({ length: Math.min(most, values.length / 2) }, (_, i) => [values[2 * i]!, values[2 * i + 1]!] as const);

const placesPanel = (runs: readonly Run[]): Panel => ({
  kind: 'scatter',
  title: 'Points, and centroids in the end',
  x: { label: 'x' },
  y: { label: 'y' },
  series: [
    { name: 'points', muted: true, points: pairs(runs[0]!.data, DRAWN) },
    ...runs.map(({ way, centroids }) => ({ name: way, points: pairs(centroids) })),
  ],
});

const inertiaPanel = (set: string, runs: readonly Run[]): Panel => ({
  kind: 'line',
  title: `Inertia of ${set}`,
  x: { label: 'points seen', log: true },
  y: { label: 'mean squared distance' },
  series: runs.map(({ way, curve }) => ({
    name: way,
    dots: way === 'Lloyd',
    points: curve.map(({ seen, inertia }) => [seen, inertia] as const),
  })),
});

/** The centroids of images as images, a row for each way. */
function centroidSheet(runs: readonly Run[], h: number, w: number): string {
  const rows = runs.map(({ way, centroids: { d, values } }) =>
    Array.from({ length: values.length / d }, (_, c) => ({
      values: values.subarray(c * d, c * d + h * w),
      words: c === 0 ? way : '',
    })),
  );
  return plateSheet(
    'Centroids of images',
    rows,
    rows[0]!.map((_, c) => String(c + 1)),
    w,
  );
}
