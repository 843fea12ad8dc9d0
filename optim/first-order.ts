/** The rules of plain gradients: descent, momentum, and averages of squares without bias correction. Sorted by increasing complexity. */
import { number } from '../engine/parameter.ts';
import { POSITIVE, SHARE } from '../engine/range.ts';
import { dampened } from './pieces.ts';
import { divisor, learningRate, rule, toggle, type Form, type Rule } from './rule.ts';

/** Robbins & Monro 1951. */
export const sgd = rule({
  name: 'sgd',
  about: 'A step against the gradient.',
  formula: 'w ← w − η g',
  state: [],
  hyper: { lr: learningRate(0.1) },
  rates: { points: 0.5, bySlope: 1 },
  update: 'w -= op.lr * g;',
});

/** The hyper-parameters of heavy ball and Nesterov's. */
const MOMENTUM = { lr: learningRate(0.05), momentum: number(0.9, 'share of the last step that is kept', SHARE) };

/** Heavy ball (Polyak 1964), as torch.optim.SGD(momentum, dampening): the first gradient is not dampened. */
export const momentum = rule({
  name: 'momentum',
  about: 'A heavy ball: past gradients keep it rolling.',
  formula: 'v ← μ v + g;  w ← w − η v',
  state: ['v'],
  hyper: { ...MOMENTUM, dampening: number(0, 'share of each new slope that is left out', SHARE) },
  rates: { points: 0.1, bySlope: 0.3 },
  cycled: 'momentum',
  pieces: ({ dampening }) => (dampening ? [dampened(dampening)] : []),
  update: `
    v = op.momentum * v + g;
    w -= op.lr * v;`,
});

/** Nesterov's accelerated gradient (Sutskever 2013), as torch.optim.SGD(nesterov=True). */
export const nesterov: Rule & { readonly name: 'nesterov' } = {
  ...momentum,
  hyper: MOMENTUM,
  pieces: undefined,
  name: 'nesterov',
  about: 'Momentum that looks ahead before it steps.',
  formula: 'v ← μ v + g;  w ← w − η (g + μ v)',
  update: `
    v = op.momentum * v + g;
    w -= op.lr * (g + op.momentum * v);`,
};

/**
 * Nesterov 1983 for convex functions (Su, Boyd & Candes 2016), k from 0. The gradient is taken at w. As momentum nears 1 it adds up the
 * noise of small batches, whence the small default rate.
 */
export const nagConvex = rule({
  name: 'nag-c',
  about: 'Nesterov’s method for convex functions: momentum grows with time.',
  formula: 'x′ ← w − η g;  w ← x′ + k/(k+3) (x′ − x)',
  state: ['x'],
  hyper: { lr: learningRate(1e-3) },
  rates: { points: 0.1, bySlope: 0.5 },
  values: (_, t) => ({ ahead: (t - 1) / (t + 2) }),
  update: `
    let next = w - op.lr * g;
    let last = select(x, w, first);
    w = next + op.ahead * (next - last);
    x = next;`,
});

/** Nesterov 2013 for m-strongly convex functions (Shi, Du, Jordan & Su 2018). */
export const nagStronglyConvex = rule({
  ...nagConvex,
  name: 'nag-sc',
  about: 'Nesterov’s method for strongly convex functions.',
  formula: 'x′ ← w − η g;  w ← x′ + (1−√(mη))/(1+√(mη)) (x′ − x)',
  hyper: { lr: learningRate(1e-3), m: number(1e-3, 'strong convexity') },
  values: ({ m }, _, lr) => ({ ahead: (1 - Math.sqrt(m * lr)) / (1 + Math.sqrt(m * lr)) }),
});

/** Duchi 2011, as torch.optim.Adagrad; `sum` begins at initial_accumulator_value. */
export const adagrad = rule({
  name: 'adagrad',
  about: 'Each weight has its own rate, smaller where slopes were large.',
  formula: 's ← s + g²;  w ← w − η g / (√s + ε)',
  state: ['sum'],
  hyper: {
    lr: learningRate(0.01),
    eps: divisor(1e-10),
    lr_decay: number(0, 'fall of the rate with each update'),
    initial_accumulator_value: number(0, 'squares to begin with'),
  },
  rates: { points: 0.1, byLength: 0.4 },
  values: ({ lr_decay }, t, lr) => ({ rate: lr / (1 + (t - 1) * lr_decay) }),
  update: `
    sum = select(sum, vec4f(op.initial_accumulator_value), first);
    sum += g * g;
    w -= op.rate * g / (sqrt(sum) + op.eps);`,
});

/** RMSprop by the deviation of the slopes from their mean (Graves 2013), with momentum, or both. */
const rmspropForm = ({ centered, momentum }: { centered: number; momentum: number }): Form => ({
  state: ['e', ...(centered ? ['mean'] : []), ...(momentum ? ['v'] : [])],
  update: `
    e = op.alpha * e + op.rest * g * g;
    ${centered ? 'mean = op.alpha * mean + op.rest * g;' : ''}
    let size = sqrt(${centered ? 'max(e - mean * mean, vec4f(0.0))' : 'e'}) + op.eps;
    ${momentum ? 'v = op.momentum * v + g / size;' : ''}
    w -= op.lr * ${momentum ? 'v' : 'g / size'};`,
});

/** Hinton 2012, as torch.optim.RMSprop with alpha 0.9. */
export const rmsprop = rule({
  ...rmspropForm({ centered: 0, momentum: 0 }),
  name: 'rmsprop',
  about: 'Slopes divided by their recent size.',
  formula: 'e ← αe + (1−α)g²;  w ← w − η g / (√e + ε)',
  hyper: {
    lr: learningRate(1e-3),
    alpha: number(0.9, 'memory', SHARE),
    eps: divisor(1e-8),
    momentum: number(0, 'share of the last step that is kept', SHARE),
    centered: toggle('divide by the deviation from the mean slope'),
  },
  rates: { points: 0.01, byLength: 0.03 },
  values: ({ alpha }) => ({ rest: 1 - alpha }),
  form: rmspropForm,
});

/**
 * Averaged SGD (Polyak & Juditsky 1992), as torch.optim.ASGD at ten times its rate, at which nets stand still; `ax`, the average from step
 * t0 on, is what is evaluated.
 */
export const asgd = rule({
  name: 'asgd',
  about: 'Descent whose average over time is what counts.',
  formula: 'w ← w − η g;  a ← a + μ (w − a)',
  state: ['ax'],
  average: 'ax',
  hyper: {
    lr: learningRate(0.1),
    lambd: number(1e-4, 'decay'),
    alpha: number(0.75, 'exponent of the falling rate', SHARE),
    t0: number(1e6, 'update at which averaging begins'),
  },
  rates: { bySlope: 1 },
  values({ lambd, alpha, t0 }, t, lr) {
    const eta = t === 1 ? lr : lr / (1 + lambd * lr * (t - 1)) ** alpha;
    return { eta, keep: 1 - lambd * eta, mu: t === 1 ? 1 : 1 / Math.max(1, t - 1 - t0) };
  },
  update: `
    w = op.keep * w - op.eta * g;
    ax += op.mu * (w - ax);`,
});

/** Zeiler 2012, as torch.optim.Adadelta. */
export const adadelta = rule({
  name: 'adadelta',
  about: 'Steps in the units of past steps; needs hardly a rate.',
  formula: 'e ← ρe + (1−ρ)g²;  Δ = √(d+ε)/√(e+ε) g;  d ← ρd + (1−ρ)Δ²;  w ← w − ηΔ',
  state: ['e', 'd'],
  hyper: { lr: learningRate(1), rho: number(0.9, 'memory', SHARE), eps: divisor(1e-6) },
  rates: { byLength: 4 },
  values: ({ rho }) => ({ rest: 1 - rho }),
  update: `
    e = op.rho * e + op.rest * g * g;
    let delta = sqrt(d + op.eps) / sqrt(e + op.eps) * g;
    w -= op.lr * delta;
    d = op.rho * d + op.rest * delta * delta;`,
});

/**
 * Riedmiller & Braun 1993, as torch.optim.Rprop: a step size for each weight, by signs alone; where the sign flips, the weight stays and
 * the gradient is forgotten.
 */
export const rprop = rule({
  name: 'rprop',
  about: 'Signs alone: longer steps while the sign stays, shorter when it flips. For whole-set batches.',
  formula: 'Δ ← Δ · (1.2 or 0.5);  w ← w − sign(g) Δ',
  state: ['prev', 'size'],
  hyper: {
    lr: learningRate(1e-3),
    eta_minus: number(0.5, 'factor when the sign flips', { above: 0, below: 1 }),
    eta_plus: number(1.2, 'factor while it stays', { min: 1 }),
    step_min: number(1e-6, 'least step'),
    step_max: number(50, 'greatest step'),
  },
  update: `
    let same = sign(g) * sign(prev);
    let flips = same < vec4f(0.0);
    let factor = select(select(vec4f(1.0), vec4f(op.eta_plus), same > vec4f(0.0)), vec4f(op.eta_minus), flips);
    size = clamp(select(size, vec4f(op.lr), first) * factor, vec4f(op.step_min), vec4f(op.step_max));
    prev = select(g, vec4f(0.0), flips);
    w -= sign(prev) * size;`,
});

/**
 * Fahlman 1988: to the vertex of the parabola through the two last slopes, at most `mu` times the last step; where the slope keeps its sign
 * a gradient step is added, and without a last step it is all there is.
 */
export const quickprop = rule({
  name: 'quickprop',
  about: 'Jumps to the vertex of the parabola through the last two slopes.',
  formula: 'Δ ← Δ · g / (g′ − g);  w ← w + Δ',
  state: ['prev', 'delta'],
  hyper: { lr: learningRate(0.01), mu: number(1.75, 'longest jump, in last steps', POSITIVE) },
  rates: { bySlope: 0.5 },
  update: `
    let same = sign(g) * sign(prev) > vec4f(0.0);
    let growing = same & (abs(g) >= abs(prev));
    let vertex = g / select(prev - g, vec4f(1.0), prev == g);
    let factor = select(min(vertex, vec4f(op.mu)), vec4f(op.mu), growing);
    delta = select(factor * delta - select(vec4f(0.0), op.lr * g, same), -op.lr * g, delta == vec4f(0.0));
    prev = g;
    w += delta;`,
});
