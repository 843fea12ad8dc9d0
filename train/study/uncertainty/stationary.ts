/**
 * `stationary`: SGD at a constant rate does not come to rest but draws from a distribution, on a quadratic a Gaussian, whose covariance
 * theory gives. The host computes it: thousands of runs of a few numbers.
 */
import { Matrix } from 'ml-matrix';
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import type { Panel } from '../../../plots/panel.ts';
import { normals, STREAMS, uniforms } from '../../../shaders/kernel/random.ts';
import { experiment, inTurn, repeated, type Expected, type Lab } from '../experiment.ts';
import { covarianceOf, ellipse, squaredDistance, stationary } from './lyapunov.ts';

type Point = readonly [x: number, y: number];

/** The Hessian of the loss, whose eigenvalues are 0.5 and 2. */
const HESSIAN = new Matrix([
  [1.25, 0.75],
  [0.75, 1.25],
]);
/** The minimum. */
const CENTRE: Point = [0, 0];
/** The largest rate is near 2 / 2, beyond which descent diverges. */
const SETTINGS = [
  { rate: 0.02, batch: 1 },
  { rate: 0.1, batch: 1 },
  { rate: 0.1, batch: 8 },
  { rate: 0.6, batch: 8 },
] as const;
/** Times in which the slowest deviation falls by e, until a run counts as settled. */
const SETTLED = 5;
/** 95 % of a Gaussian in the plane lie within this squared distance. */
const WITHIN = -2 * Math.log(0.05);

export const stationaryExperiment = experiment({
  about: "SGD's end points at constant rates on a quadratic, and the ellipse that theory gives them.",
  source: 'Mandt, Hoffman & Blei 2017',
  options: {
    runs: number(2000, 'runs of each setting', { ...COUNT, min: 10, max: 100_000 }),
    samples: number(100, 'of the sum of squares that is learnt', { ...COUNT, min: 3, max: 100_000 }),
  },
  async run(lab, { runs, samples }) {
    const data = samplesOf(samples, lab.seed);
    // the loss of sample x is (θ − x)ᵀ A (θ − x) / 2: gradients differ by A x alone, so that their covariance is the same everywhere
    const noise = HESSIAN.mmul(covarianceOf(data, CENTRE)).mmul(HESSIAN.transpose());
    const found = await inTurn(
      lab,
      SETTINGS,
      ({ rate, batch }) => `rate ${rate}, batch ${batch}`,
      setting => settled(lab, setting, data, noise, runs),
    );
    const within = (ends: readonly Point[], sigma: Matrix) => ends.filter(p => squaredDistance(sigma, p) < WITHIN).length / ends.length;
    return {
      title: `SGD's stationary distribution: ends of ${counted(runs, 'run')} on a quadratic of ${counted(samples, 'sample')}`,
      rows: found.map(({ rate, batch, steps, ends, seen, exact, limit }) => ({
        rate,
        batch,
        updates: steps,
        'var θ1': seen.get(0, 0),
        theory: exact.get(0, 0),
        'for small rates': limit.get(0, 0),
        'cov θ1 θ2': seen.get(0, 1),
        'its theory': exact.get(0, 1),
        'its for small rates': limit.get(0, 1),
        'within the ellipse': within(ends, exact),
        'within that for small rates': within(ends, limit),
      })),
      shares: ['within the ellipse', 'within that for small rates'],
      expected: found.flatMap(expectedOf),
      panels: found.map(panelOf),
      layout: { width: 400, height: 320 },
      values: found.map(({ seen, exact, limit, ...rest }) => ({
        ...rest,
        covariance: seen.to2DArray(),
        theory: exact.to2DArray(),
        smallRates: limit.to2DArray(),
      })),
    };
  },
});

type Setting = (typeof SETTINGS)[number];

/** Ends of runs, their covariance, and the one of theory: at this rate, and in the limit of small ones. */
interface Settled {
  readonly rate: number;
  readonly batch: number;
  readonly steps: number;
  readonly ends: readonly Point[];
  readonly seen: Matrix;
  readonly exact: Matrix;
  readonly limit: Matrix;
}

/** The runs of a setting until they count as settled; `noise` is the covariance of one sample's gradient. */
async function settled(lab: Lab, setting: Setting, data: readonly Point[], noise: Matrix, runs: number): Promise<Settled> {
  const { rate, batch } = setting;
  const steps = Math.ceil(SETTLED / (rate * 0.5));
  const draw = uniforms(lab.seed, STREAMS.sample, SETTINGS.indexOf(setting) + 1);
  const ends = await repeated(lab, runs, () => endOf(data, { rate, batch, steps }, draw));
  const each = Matrix.div(noise, batch);
  const exact = stationary(HESSIAN, each, rate);
  const limit = stationary(HESSIAN, each, rate, { continuous: true });
  return { rate, batch, steps, ends, seen: covarianceOf(ends, CENTRE), exact, limit };
}

const expectedOf = ({ rate, batch, seen, exact }: Settled): Expected[] =>
  ENTRIES.map(([i, j]) => ({
    what: `rate ${rate}, batch ${batch}: ${i === j ? `variance of θ${i + 1}` : 'covariance'}`,
    expected: exact.get(i, j),
    found: seen.get(i, j),
    source: 'AΣ + ΣA − η AΣA = (η/S) C',
  }));

const ENTRIES = [
  [0, 0],
  [0, 1],
  [1, 1],
] as const;

/** Samples with mean 0, broad in a direction that is none of the Hessian's. */
function samplesOf(n: number, seed: number): Point[] {
  const next = normals(seed, STREAMS.sample);
  const drawn = Array.from({ length: n }, (): Point => {
    const along = 1.5 * next();
    return [along, -0.4 * along + 0.9 * next()];
  });
  const [m1, m2] = [0, 1].map(i => drawn.reduce((sum, p) => sum + p[i]!, 0) / n) as [number, number];
  return drawn.map(([x, y]) => [x - m1, y - m2]);
}

/** Where a run ends that begins at the minimum; the samples of each batch are drawn with replacement. */
function endOf(data: readonly Point[], { rate, batch, steps }: { rate: number; batch: number; steps: number }, draw: () => number): Point {
  const [[a11, a12], [, a22]] = HESSIAN.to2DArray() as [[number, number], [number, number]];
  let [x, y] = [0, 0];
  for (let t = 0; t < steps; t++) {
    let [g1, g2] = [x, y];
    for (let s = 0; s < batch; s++) {
      const [d1, d2] = data[Math.floor(draw() * data.length)]!;
      g1 -= d1 / batch;
      g2 -= d2 / batch;
    }
    x -= rate * (a11 * g1 + a12 * g2);
    y -= rate * (a12 * g1 + a22 * g2);
  }
  return [x, y];
}

/** Ends that are drawn of each setting. */
const DRAWN = 200;

function panelOf({ rate, batch, ends, exact, limit }: Settled): Panel {
  const far = (i: 0 | 1) => 1.15 * Math.max(...ends.slice(0, DRAWN).map(p => Math.abs(p[i])), ...ellipse(exact, WITHIN).map(p => p[i]));
  const axis = (label: string, end: number) => ({ label, min: -end, max: end });
  const round = (v: number) => Number(v.toPrecision(2));
  return {
    kind: 'line',
    title: `rate ${rate}, batches of ${batch}`,
    x: axis('θ₁', round(far(0))),
    y: axis('θ₂', round(far(1))),
    series: [
      { name: 'ends of runs', dots: true, points: ends.slice(0, DRAWN).flatMap(p => [p, [p[0], NaN] as const]) },
      { name: '95 % by theory', points: ellipse(exact, WITHIN) },
      { name: '95 % by that for small rates', points: ellipse(limit, WITHIN), dashed: true },
    ],
  };
}
