/**
 * The optimizers of the catalogue in float64, written from the papers (PyTorch's convention where it has the method): for one weight,
 * (slots, gradient, hyper-parameters, step counted from 1) -> new slots. `slots.w` is the weight; elementwise, so an array is a loop.
 */
export type Slots = Readonly<Record<string, number>>;
export type Hyper = Readonly<Record<string, number>>;
/** `hessian` is the curvature estimate of this step, for newton-diagonal alone. */
export interface Rule {
  defaults: Hyper;
  /** What each slot beside w starts as, from the first weight. */
  state: (w: number, h: Hyper) => Slots;
  step: (s: Slots, g: number, h: Hyper, t: number, hessian: number) => Slots;
}

const rule = (defaults: Hyper, state: Rule['state'], step: Rule['step']): Rule => ({ defaults, state, step });
const zeros =
  (...names: string[]) =>
  (): Slots =>
    Object.fromEntries(names.map(n => [n, 0]));
/** A slot or hyper-parameter by name; a misspelt one must not become NaN in silence. */
function of(from: Slots, name: string): number {
  const value = from[name];
  if (value === undefined) throw new Error(`no '${name}' among ${Object.keys(from).join(', ')}`);
  return value;
}
const take = <K extends string>(from: Slots, ...names: K[]): Record<K, number> =>
  Object.fromEntries(names.map(n => [n, of(from, n)])) as Record<K, number>;

/** The moving averages of Adam and its kin, bias corrected. */
function moments(s: Slots, g: number, hyper: Hyper, t: number) {
  const { beta1, beta2 } = take(hyper, 'beta1', 'beta2');
  const m = beta1 * of(s, 'm') + (1 - beta1) * g;
  const v = beta2 * of(s, 'v') + (1 - beta2) * g * g;
  return { m, v, mhat: m / (1 - beta1 ** t), vhat: v / (1 - beta2 ** t) };
}
const RPROP = { lr: 1e-3, eta_minus: 0.5, eta_plus: 1.2, step_min: 1e-6, step_max: 50 };
const ADAM = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8 };

export const optimizers: Readonly<Record<string, Rule>> = {
  sgd: rule({ lr: 0.1 }, zeros(), (s, g, h) => ({ w: of(s, 'w') - of(h, 'lr') * g })),

  momentum: rule({ lr: 0.1, momentum: 0.9, dampening: 0 }, zeros('v'), (s, g, h, t) => {
    const v = of(h, 'momentum') * of(s, 'v') + (t === 1 ? 1 : 1 - of(h, 'dampening')) * g;
    return { w: of(s, 'w') - of(h, 'lr') * v, v };
  }),

  nesterov: rule({ lr: 0.1, momentum: 0.9 }, zeros('v'), (s, g, h) => {
    const v = of(h, 'momentum') * of(s, 'v') + g;
    return { w: of(s, 'w') - of(h, 'lr') * (g + of(h, 'momentum') * v), v };
  }),

  /** Su, Boyd & Candes 2016, k counted from 0: y is the weight (where the gradient is taken), x the other sequence, equal at first. */
  'nag-c': rule(
    { lr: 0.1 },
    w => ({ x: w }),
    (s, g, h, t) => {
      const x = of(s, 'w') - of(h, 'lr') * g;
      const k = t - 1;
      return { w: x + (k / (k + 3)) * (x - of(s, 'x')), x };
    },
  ),

  /** Nesterov 2013, constant momentum from the strong-convexity constant m. */
  'nag-sc': rule(
    { lr: 0.1, m: 1e-3 },
    w => ({ x: w }),
    (s, g, h) => {
      const x = of(s, 'w') - of(h, 'lr') * g;
      const root = Math.sqrt(of(h, 'm') * of(h, 'lr'));
      return { w: x + ((1 - root) / (1 + root)) * (x - of(s, 'x')), x };
    },
  ),

  adagrad: rule(
    { lr: 0.01, eps: 1e-10, lr_decay: 0, initial_accumulator_value: 0 },
    (_, h) => ({ sum: of(h, 'initial_accumulator_value') }),
    (s, g, h, t) => {
      const sum = of(s, 'sum') + g * g;
      const lr = of(h, 'lr') / (1 + (t - 1) * of(h, 'lr_decay'));
      return { w: of(s, 'w') - (lr * g) / (Math.sqrt(sum) + of(h, 'eps')), sum };
    },
  ),

  adadelta: rule({ lr: 1, rho: 0.9, eps: 1e-6 }, zeros('e', 'd'), (s, g, h) => {
    const { rho, eps } = take(h, 'rho', 'eps');
    const e = rho * of(s, 'e') + (1 - rho) * g * g;
    const delta = (Math.sqrt(of(s, 'd') + eps) / Math.sqrt(e + eps)) * g;
    return { w: of(s, 'w') - of(h, 'lr') * delta, e, d: rho * of(s, 'd') + (1 - rho) * delta * delta };
  }),

  rmsprop: rule({ lr: 1e-3, alpha: 0.9, eps: 1e-8, momentum: 0, centered: 0 }, zeros('e', 'mean', 'v'), (s, g, h) => {
    const { lr, alpha, eps, momentum, centered } = take(h, 'lr', 'alpha', 'eps', 'momentum', 'centered');
    const e = alpha * of(s, 'e') + (1 - alpha) * g * g;
    const mean = alpha * of(s, 'mean') + (1 - alpha) * g;
    const v = momentum * of(s, 'v') + g / (Math.sqrt(centered ? e - mean * mean : e) + eps);
    return { w: of(s, 'w') - lr * v, e, mean, v };
  }),

  adam: rule(ADAM, zeros('m', 'v'), (s, g, h, t) => {
    const { m, v, mhat, vhat } = moments(s, g, h, t);
    return { w: of(s, 'w') - (of(h, 'lr') * mhat) / (Math.sqrt(vhat) + of(h, 'eps')), m, v };
  }),

  /** Reddi 2018 as PyTorch: the maximum is of the uncorrected v, corrected afterwards. */
  amsgrad: rule(ADAM, zeros('m', 'v', 'vmax'), (s, g, h, t) => {
    const { m, v, mhat } = moments(s, g, h, t);
    const vmax = Math.max(of(s, 'vmax'), v);
    return { w: of(s, 'w') - (of(h, 'lr') * mhat) / (Math.sqrt(vmax / (1 - of(h, 'beta2') ** t)) + of(h, 'eps')), m, v, vmax };
  }),

  /** Kingma & Ba 2015, section 7.1; eps inside the maximum as PyTorch. */
  adamax: rule({ ...ADAM, lr: 2e-3 }, zeros('m', 'u'), (s, g, h, t) => {
    const { lr, beta1, beta2, eps } = take(h, 'lr', 'beta1', 'beta2', 'eps');
    const m = beta1 * of(s, 'm') + (1 - beta1) * g;
    const u = Math.max(beta2 * of(s, 'u'), Math.abs(g) + eps);
    return { w: of(s, 'w') - ((lr / (1 - beta1 ** t)) * m) / u, m, u };
  }),

  /** Dozat 2016 as PyTorch: momentum mu_t = beta1 (1 - 0.5 * 0.96^(t * momentum_decay)); `product` is mu_1 ... mu_t. */
  nadam: rule(
    { ...ADAM, lr: 2e-3, momentum_decay: 4e-3 },
    () => ({ m: 0, v: 0, product: 1 }),
    (s, g, h, t) => {
      const mu = (at: number) => of(h, 'beta1') * (1 - 0.5 * 0.96 ** (at * of(h, 'momentum_decay')));
      const { m, v, vhat } = moments(s, g, h, t);
      const product = of(s, 'product') * mu(t);
      const ahead = ((1 - mu(t)) * g) / (1 - product) + (mu(t + 1) * m) / (1 - product * mu(t + 1));
      return { w: of(s, 'w') - (of(h, 'lr') * ahead) / (Math.sqrt(vhat) + of(h, 'eps')), m, v, product };
    },
  ),

  /** Loshchilov & Hutter 2019: the decay outside the adaptive step, before it. */
  adamw: rule({ ...ADAM, weight_decay: 1e-2, amsgrad: 0 }, zeros('m', 'v', 'vmax'), (s, g, h, t) => {
    const { m, v, mhat } = moments(s, g, h, t);
    const vmax = of(h, 'amsgrad') ? Math.max(of(s, 'vmax'), v) : v;
    const deviation = Math.sqrt(vmax / (1 - of(h, 'beta2') ** t));
    const w = of(s, 'w') * (1 - of(h, 'lr') * of(h, 'weight_decay')) - (of(h, 'lr') * mhat) / (deviation + of(h, 'eps'));
    return { w, m, v, vmax };
  }),

  /**
   * Riedmiller & Braun 1993 as PyTorch: where the sign flips, the weight stays and the gradient is forgotten (the paper's Rprop+ takes
   * the step back).
   */
  rprop: rule(
    RPROP,
    (_, h) => ({ prev: 0, size: of(h, 'lr') }),
    (s, g, h) => {
      const same = Math.sign(g * of(s, 'prev'));
      const factor = same > 0 ? of(h, 'eta_plus') : same < 0 ? of(h, 'eta_minus') : 1;
      const size = Math.min(Math.max(of(s, 'size') * factor, of(h, 'step_min')), of(h, 'step_max'));
      const kept = same < 0 ? 0 : g;
      return { w: of(s, 'w') - Math.sign(kept) * size, prev: kept, size };
    },
  ),

  /**
   * Fahlman 1988: the vertex of the parabola through the two last slopes, at most `mu` times the last step. Where the slope keeps its
   * sign, a gradient step is added; without a last step it is all there is.
   */
  quickprop: rule({ lr: 0.01, mu: 1.75 }, zeros('prev', 'delta'), (s, g, h) => {
    const { prev, delta } = take(s, 'prev', 'delta');
    const { lr, mu } = take(h, 'lr', 'mu');
    const growing = g * prev > 0 && Math.abs(g) >= Math.abs(prev); // the parabola opens downwards or is a line
    const factor = growing ? mu : Math.min(g / (prev - g), mu);
    const step = delta === 0 ? -lr * g : factor * delta - (g * prev > 0 ? lr * g : 0);
    return { w: of(s, 'w') + step, prev: g, delta: step };
  }),

  /** Amari 1998 with the diagonal of the empirical Fisher, a bias-corrected running mean of g^2. */
  'natural-gradient': rule({ lr: 0.01, rho: 0.95, damping: 1e-3 }, zeros('f'), (s, g, h, t) => {
    const f = of(h, 'rho') * of(s, 'f') + (1 - of(h, 'rho')) * g * g;
    return { w: of(s, 'w') - (of(h, 'lr') * g) / (f / (1 - of(h, 'rho') ** t) + of(h, 'damping')), f };
  }),

  /** Becker & LeCun 1989; the Hessian's diagonal is given (Hutchinson: z * (H z) for random signs z). */
  'newton-diagonal': rule({ lr: 0.1, damping: 1e-2 }, zeros(), (s, g, h, _, hessian) => {
    return { w: of(s, 'w') - (of(h, 'lr') * g) / (Math.abs(hessian) + of(h, 'damping')) };
  }),

  /** Polyak & Juditsky 1992 as PyTorch; `ax` is the average, which begins at step t0. */
  asgd: rule(
    { lr: 0.01, lambd: 1e-4, alpha: 0.75, t0: 1e6 },
    (_, h) => ({ ax: 0, eta: of(h, 'lr'), mu: 1 }),
    (s, g, h, t) => {
      const w = of(s, 'w') * (1 - of(h, 'lambd') * of(s, 'eta')) - of(s, 'eta') * g;
      return {
        w,
        ax: of(s, 'ax') + (w - of(s, 'ax')) * of(s, 'mu'),
        eta: of(h, 'lr') / (1 + of(h, 'lambd') * of(h, 'lr') * t) ** of(h, 'alpha'),
        mu: 1 / Math.max(1, t - of(h, 't0')),
      };
    },
  ),
};

/** The weights after each of `steps` steps of an elementwise optimizer from `start`; `gradient(w, t)` is taken anew each step. */
export function follow(
  name: string,
  start: ArrayLike<number>,
  gradient: (w: Float64Array, t: number) => ArrayLike<number>,
  steps: number,
  options: Hyper = {},
  hessian: (w: Float64Array, t: number) => ArrayLike<number> = w => w,
): { w: Float64Array; slots: Slots[] }[] {
  const { defaults, state, step } = optimizers[name]!;
  const h = { ...defaults, ...options };
  for (const key of Object.keys(options)) of(defaults, key);
  let slots: Slots[] = Array.from(start, w => ({ ...state(w, h), w }));
  return Array.from({ length: steps }, (_, i) => {
    const at = Float64Array.from(slots, s => of(s, 'w'));
    const g = gradient(at, i + 1);
    const curvature = hessian(at, i + 1);
    slots = slots.map((s, j) => step(s, g[j]!, h, i + 1, curvature[j]!));
    return { w: Float64Array.from(slots, s => of(s, 'w')), slots };
  });
}
