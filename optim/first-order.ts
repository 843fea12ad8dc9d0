/** The rules of plain gradients: descent, momentum, and averages of squares without bias correction. */
import type { Rule } from './rule.ts';

/** w -= lr g (Robbins & Monro 1951). */
export const sgd: Rule = {
  name: 'sgd',
  state: [],
  defaults: { lr: 0.1 },
  update: 'w -= op.lr * g;',
};

/** Heavy ball (Polyak 1964), as torch.optim.SGD(momentum): v = momentum v + g; w -= lr v. */
export const momentum: Rule = {
  name: 'momentum',
  state: ['v'],
  defaults: { lr: 0.05, momentum: 0.9 },
  values: h => ({ momentum: h.momentum! }),
  update: `
    v = op.momentum * v + g;
    w -= op.lr * v;`,
};

/** Nesterov's accelerated gradient (Sutskever 2013), as torch.optim.SGD(nesterov=True): w -= lr (g + momentum v). */
export const nesterov: Rule = {
  ...momentum,
  name: 'nesterov',
  update: `
    v = op.momentum * v + g;
    w -= op.lr * (g + op.momentum * v);`,
};

/**
 * Nesterov 1983 for convex functions (Su, Boyd & Candes 2016): x' = w - lr g; w = x' + k / (k + 3) (x' - x), k from 0. The gradient is
 * taken at w.
 */
export const nagConvex: Rule = {
  name: 'nag-c',
  state: ['x'],
  defaults: { lr: 0.1 },
  values: (_, t) => ({ ahead: (t - 1) / (t + 2) }),
  update: `
    let next = w - op.lr * g;
    let last = select(x, w, first);
    w = next + op.ahead * (next - last);
    x = next;`,
};

/** Nesterov 2013 for m-strongly convex functions (Shi, Du, Jordan & Su 2018): as nag-c with (1 - sqrt(m lr)) / (1 + sqrt(m lr)). */
export const nagStronglyConvex: Rule = {
  ...nagConvex,
  name: 'nag-sc',
  defaults: { lr: 0.1, m: 1e-3 },
  values: (h, _, lr) => ({ ahead: (1 - Math.sqrt(h.m! * lr)) / (1 + Math.sqrt(h.m! * lr)) }),
};

/** Duchi 2011, as torch.optim.Adagrad. */
export const adagrad: Rule = {
  name: 'adagrad',
  state: ['sum'],
  defaults: { lr: 0.01, eps: 1e-10 },
  values: h => ({ eps: h.eps! }),
  update: `
    sum += g * g;
    w -= op.lr * g / (sqrt(sum) + op.eps);`,
};

/** Zeiler 2012, as torch.optim.Adadelta. */
export const adadelta: Rule = {
  name: 'adadelta',
  state: ['e', 'd'],
  defaults: { lr: 1, rho: 0.9, eps: 1e-6 },
  values: h => ({ rho: h.rho!, rest: 1 - h.rho!, eps: h.eps! }),
  update: `
    e = op.rho * e + op.rest * g * g;
    let delta = sqrt(d + op.eps) / sqrt(e + op.eps) * g;
    w -= op.lr * delta;
    d = op.rho * d + op.rest * delta * delta;`,
};

/** Hinton 2012, as torch.optim.RMSprop with alpha 0.9. */
export const rmsprop: Rule = {
  name: 'rmsprop',
  state: ['e'],
  defaults: { lr: 1e-3, alpha: 0.9, eps: 1e-8 },
  values: h => ({ alpha: h.alpha!, rest: 1 - h.alpha!, eps: h.eps! }),
  update: `
    e = op.alpha * e + op.rest * g * g;
    w -= op.lr * g / (sqrt(e) + op.eps);`,
};

/** Averaged SGD (Polyak & Juditsky 1992), as torch.optim.ASGD; `ax`, the average from step t0 on, is what is evaluated. */
export const asgd: Rule = {
  name: 'asgd',
  state: ['ax'],
  average: 'ax',
  defaults: { lr: 0.01, lambd: 1e-4, alpha: 0.75, t0: 1e6 },
  values: (h, t, lr) => {
    const eta = t === 1 ? lr : lr / (1 + h.lambd! * lr * (t - 1)) ** h.alpha!;
    return { eta, keep: 1 - h.lambd! * eta, mu: t === 1 ? 1 : 1 / Math.max(1, t - 1 - h.t0!) };
  },
  update: `
    w = op.keep * w - op.eta * g;
    ax += op.mu * (w - ax);`,
};

/**
 * Riedmiller & Braun 1993, as torch.optim.Rprop: a step size for each weight, by signs alone; where the sign flips, the weight stays and
 * the gradient is forgotten.
 */
export const rprop: Rule = {
  name: 'rprop',
  state: ['prev', 'size'],
  defaults: { lr: 1e-3, eta_minus: 0.5, eta_plus: 1.2, step_min: 1e-6, step_max: 50 },
  values: h => ({
    eta_minus: h.eta_minus!,
    eta_plus: h.eta_plus!,
    step_min: h.step_min!,
    step_max: h.step_max!,
  }),
  update: `
    let same = sign(g) * sign(prev);
    let flips = same < vec4f(0.0);
    let factor = select(select(vec4f(1.0), vec4f(op.eta_plus), same > vec4f(0.0)), vec4f(op.eta_minus), flips);
    size = clamp(select(size, vec4f(op.lr), first) * factor, vec4f(op.step_min), vec4f(op.step_max));
    prev = select(g, vec4f(0.0), flips);
    w -= sign(prev) * size;`,
};

/**
 * Fahlman 1988: to the vertex of the parabola through the two last slopes, at most `mu` times the last step; where the slope keeps its sign
 * a gradient step is added, and without a last step it is all there is.
 */
export const quickprop: Rule = {
  name: 'quickprop',
  state: ['prev', 'delta'],
  defaults: { lr: 0.01, mu: 1.75 },
  values: h => ({ mu: h.mu! }),
  update: `
    let same = sign(g) * sign(prev) > vec4f(0.0);
    let growing = same & (abs(g) >= abs(prev));
    let vertex = g / select(prev - g, vec4f(1.0), prev == g);
    let factor = select(min(vertex, vec4f(op.mu)), vec4f(op.mu), growing);
    delta = select(factor * delta - select(vec4f(0.0), op.lr * g, same), -op.lr * g, delta == vec4f(0.0));
    prev = g;
    w += delta;`,
};
