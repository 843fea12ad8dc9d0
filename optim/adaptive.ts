/** Adam and its kin, and the rules that divide by an estimate of curvature. */
import { decoupledDecay } from './pieces.ts';
import type { Hyper, Rule } from './rule.ts';

const ADAM = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8 };

/** What all of Adam's kin need; `correction2` is a factor of sqrt(v). */
const moments = (h: Hyper, t: number, lr: number) => ({
  beta1: h.beta1!,
  beta2: h.beta2!,
  rest1: 1 - h.beta1!,
  rest2: 1 - h.beta2!,
  eps: h.eps!,
  rate: lr / (1 - h.beta1! ** t),
  correction2: Math.sqrt(1 - h.beta2! ** t),
});

/** WGSL: the running means of g and g^2. */
const MOMENTS = `
    m = op.beta1 * m + op.rest1 * g;
    v = op.beta2 * v + op.rest2 * g * g;`;

/** Adam (Kingma & Ba 2015), as torch.optim.Adam. */
export const adam: Rule = {
  name: 'adam',
  state: ['m', 'v'],
  defaults: ADAM,
  values: moments,
  update: `${MOMENTS}
    w -= op.rate * m / (sqrt(v) / op.correction2 + op.eps);`,
};

/** AdamW (Loshchilov & Hutter 2019): the decay acts on the weight, outside the adaptive step. */
export const adamw: Rule = {
  ...adam,
  name: 'adamw',
  defaults: { ...ADAM, weight_decay: 1e-2 },
  pieces: h => [decoupledDecay(h.weight_decay!)],
};

/** AMSGrad (Reddi 2018), as torch.optim.Adam(amsgrad=True): the maximum is of the uncorrected v. */
export const amsgrad: Rule = {
  name: 'amsgrad',
  state: ['m', 'v', 'vmax'],
  defaults: ADAM,
  values: moments,
  update: `${MOMENTS}
    vmax = max(vmax, v);
    w -= op.rate * m / (sqrt(vmax) / op.correction2 + op.eps);`,
};

/** AdaMax (Kingma & Ba 2015, section 7.1), as torch.optim.Adamax: the infinity norm in place of v, eps inside the maximum. */
export const adamax: Rule = {
  name: 'adamax',
  state: ['m', 'u'],
  defaults: { ...ADAM, lr: 2e-3 },
  values: (h, t, lr) => ({ beta1: h.beta1!, rest1: 1 - h.beta1!, beta2: h.beta2!, eps: h.eps!, rate: lr / (1 - h.beta1! ** t) }),
  update: `
    m = op.beta1 * m + op.rest1 * g;
    u = max(op.beta2 * u, abs(g) + op.eps);
    w -= op.rate * m / u;`,
};

/** NAdam (Dozat 2016), as torch.optim.NAdam: mu_t = beta1 (1 - 0.5 * 0.96^(t momentum_decay)). */
export const nadam: Rule = {
  name: 'nadam',
  state: ['m', 'v'],
  defaults: { ...ADAM, lr: 2e-3, momentum_decay: 4e-3 },
  values: (h, t, lr) => {
    const mu = (at: number) => h.beta1! * (1 - 0.5 * 0.96 ** (at * h.momentum_decay!));
    let product = 1;
    for (let at = 1; at <= t && product > 1e-30; at++) product *= mu(at);
    const { rate: _, ...others } = moments(h, t, lr);
    return { ...others, now: (lr * (1 - mu(t))) / (1 - product), ahead: (lr * mu(t + 1)) / (1 - product * mu(t + 1)) };
  },
  update: `${MOMENTS}
    w -= (op.now * g + op.ahead * m) / (sqrt(v) / op.correction2 + op.eps);`,
};

/**
 * Natural gradient (Amari 1998) with the diagonal of the empirical Fisher information, a running mean of g^2: w -= lr g / (F + damping).
 */
export const naturalGradient: Rule = {
  name: 'natural-gradient',
  state: ['f'],
  defaults: { lr: 0.01, rho: 0.95, damping: 1e-3 },
  values: (h, t) => ({ rho: h.rho!, rest: 1 - h.rho!, correction: 1 - h.rho! ** t, damping: h.damping! }),
  update: `
    f = op.rho * f + op.rest * g * g;
    w -= op.lr * g / (f / op.correction + op.damping);`,
};

/**
 * Becker & LeCun 1989: w -= lr g / (|h| + damping), h the diagonal of the Hessian. Before each update `h` is estimated as Hutchinson 1990
 * does, the mean over `probes` random sign vectors z of z * (H z); the product with the Hessian is the central difference of two gradients
 * on the same batch at w +- epsilon z, so that each probe costs two more gradient passes.
 */
export const newtonDiagonal: Rule = {
  name: 'newton-diagonal',
  state: ['h'],
  probes: 'h',
  defaults: { lr: 0.1, damping: 1e-2, probes: 1, epsilon: 1e-3 },
  values: h => ({ damping: h.damping! }),
  update: 'w -= op.lr * g / (abs(h) + op.damping);',
};
