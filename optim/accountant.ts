/** How private training by clipped and noised gradients is: the Rényi accountant of the subsampled Gaussian mechanism. */

/** What decides the privacy of one update. */
export interface Mechanism {
  /** The share of the data that a batch holds, each sample drawn by itself. */
  readonly rate: number;
  /** Deviation of the noise over the greatest length of a sample's gradient. */
  readonly noise: number;
}

/** What is done to gradients so that they tell little of any one sample. */
export interface Privacy {
  /** Greatest length of the gradient of a sample. */
  readonly clip: number;
  /** Deviation of the noise on the sum of a batch, in such lengths. */
  readonly noise: number;
  /** The probability for which the guarantee may fail. */
  readonly delta: number;
}

/** What a run has spent: it is (epsilon, delta)-differentially private. */
export interface Spent {
  readonly epsilon: number;
  readonly delta: number;
}

/** The orders of Rényi divergence that are tried: those of Opacus. */
const ORDERS: readonly number[] = [
  ...Array.from({ length: 99 }, (_, i) => 1 + (i + 1) / 10),
  ...Array.from({ length: 52 }, (_, i) => 12 + i),
];

/** Points of a deviation at which the integrand is taken; of an analytic function the trapezoid rule then errs by less than float64 tells. */
const POINTS = 8;
/** Under less noise what sampling adds to privacy is not counted: there is next to none. */
const LEAST_NOISE = 0.1;

/**
 * The Rényi differential privacy of order `order` > 1 of one update (Mironov, Talwar & Zhang 2019): log E[(1 - q + q e^((2x - 1) / 2s²))^a]
 * / (a - 1), x of deviation s about 0, as an integral in the logarithm.
 */
export function renyi(order: number, { rate, noise }: Mechanism): number {
  if (rate === 1 || noise < LEAST_NOISE) return order / (2 * noise ** 2);
  const step = Math.min(noise, noise ** 2) / POINTS;
  const [from, to] = [-12 * noise, order + 12 * noise];
  const logs: number[] = [];
  for (let x = from; x <= to; x += step) {
    const tilt = (2 * x - 1) / (2 * noise ** 2);
    const ratio = tilt < 0 ? Math.log1p(rate * Math.expm1(tilt)) : tilt + Math.log(rate + (1 - rate) * Math.exp(-tilt));
    logs.push(order * ratio - x ** 2 / (2 * noise ** 2));
  }
  const most = logs.reduce((a, b) => Math.max(a, b));
  const sum = logs.reduce((a, b) => a + Math.exp(b - most), 0);
  return (most + Math.log((sum * step) / (noise * Math.sqrt(2 * Math.PI)))) / (order - 1);
}

/**
 * The least epsilon for which `steps` updates are (epsilon, delta)-differentially private (Balle et al. 2020; the conversion of Opacus). The
 * data differ by one sample that is there or not.
 */
export function epsilonOf(mechanism: Mechanism, steps: number, delta: number): number {
  if (steps === 0) return 0;
  const found = ORDERS.map(a => steps * renyi(a, mechanism) - (Math.log(delta) + Math.log(a)) / (a - 1) + Math.log((a - 1) / a));
  return Math.max(0, Math.min(...found));
}
