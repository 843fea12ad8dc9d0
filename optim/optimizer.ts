import { check, lookUp } from '../engine/check.ts';
import type { Graph, Tensor } from '../engine/graph.ts';
import type { Layout } from '../engine/plan.ts';
import { flatReduce, PARTS } from '../shaders/update/flat.ts';
import { adjustScale, FIRST_SCALE, NOT_FINITE } from '../shaders/update/loss-scale.ts';
import { asksFirst, averageWeights, clipScale, fusedUpdate, maxNorm, type Surroundings, type Update } from '../shaders/update/update.ts';
import { decayRuns, unitRows } from './pages.ts';

/** Hyper-parameters, under PyTorch's names. */
export type Hyper = Readonly<Record<string, number>>;

/**
 * How one weight moves on its gradient. `update` is WGSL over vec4f `w` (weight), `g` (gradient) and the state, by name; it reads `op.lr`,
 * what `values` gives as `op.<name>` (computed in float64 on the host: 1 - 0.999 in float32 is off by 1.3e-5), and `first`: whether no
 * update was made before.
 */
export interface Rule {
  readonly name: string;
  /** Starts at zero. */
  readonly state: readonly string[];
  readonly defaults: Hyper & { readonly lr: number };
  /** `t` counts updates from 1. */
  readonly values?: (h: Hyper, t: number, lr: number) => Readonly<Record<string, number>>;
  readonly update: string;
  /** Its `weight_decay` shrinks the weight itself by lr * weight_decay (Loshchilov & Hutter 2019). */
  readonly decoupled?: boolean;
  /** The state that is an average of the weights, to be evaluated in their place. */
  readonly average?: string;
  /** The state that is to hold an estimate of the Hessian's diagonal before each update. */
  readonly probes?: string;
}

/** A rule with its hyper-parameters, added to a training graph as one fused update per page of parameters. */
export interface Optimizer {
  readonly rule: Rule;
  readonly hyper: Hyper & { readonly lr: number };
  /** All states, that of averaging included. */
  readonly state: readonly string[];
  /** The state to evaluate in place of the weights, from update number `averageFrom` on. */
  readonly average: string | undefined;
  readonly averageFrom: number;
  /** Whether the averaged weights need running statistics of their own. */
  readonly refreshes: boolean;
  /** Micro-batches whose gradients are summed before an update. */
  readonly accumulate: number;
  /** Whether the gradients are those of a scaled loss (see shaders/update/loss-scale.ts). */
  readonly scaling: boolean;
  addTo(g: Graph, layout: Layout): void;
  /**
   * Step values of update number `t`, from 1, at learning rate `lr`. `momentum` replaces the rule's momentum or beta1; `batches` is how
   * many batches the gradient is the sum of.
   */
  values(t: number, lr: number, momentum?: number, batches?: number): Record<string, number>;
}

/** What is done besides the rule, in this order: accumulation, norm clip, value clip, noise, L2 and L1; the rule; max-norm, averaging. */
export interface Regularisation {
  /** Micro-batches of one batch. */
  accumulate?: number;
  /** Whether an update may take several batches (Smith et al. 2018). */
  grows?: boolean;
  /** Whether gradients are of a scaled loss; updates whose gradients overflowed are left out. */
  scaling?: boolean;
  /** Greatest norm of all gradients together, and of each value. */
  clipNorm?: number;
  clipValue?: number;
  /** eta of Gaussian gradient noise N(0, eta / (1 + t)^0.55), t from 0 (Neelakantan 2015). */
  gradNoise?: number;
  /** L2 (PyTorch's weight_decay; decoupled in adamw) and L1; both are the elastic net. */
  weightDecay?: number;
  l1?: number;
  /** Whether they leave out biases and the parameters of normalisation, all of rank 1. */
  noDecayBias?: boolean;
  /** Greatest norm of the incoming weights of each output (Srivastava 2014). */
  maxNorm?: number;
  /** Decay of an exponential moving average of the weights; 1 is the plain mean of all (Polyak). */
  ema?: number;
  /** Every k updates the weights go back to `slow` ones that have moved by alpha (0.5 without it) towards them (Lookahead, Zhang 2019). */
  lookahead?: { k: number; alpha?: number };
  /** Mean of the weights after the updates start, start + every, … (SWA, Izmailov 2018). */
  swa?: { start: number; every: number };
}

/** What hyper-parameters may be: from `min` on, below `below`. */
const RANGES: Readonly<Record<string, readonly [min: number, below: number]>> = {
  momentum: [0, 1],
  beta1: [0, 1],
  beta2: [0, 1],
  alpha: [0, 1],
  rho: [0, 1],
  eta_minus: [Number.MIN_VALUE, 1],
  eta_plus: [1, Infinity],
  damping: [Number.MIN_VALUE, Infinity],
  mu: [Number.MIN_VALUE, Infinity],
  probes: [1, Infinity],
  epsilon: [Number.MIN_VALUE, Infinity],
};

/** `defaults` with `options` in their place. A name that is not among them, or a value out of range, is an error. */
export function hyperParameters<H extends Hyper>(name: string, defaults: H, options: Readonly<Record<string, unknown>>): H {
  const out: Record<string, number> = { ...defaults };
  for (const [key, value] of Object.entries(options)) {
    lookUp(`hyper-parameter of ${name}`, key, out);
    check(typeof value === 'number' && Number.isFinite(value), `${name}: ${key} is '${String(value)}'`, 'give a number');
    const [min, below] = RANGES[key] ?? [0, Infinity];
    const accepted = `${min === Number.MIN_VALUE ? 'above 0' : `of at least ${min}`}${below < Infinity ? ` and below ${below}` : ''}`;
    check(value >= min && value < below, `${name}: ${key} is ${value}`, `give a number ${accepted}`);
    out[key] = value;
  }
  return out as H;
}

/** The optimizer of `rule` with `options` in place of its defaults, and with what surrounds it. */
export function optimizer(rule: Rule, options: Readonly<Record<string, unknown>> = {}, r: Regularisation = {}): Optimizer {
  const decay = rule.decoupled && r.weightDecay ? { weight_decay: r.weightDecay } : {};
  const hyper = hyperParameters(rule.name, rule.defaults, { ...decay, ...options });
  const { accumulate = 1, clipNorm, clipValue, gradNoise = 0, l1 = 0, ema, lookahead, swa, scaling = false } = r;
  check(ema === undefined || !swa, `${rule.name}: ema and swa both average the weights`, 'leave one out');
  const averages = ema !== undefined || swa !== undefined;
  const l2 = rule.decoupled ? 0 : (r.weightDecay ?? 0);
  const counted = asksFirst(rule.update);
  const cycled = ['momentum', 'beta1'].find(name => name in hyper); // what a schedule of the momentum replaces
  const scales = accumulate > 1 || Boolean(r.grows);

  const values = (t: number, lr: number, momentum?: number, batches = 1): Record<string, number> => {
    const h = momentum === undefined || !cycled ? hyper : { ...hyper, [cycled]: momentum };
    return {
      lr,
      ...((scales || clipNorm) && { g_scale: 1 / (accumulate * batches) }),
      ...(clipNorm && { clip_norm: clipNorm }),
      ...(clipValue && { clip_value: clipValue }),
      ...(gradNoise && { noise: Math.sqrt(gradNoise / t ** 0.55) }),
      ...(l2 && { l2 }),
      ...(l1 && { l1 }),
      ...(rule.decoupled && { shrink: 1 - lr * hyper.weight_decay! }),
      ...(r.maxNorm && { max_norm: r.maxNorm }),
      ...(ema !== undefined && { ema_rate: t === 1 ? 1 : ema === 1 ? 1 / t : 1 - ema }),
      ...(swa && { ema_rate: t < swa.start || (t - swa.start) % swa.every ? 0 : 1 / ((t - swa.start) / swa.every + 1) }),
      ...(lookahead && { slow_first: t === 1 ? 1 : 0, sync: t % lookahead.k ? 0 : (lookahead.alpha ?? 0.5) }),
      ...(counted && { update: t }),
      ...rule.values?.(h, t, lr),
    };
  };
  const surroundings: Surroundings = {
    scale: scales,
    scaling,
    clipNorm: Boolean(clipNorm),
    clipValue: Boolean(clipValue),
    noise: gradNoise > 0,
    l2: l2 > 0,
    l1: l1 > 0,
    decoupled: Boolean(rule.decoupled),
    lookahead: lookahead !== undefined,
    average: averages && !r.maxNorm, // max-norm comes before the averaging, which is then a kernel of its own
  };
  const elsewhere = ['clip_norm', 'max_norm', ...(surroundings.average ? [] : ['ema_rate'])]; // step values of other kernels
  const fields = Object.keys(values(1, hyper.lr)).filter(f => !elsewhere.includes(f));
  const moved = [...rule.state, ...(lookahead ? ['slow'] : [])];
  const update = fusedUpdate(rule.name, rule.state, rule.update, fields, surroundings);

  return {
    rule,
    hyper,
    values,
    accumulate,
    scaling,
    state: [...moved, ...(averages ? ['ema'] : [])],
    average: averages ? 'ema' : rule.average,
    averageFrom: swa?.start ?? 1,
    refreshes: swa !== undefined,
    addTo(g, layout) {
      const grads = layout.pages('grad');
      const params = layout.pages('param');
      /** Partial sums of `f` over all gradients. */
      const reduce = (name: string, f: string): Tensor => {
        const partial = g.lasting('state', name, [grads.length * PARTS]);
        grads.forEach(({ buffer, bytes }, page) =>
          g.run(flatReduce, { n: bytes / 4, f, first: page * PARTS }, { a: g.whole('grad', buffer, bytes), partial }),
        );
        return partial;
      };
      const scale = scaling ? lossScale(g) : undefined;
      if (scale) g.run(adjustScale, { pages: grads.length }, { partial: reduce('overflow partial', NOT_FINITE), scaling: scale });
      const clip = clipNorm ? g.lasting('state', 'clip', [4]) : undefined;
      if (clip) {
        const partial = reduce('clip partial', 'a * a');
        g.run(clipScale, { pages: grads.length, scaling }, { partial, scaling: scale, scale: clip });
      }

      params.forEach(({ buffer, bytes }, page) => {
        const w = g.whole('param', buffer, bytes);
        const stateOf = (name: string) => g.whole('state', layout.page(stateBuffer(rule, name, page), bytes), bytes);
        const states = moved.map(name => [`${name}_all`, stateOf(name)] as const);
        const ema = averages ? stateOf('ema') : undefined;
        const tensors = {
          w_all: w,
          g_all: g.whole('grad', grads[page]!.buffer, bytes),
          ...Object.fromEntries(states),
          ...(surroundings.average && { ema_all: ema! }),
          ...(clip && { clip }),
          ...(scale && { scaling: scale }),
        };
        const runs = r.noDecayBias ? decayRuns(g, layout, buffer, bytes) : [{ first: 0, n: bytes / 4, decays: true }];
        for (const run of runs) g.run(update, { ...run, page } satisfies Update, tensors);
        if (!r.maxNorm) return;
        const table = unitRows(g, layout, buffer);
        if (table) g.run(maxNorm, { rows: table.size / 2 }, { w, table });
        if (ema) g.run(averageWeights, { n: bytes / 4 }, { w, mean: ema });
      });
    },
  };
}

/** The buffer of one state of one page; its tensors lie where their parameters do in theirs. */
export const stateBuffer = (rule: { readonly name: string }, state: string, page: number): string => `state ${rule.name}.${state} ${page}`;

/** The state of dynamic loss scaling (see shaders/update/loss-scale.ts). */
export const lossScale = (g: Graph): Tensor => g.lasting('state', LOSS_SCALE, [4], () => Float32Array.of(FIRST_SCALE, 0, 0, 0));
export const LOSS_SCALE = 'loss scale';
