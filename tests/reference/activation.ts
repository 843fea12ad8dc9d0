/** Activations in float64: value and derivative of one number, by the name of the layer. */
export interface Activation {
  f: (x: number) => number;
  df: (x: number) => number;
}

/** The error function to 1e-15: its Taylor series near 0, the continued fraction of erfc (Lentz) beyond. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let n = 1; Math.abs(term) > 1e-18; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return ((Math.sign(x) * 2) / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const cdf = (x: number) => 0.5 * (1 + erf(x / Math.SQRT2));
const GELU = Math.sqrt(2 / Math.PI);

export const relu: Activation = { f: x => Math.max(x, 0), df: x => (x > 0 ? 1 : 0) };
export const leakyRelu = (slope = 0.01): Activation => ({ f: x => (x > 0 ? x : slope * x), df: x => (x > 0 ? 1 : slope) });
export const elu = (alpha = 1): Activation => ({ f: x => (x > 0 ? x : alpha * Math.expm1(x)), df: x => (x > 0 ? 1 : alpha * Math.exp(x)) });
/** Barron 2017. */
export const celu = (alpha = 1): Activation => ({
  f: x => (x > 0 ? x : alpha * Math.expm1(x / alpha)),
  df: x => (x > 0 ? 1 : Math.exp(x / alpha)),
});
export const relu6: Activation = { f: x => Math.min(Math.max(x, 0), 6), df: x => (x > 0 && x < 6 ? 1 : 0) };
export const hardsigmoid: Activation = { f: x => relu6.f(x + 3) / 6, df: x => relu6.df(x + 3) / 6 };
export const hardswish: Activation = { f: x => (x * relu6.f(x + 3)) / 6, df: x => (x < -3 ? 0 : x <= 3 ? x / 3 + 0.5 : 1) };
export const silu: Activation = { f: x => x * sigmoid(x), df: x => sigmoid(x) * (1 + x * sigmoid(-x)) };
export const sigmoidal: Activation = { f: sigmoid, df: x => sigmoid(x) * sigmoid(-x) };
export const tanh: Activation = { f: Math.tanh, df: x => 1 - Math.tanh(x) ** 2 };
/** Misra 2019. */
export const mish: Activation = {
  f: x => x * Math.tanh(softplus.f(x)),
  df: x => Math.tanh(softplus.f(x)) + x * (1 - Math.tanh(softplus.f(x)) ** 2) * sigmoid(x),
};
export const softplus: Activation = { f: x => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), df: sigmoid };
/** Hendrycks & Gimpel 2016: x times the normal distribution function (PyTorch's default, by erf). */
export const gelu: Activation = { f: x => x * cdf(x), df: x => cdf(x) + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI) };
/** The paper's tanh form (PyTorch's approximate='tanh'); leaves the exact one by up to 5e-4. */
export const geluTanh: Activation = {
  f: x => 0.5 * x * (1 + Math.tanh(GELU * (x + 0.044715 * x ** 3))),
  df: x => {
    const t = Math.tanh(GELU * (x + 0.044715 * x ** 3));
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * GELU * (1 + 3 * 0.044715 * x * x);
  },
};

/** By the names of PyTorch's functions, with its defaults. */
export const activations: Readonly<Record<string, Activation>> = {
  relu,
  leakyRelu: leakyRelu(),
  elu: elu(),
  celu: celu(),
  relu6,
  hardsigmoid,
  hardswish,
  sigmoid: sigmoidal,
  silu,
  mish,
  tanh,
  softplus,
  gelu,
  geluTanh,
};

/** The logarithm of the softmax of each row of `classes` numbers. */
export function logSoftmax(x: ArrayLike<number>, classes: number): Float64Array {
  const rows = Float64Array.from(x);
  return rows.map((v, i) => {
    const row = rows.subarray(i - (i % classes), i - (i % classes) + classes);
    const most = Math.max(...row);
    return v - most - Math.log(row.reduce((sum, u) => sum + Math.exp(u - most), 0));
  });
}

/** Softmax of each row of `classes` numbers. */
export function softmax(x: ArrayLike<number>, classes: number): Float64Array {
  const y = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += classes) {
    const row = new Float64Array(x).subarray(at, at + classes);
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const sum = row.reduce((a, v) => a + Math.exp(v - most), 0);
    for (let j = 0; j < classes; j++) y[at + j] = Math.exp(row[j]! - most) / sum;
  }
  return y;
}
