import type { Rule } from './optimizer.ts';

/** w -= lr g (Robbins & Monro 1951). */
export const sgd: Rule = { name: 'sgd', state: [], defaults: { lr: 0.1 }, update: 'w -= op.lr * g;' };

/** Heavy ball (Polyak 1964), as torch.optim.SGD(momentum): v = momentum v + g; w -= lr v. */
export const momentum: Rule = {
  name: 'momentum', state: ['v'], defaults: { lr: 0.05, momentum: 0.9 },
  values: h => ({ momentum: h.momentum! }),
  update: 'v = op.momentum * v + g; w -= op.lr * v;',
};

/** Nesterov's accelerated gradient (Sutskever 2013), as torch.optim.SGD(nesterov=True): w -= lr (g + momentum v). */
export const nesterov: Rule = { ...momentum, name: 'nesterov', update: 'v = op.momentum * v + g; w -= op.lr * (g + op.momentum * v);' };

/** Adam (Kingma & Ba 2015), as torch.optim.Adam. */
export const adam: Rule = {
  name: 'adam', state: ['m', 'v'], defaults: { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8 },
  values: (h, t) => ({
    beta1: h.beta1!, beta2: h.beta2!, rest1: 1 - h.beta1!, rest2: 1 - h.beta2!, eps: h.eps!,
    correction1: 1 - h.beta1! ** t, correction2: Math.sqrt(1 - h.beta2! ** t),
  }),
  update: 'm = op.beta1 * m + op.rest1 * g; v = op.beta2 * v + op.rest2 * g * g; w -= op.lr / op.correction1 * m / (sqrt(v) / op.correction2 + op.eps);',
};
