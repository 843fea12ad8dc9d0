/** `bias-variance`: what polynomials of each degree make of many samples of one function. */
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import type { Panel, Series } from '../../../plots/panel.ts';
import { NOISE, experiment, inTurn, repeated, type Lab } from '../experiment.ts';
import { mean } from '../statistics.ts';
import { bySvd, dot, normalsOf, rmse } from './problems.ts';

const f = (x: number): number => Math.sin(2 * Math.PI * x);
/** Sets whose polynomials are drawn. */
const DRAWN = 10;
/** Where errors are taken. */
const GRID = Array.from({ length: 101 }, (_, i) => i / 100);

/** Legendre polynomials of x in [0, 1] up to a degree: powers would be nearly dependent. */
function legendre(x: number, degree: number): Float64Array {
  const t = 2 * x - 1;
  const out = Float64Array.of(1, ...(degree ? [t] : []), ...Array<number>(Math.max(0, degree - 1)).fill(0));
  for (let k = 2; k <= degree; k++) out[k] = ((2 * k - 1) * t * out[k - 1]! - (k - 1) * out[k - 2]!) / k;
  return out;
}

export const biasVariance = experiment({
  about: 'Bias falls and variance grows with the degree of a polynomial; their sum with the noise is the test error.',
  source: 'Geman, Bienenstock, Doursat 1992',
  options: {
    sets: number(200, 'training sets', { ...COUNT, min: 2, max: 10_000 }),
    points: number(20, 'of each training set', { ...COUNT, min: 2, max: 1000 }),
    noise: number(0.3, 'standard deviation of the noise', NOISE),
    degree: number(9, 'greatest degree', { ...COUNT, max: 15 }),
  },
  async run(lab, { sets, points, noise, degree: most }) {
    const next = normalsOf(lab.seed);
    const xs = Array.from({ length: points }, (_, i) => (i + 0.5) / points);
    const samples = Array.from({ length: sets }, () => Float64Array.from(xs, x => f(x) + noise * next()));
    const degrees = Array.from({ length: Math.min(most, points - 1) + 1 }, (_, k) => k);
    const found = await inTurn(
      lab,
      degrees,
      degree => `degree ${degree}`,
      degree => ofDegree(lab, degree, xs, samples, () => noise * next()),
    );
    const best = found.length ? found.reduce((a, b) => (b.test < a.test ? b : a)) : undefined;
    return {
      title: `Polynomials on ${counted(sets, 'set')} of ${counted(points, 'point')} of a sine, noise ${noise}`,
      rows: found.map(({ degree, bias, variance, train, test }) => ({
        degree,
        'bias\u00b2': bias,
        variance,
        'bias\u00b2 + variance + noise': bias + variance + noise ** 2,
        'test error': test,
        'training error': train,
      })),
      expected: best && [
        {
          what: `test error at degree ${best.degree}, the least`,
          expected: best.bias + best.variance + noise ** 2,
          found: best.test,
          source: 'bias\u00b2 + variance + noise',
        },
      ],
      panels: [
        errorPanel(found),
        ...found.filter(({ degree }) => degree === 1 || degree === best?.degree || degree === degrees.at(-1)).map(fitsPanel),
      ],
      values: found.map(({ fits: _, ...rest }) => rest),
    };
  },
});

/** The polynomials of one degree: parts of their error, and their values on the grid, one for each set. */
interface Found {
  readonly degree: number;
  readonly bias: number;
  readonly variance: number;
  readonly train: number;
  readonly test: number;
  readonly fits: readonly (readonly number[])[];
}

/** Fits each of the samples, targets at `xs`; the test error is of targets with a noise that is drawn anew. */
async function ofDegree(
  lab: Lab,
  degree: number,
  xs: readonly number[],
  samples: readonly Float64Array[],
  noise: () => number,
): Promise<Found> {
  const rows = xs.map(x => legendre(x, degree));
  const grid = GRID.map(x => legendre(x, degree));
  const solved = await repeated(lab, samples.length, s => bySvd({ rows, y: samples[s]! }).w);
  const fits = solved.map(w => grid.map(row => dot(row, w)));
  const centre = GRID.map((_, i) => mean(fits.map(fit => fit[i]!)));
  const bias = mean(GRID.map((x, i) => (centre[i]! - f(x)) ** 2));
  const variance = mean(GRID.map((_, i) => mean(fits.map(fit => (fit[i]! - centre[i]!) ** 2))));
  const test = mean(fits.map(fit => mean(GRID.map((x, i) => (fit[i]! - f(x) - noise()) ** 2))));
  const train = mean(samples.map((y, s) => rmse({ rows, y }, solved[s]!) ** 2));
  return { degree, bias, variance, train, test, fits };
}

function errorPanel(found: readonly Found[]): Panel {
  const line = (name: string, of: (r: Found) => number): Series => ({
    name,
    dots: true,
    points: found.map(r => [r.degree, of(r)] as const),
  });
  return {
    kind: 'line',
    title: 'Errors by degree',
    x: { label: 'degree' },
    y: { label: 'squared error', log: true },
    series: [
      line('bias\u00b2', r => r.bias),
      line('variance', r => r.variance),
      line('test error', r => r.test),
      line('training error', r => r.train),
    ],
  };
}

const fitsPanel = ({ degree, fits }: Found): Panel => ({
  kind: 'line',
  title: `Degree ${degree}, ${fits.length > DRAWN ? `${DRAWN} of the` : 'all'} sets`,
  x: { label: 'x', min: 0, max: 1 },
  y: { label: 'y', min: -2, max: 2 },
  series: [
    ...fits.slice(0, DRAWN).map((fit, i) => ({
      name: `set ${i + 1}`,
      muted: true,
      points: GRID.map((x, k) => [x, fit[k]!] as const),
    })),
    { name: 'function', points: GRID.map(x => [x, f(x)] as const) },
  ],
});
