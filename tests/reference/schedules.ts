/**
 * The schedules of the catalogue in closed form: (t, hyper-parameters) -> learning rate, t the number of updates (or epochs) already
 * made, from 0. Written apart from optim/: clarity before speed.
 */
export const constant = (_t: number, { lr }: { lr: number }): number => lr;
export const step = (t: number, { lr, size, gamma }: { lr: number; size: number; gamma: number }): number =>
  lr * gamma ** Math.floor(t / size);
export const multiStep = (t: number, { lr, milestones, gamma }: { lr: number; milestones: readonly number[]; gamma: number }): number =>
  lr * gamma ** milestones.filter(m => t >= m).length;
/** lr exp(-k t); PyTorch's ExponentialLR with gamma = exp(-k). */
export const exponential = (t: number, { lr, k }: { lr: number; k: number }): number => lr * Math.exp(-k * t);
export const inverseTime = (t: number, { lr }: { lr: number }): number => lr / (1 + t);
export const quadratic = (t: number, { lr }: { lr: number }): number => lr / (1 + t) ** 2;
/** From lr straight to `end` at step tau, then flat (Goodfellow et al., equation 8.14; PyTorch's LinearLR). */
export const linear = (t: number, { lr, end, tau }: { lr: number; end: number; tau: number }): number =>
  lr + (end - lr) * Math.min(t / tau, 1);
export const polynomial = (t: number, { lr, total, power }: { lr: number; total: number; power: number }): number =>
  lr * (1 - Math.min(t / total, 1)) ** power;
export const power = (t: number, { lr, b, a }: { lr: number; b: number; a: number }): number => lr * (1 + b * t) ** -a;
/** Loshchilov & Hutter 2016, one descent over `total`. */
export const cosine = (t: number, { lr, total, min = 0 }: { lr: number; total: number; min?: number }): number =>
  min + ((lr - min) * (1 + Math.cos((Math.PI * Math.min(t, total)) / total))) / 2;

/** SGDR: cosine descents of t0, t0 mult, t0 mult^2, ... steps. */
export function warmRestarts(t: number, { lr, t0, mult = 1, min = 0 }: { lr: number; t0: number; mult?: number; min?: number }): number {
  let at = t;
  let length = t0;
  while (at >= length) {
    at -= length;
    length *= mult;
  }
  return min + ((lr - min) * (1 + Math.cos((Math.PI * at) / length))) / 2;
}

/** Smith 2017: `half` steps up from lr to max, `half` down; triangular2 halves the height each cycle, expRange multiplies it by gamma^t. */
export function cyclical(
  t: number,
  { lr, max, half, gamma = 1 }: { lr: number; max: number; half: number; gamma?: number },
  kind: 'triangular' | 'triangular2' | 'exp_range',
): number {
  const cycle = Math.floor(t / (2 * half));
  const within = t - 2 * half * cycle;
  const height = within <= half ? within / half : 2 - within / half;
  return lr + (max - lr) * height * (kind === 'triangular2' ? 0.5 ** cycle : kind === 'exp_range' ? gamma ** t : 1);
}

/**
 * Smith & Topin 2017 as PyTorch's OneCycleLR: from max/div up to max over the first `share` of the steps, then down to
 * max/div/final; the momentum goes the other way between its two bounds.
 */
export function oneCycle(
  t: number,
  {
    max,
    total,
    share = 0.3,
    div = 25,
    final = 1e4,
    low = 0.85,
    high = 0.95,
    shape = 'cos',
  }: {
    max: number;
    total: number;
    share?: number;
    div?: number;
    final?: number;
    low?: number;
    high?: number;
    shape?: 'cos' | 'linear';
  },
): { lr: number; momentum: number } {
  const peak = share * total - 1;
  const last = total - 1;
  const blend = (from: number, to: number, at: number) => to + (from - to) * (shape === 'cos' ? (1 + Math.cos(Math.PI * at)) / 2 : 1 - at);
  return t <= peak
    ? { lr: blend(max / div, max, t / peak), momentum: blend(high, low, t / peak) }
    : { lr: blend(max, max / div / final, (t - peak) / (last - peak)), momentum: blend(low, high, (t - peak) / (last - peak)) };
}

/** Linear warm-up in front of any schedule: `from` lr at t = 0 rising to lr at `steps`, then `rest` counted from there. */
export const warmup = (t: number, { steps, lr, from = 0 }: { steps: number; lr: number; from?: number }, rest: (t: number) => number) =>
  t < steps ? lr * (from + ((1 - from) * t) / steps) : rest(t - steps);

/** PyTorch's ReduceLROnPlateau (mode min, relative threshold): the rate after each metric; changes of 1e-8 or less are not made. */
export function plateau(
  metrics: readonly number[],
  options: {
    lr: number;
    factor?: number;
    patience?: number;
    threshold?: number;
    cooldown?: number;
    min?: number;
  },
): number[] {
  const { lr, factor = 0.1, patience = 10, threshold = 1e-4, cooldown = 0, min = 0 } = options;
  let best = Infinity;
  let bad = 0;
  let wait = 0;
  let rate = lr;
  return metrics.map(m => {
    if (m < best * (1 - threshold)) {
      best = m;
      bad = 0;
    } else bad++;
    if (wait > 0) {
      wait--;
      bad = 0;
    }
    if (bad > patience) {
      const next = Math.max(rate * factor, min);
      if (rate - next > 1e-8) rate = next;
      wait = cooldown;
      bad = 0;
    }
    return rate;
  });
}
