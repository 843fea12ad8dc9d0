/** `exploding-products`: products of random matrices grow or vanish exponentially, unless their scale is just right. */
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { normals, STREAMS } from '../../../shaders/kernel/random.ts';
import { range } from '../../../shaders/kernel/wgsl.ts';
import { experiment, inTurn, repeated, type Expected, type Lab } from '../experiment.ts';
import { mean, quantile } from '../statistics.ts';

/** By what each matrix multiplies lengths on average, as a logarithm: (ln 2 + digamma(n / 2)) / 2 (Newman 1986, for Gaussian entries). */
function growthOf(n: number): number {
  // digamma(n / 2) by its recursion from 1 or 1/2
  const euler = 0.5772156649015329;
  let digamma = n % 2 ? -euler - 2 * Math.LN2 : -euler;
  for (let x = n % 2 ? 0.5 : 1; x < n / 2; x++) digamma += 1 / x;
  return (Math.LN2 + digamma) / 2;
}

/** The logarithms of the largest entry of the products of 1, 2, … `count` matrices [n, n]. */
function logEntries(n: number, count: number, scale: number, next: () => number): number[] {
  let product = range(n).map(i => range(n).map(j => Number(i === j)));
  let log = 0;
  return range(count).map(() => {
    const matrix = range(n).map(() => range(n).map(() => scale * next()));
    const raw = matrix.map(row => range(n).map(j => row.reduce((sum, v, k) => sum + v * product[k]![j]!, 0)));
    const most = Math.max(...raw.flat().map(Math.abs));
    product = raw.map(row => row.map(v => v / most));
    log += Math.log(most);
    return log;
  });
}

export const explodingProducts = experiment({
  about: 'Products of random matrices explode or vanish, as the signal of a deep linear net does, by the scale of their entries.',
  source: 'Zhang, Lipton, Li & Smola 2021, section 5.4; Newman 1986',
  options: {
    n: number(4, 'rows and columns', { integer: true, min: 2, max: 64 }),
    count: number(100, 'matrices', { integer: true, min: 2, max: 1000 }),
    products: number(200, 'of each scale', { ...COUNT, max: 10_000 }),
  },
  async run(lab, { n, count, products }) {
    const growth = growthOf(n);
    const found = await inTurn(
      lab,
      scalesOf(n, growth),
      ({ name }) => name,
      async ({ name, scale }) => ({ name, scale, ...(await productsOf(lab, n, count, scale, products)) }),
    );
    return {
      title: `Products of ${count} Gaussian matrices ${n} x ${n}`,
      rows: found.map(({ name, scale, perMatrix, median }) => ({
        entries: name,
        deviation: scale,
        'factor a matrix': Math.exp(perMatrix),
        [`largest entry of ${count}, median, as a power of 10`]: median.at(-1)!,
      })),
      expected: found.map(
        ({ name, scale, perMatrix }): Expected => ({
          what: `ln of the factor a matrix, ${name}`,
          expected: Number((growth + Math.log(scale)).toFixed(6)) + 0, // not -0
          found: perMatrix,
          source: 'Lyapunov exponent, Newman 1986',
        }),
      ),
      panels: [
        {
          kind: 'line',
          title: 'Median, and 10 to 90 % of the products',
          x: { label: 'matrices multiplied', min: 0, max: count },
          y: { label: 'largest entry, power of 10' },
          series: found.map(({ name, median, low, high }) => ({
            name,
            points: median.map((v, t) => [t + 1, v] as const),
            band: range(count).map(t => [t + 1, low[t]!, high[t]!] as const),
          })),
        },
      ],
      layout: { width: 640, height: 340 },
      values: found,
    };
  },
});

/** Deviations of the entries; at the critical one products neither grow nor vanish. */
const scalesOf = (n: number, growth: number) => [
  { name: 'deviation 1', scale: 1 },
  { name: 'critical deviation', scale: Math.exp(-growth) },
  { name: 'deviation 1/\u221an', scale: 1 / Math.sqrt(n) },
  { name: 'deviation 0.3', scale: 0.3 },
];

/** What a matrix adds to the natural logarithm of the largest entry, and quantiles of its decimal one by the matrices multiplied. */
async function productsOf(lab: Lab, n: number, count: number, scale: number, products: number) {
  const next = normals(lab.seed, STREAMS.init);
  const all = await repeated(lab, products, () => logEntries(n, count, scale, next));
  const at = range(count).map(t => all.map(logs => logs[t]! / Math.LN10));
  const byMatrix = (share: number) => at.map(v => quantile(v, share));
  // the first matrices are left out: directions have yet to line up
  const from = Math.min(9, count - 2);
  const perMatrix = mean(all.map(logs => logs[count - 1]! - logs[from]!)) / (count - 1 - from);
  return { perMatrix, median: byMatrix(0.5), low: byMatrix(0.1), high: byMatrix(0.9) };
}
