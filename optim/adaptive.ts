/** Rules that divide by an estimate of curvature, and Adam and its kin. Sorted by increasing complexity. */
import { number } from '../engine/parameter.ts';
import { POSITIVE, SHARE } from '../engine/range.ts';
import { decoupledDecay } from './pieces.ts';
import { divisor, learningRate, rule, toggle, type Form, type Rule } from './rule.ts';

/** Natural gradient (Amari 1998) with the diagonal of the empirical Fisher information, a running mean of g^2. */
export const naturalGradient = rule({
  name: 'natural-gradient',
  about: 'Slopes divided by a running Fisher information.',
  formula: 'F ← ρF + (1−ρ)g²;  w ← w − η g / (F̂ + δ)',
  state: ['f'],
  hyper: { lr: learningRate(3e-4), rho: number(0.95, 'memory', SHARE), damping: divisor(1e-3, POSITIVE) },
  rates: { points: 0.01, bySlope: 1 },
  values: ({ rho }, t) => ({ rest: 1 - rho, correction: 1 - rho ** t }),
  update: `
    f = op.rho * f + op.rest * g * g;
    w -= op.lr * g / (f / op.correction + op.damping);`,
});

/**
 * Becker & LeCun 1989, h the diagonal of the Hessian. Before each update `h` is estimated as Hutchinson 1990 does, the mean over `probes`
 * random sign vectors z of z * (H z); the product with the Hessian is the central difference of two gradients on the same batch at
 * w +- epsilon z, so that each probe costs two more gradient passes.
 */
export const newtonDiagonal = rule({
  name: 'newton-diagonal',
  about: 'Slopes divided by the estimated curvature.',
  formula: 'w ← w − η g / (|h| + δ)',
  state: ['h'],
  probes: 'h',
  hyper: {
    lr: learningRate(0.01),
    damping: divisor(1e-2, POSITIVE),
    probes: number(1, 'random directions for the curvature', { min: 1 }),
    epsilon: number(1e-3, 'length of a probe', POSITIVE),
  },
  rates: { points: 0.1 },
  update: 'w -= op.lr * g / (abs(h) + op.damping);',
});

/** The hyper-parameters of all of Adam's kin. */
const ADAM = {
  lr: learningRate(1e-3),
  beta1: number(0.9, 'memory of the mean slope', SHARE),
  beta2: number(0.999, 'memory of its size', SHARE),
  eps: divisor(1e-8),
};

/** What all of Adam's kin need; `correction2` is a factor of sqrt(v). */
const moments = ({ beta1, beta2 }: Readonly<Record<keyof typeof ADAM, number>>, t: number, lr: number) => ({
  rest1: 1 - beta1,
  rest2: 1 - beta2,
  rate: lr / (1 - beta1 ** t),
  correction2: Math.sqrt(1 - beta2 ** t),
});

/** WGSL: the running means of g and g^2. */
const MOMENTS = `
    m = op.beta1 * m + op.rest1 * g;
    v = op.beta2 * v + op.rest2 * g * g;`;

/** Kingma & Ba 2015, as torch.optim.Adam. */
export const adam = rule({
  name: 'adam',
  about: 'Mean slope divided by its recent size, both corrected for their start.',
  formula: 'm ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  w ← w − η m̂ / (√v̂ + ε)',
  state: ['m', 'v'],
  hyper: ADAM,
  rates: { points: 0.02 },
  cycled: 'beta1',
  values: moments,
  update: `${MOMENTS}
    w -= op.rate * m / (sqrt(v) / op.correction2 + op.eps);`,
});

/** Adam whose divisor is the largest v so far, before its correction. */
const MAXIMUM: Form = {
  state: ['m', 'v', 'vmax'],
  update: `${MOMENTS}
    vmax = max(vmax, v);
    w -= op.rate * m / (sqrt(vmax) / op.correction2 + op.eps);`,
};

/**
 * Loshchilov & Hutter 2019, as torch.optim.AdamW: the decay acts on the weight, outside the adaptive step. `amsgrad` as the rule of that
 * name.
 */
export const adamw = rule({
  ...adam,
  name: 'adamw',
  about: 'Adam, with weight decay outside the adaptive step.',
  formula: 'w ← w − ηλw;  then as Adam',
  hyper: { ...ADAM, weight_decay: number(1e-2, 'decoupled pull to 0'), amsgrad: toggle('a divisor that never shrinks') },
  form: ({ amsgrad }) => (amsgrad ? MAXIMUM : adam),
  pieces: ({ weight_decay }) => [decoupledDecay(weight_decay)],
});

/** Kingma & Ba 2015, section 7.1, as torch.optim.Adamax: the infinity norm in place of v, eps inside the maximum. */
export const adamax = rule({
  ...adam,
  name: 'adamax',
  about: 'Adam with the largest recent slope as divisor.',
  formula: 'u ← max(β₂u, |g| + ε);  w ← w − η m̂ / u',
  state: ['m', 'u'],
  hyper: { ...ADAM, lr: learningRate(2e-3) },
  update: `
    m = op.beta1 * m + op.rest1 * g;
    u = max(op.beta2 * u, abs(g) + op.eps);
    w -= op.rate * m / u;`,
});

/** Reddi 2018, as torch.optim.Adam(amsgrad=True). */
export const amsgrad: Rule & { readonly name: 'amsgrad' } = {
  ...adam,
  name: 'amsgrad',
  about: 'Adam whose divisor never shrinks.',
  formula: 'v̄ ← max(v̄, v);  w ← w − η m̂ / (√v̄ + ε)',
  ...MAXIMUM,
};

/** Dozat 2016, as torch.optim.NAdam: mu_t = beta1 (1 - 0.5 * 0.96^(t momentum_decay)). */
export const nadam = rule({
  ...adam,
  name: 'nadam',
  about: 'Adam with Nesterov’s look ahead.',
  formula: 'w ← w − η (μ′m̂ + (1−μ)ĝ) / (√v̂ + ε)',
  hyper: { ...ADAM, lr: learningRate(2e-3), momentum_decay: number(4e-3, 'rise of momentum') },
  values(h, t, lr) {
    const mu = (at: number) => h.beta1 * (1 - 0.5 * 0.96 ** (at * h.momentum_decay));
    let product = 1;
    for (let at = 1; at <= t && product > 1e-30; at++) product *= mu(at);
    return { ...moments(h, t, lr), now: (lr * (1 - mu(t))) / (1 - product), ahead: (lr * mu(t + 1)) / (1 - product * mu(t + 1)) };
  },
  update: `${MOMENTS}
    w -= (op.now * g + op.ahead * m) / (sqrt(v) / op.correction2 + op.eps);`,
});
