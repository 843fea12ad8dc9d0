/** What is done around a rule, as in optax.chain: each piece is a few lines. Sorted by where in the chain they stand. */
import type { Graph } from '../engine/graph.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Layout } from '../engine/plan.ts';
import { check, kindOf } from '../engine/check.ts';
import { flag, number, valuesOf, type Values } from '../engine/parameter.ts';
import { ANY_SHARE, AT_LEAST_0, COUNT, describeRange, isWithin, POSITIVE, type Range } from '../engine/range.ts';
import { clipScale, maxNorm as scaleRows } from '../shaders/update/update.ts';
import { unitRows } from './pages.ts';
import type { Privacy } from './accountant.ts';

/**
 * One piece of an update. Its WGSL is over vec4f `g` (gradient), `w` (weight), the piece's state by name, and its numbers as `op.<name>`;
 * it passes NaN on. Pieces act in the order of their list: first what each does to the gradient, then what each does to the weight, then
 * the rule, then what comes after it. `skip` is whether this update leaves the weights as they are (see loss-scale.ts).
 */
export interface Piece {
  readonly gradient?: string;
  /** Before the rule; `first` is whether no update was made before. */
  readonly weight?: string;
  readonly after?: string;
  /** Its numbers for update `t`, from 1, at learning rate `lr`; `decay` is the share of its strength at which a piece that decays acts. */
  readonly values?: (t: number, lr: number, decay?: number) => Readonly<Record<string, number>>;
  /** One value for each weight; starts at zero. */
  readonly state?: readonly string[];
  /** Whether it pulls weights to 0: some parameters may then be left out, or pulled less (see groups.ts). */
  readonly decays?: true;
  /** Whether it draws random numbers: by `op.seed`, `op.step`, and the place of the vec4, `k` in page `page`. */
  readonly draws?: true;
  /** What it must know of all gradients together, as tensors that its WGSL reads; `given` are those of the pieces before it. */
  readonly reduces?: (g: Graph, reduce: Reduce, given: Inputs) => Inputs;
  /** Dispatches of its own after those of a page; what `after` of later pieces does is then a dispatch of its own too. */
  readonly constrains?: (g: Graph, page: Page) => void;
  readonly average?: Average;
  /** Whether it takes the sum of the clipped gradients of single samples (see private.ts). */
  readonly privacy?: Privacy;
}

/** The arrays that an update reads beside weights, gradients and states. */
export type Inputs = Readonly<Record<string, Tensor>>;

/** Partial sums of `f`, WGSL over vec4f `a`, over all gradients; PARTS of them for each page. */
export type Reduce = (name: string, f: string) => { readonly partial: Tensor; readonly pages: number };

/** A page of parameters, and the buffer that it is. */
export interface Page {
  readonly w: Tensor;
  readonly buffer: string;
  readonly layout: Layout;
}

/** A state that is evaluated in place of the weights, from update number `from` on. */
export interface Average {
  readonly state: string;
  readonly from: number;
  /** Whether it needs running statistics of its own. */
  readonly refreshes?: true;
}

/** A piece, once its number is seen to be in its range: programs without types may give none. */
function held(who: string, value: number, range: Range, piece: Piece): Piece {
  check(isWithin(value, range), `${who} is ${kindOf(value)}`, `give ${describeRange(range)}`);
  return piece;
}

/** The mean of gradients that were summed, over micro-batches and batches. */
export const mean: Piece = { gradient: 'g *= op.g_scale;' };

/**
 * Scales all gradients so that their norm together is at most `max` (Pascanu 2013), as torch.nn.utils.clip_grad_norm_. The norm is that of
 * the mean gradient, whatever pieces stand before.
 */
export const clipNorm = (max: number): Piece =>
  held('clipNorm', max, POSITIVE, {
    gradient: 'g *= clip[0];',
    values: () => ({ clip_norm: max }),
    reduces(g, reduce, { scaling }) {
      const clip = g.persistent('state', 'clip', [4]);
      const { partial, pages } = reduce('clip partial', 'a * a');
      g.run(clipScale, { pages, scaling: scaling !== undefined }, { partial, scaling, scale: clip });
      return { clip };
    },
  });

/** Each value of the gradient within -max and max, as torch.nn.utils.clip_grad_value_: NaN stays. */
export const clipValue = (max: number): Piece =>
  held('clipValue', max, POSITIVE, {
    gradient: 'g = keep(g, clamp(g, vec4f(-op.clip_value), vec4f(op.clip_value)));',
    values: () => ({ clip_value: max }),
  });

/** Key of the gradient noise, apart from that of dropout. */
const NOISE = 0x6e6f6973;

/** Gaussian gradient noise N(0, eta / (1 + t)^0.55), t from 0 (Neelakantan 2015). */
export const gradNoise = (eta: number): Piece =>
  held('gradNoise', eta, AT_LEAST_0, {
    gradient: `g += op.noise * normal4(philox(vec4u(k, op.step, page, 0u), vec2u(op.seed, ${NOISE}u)));`,
    values: t => ({ noise: Math.sqrt(eta / t ** 0.55) }),
    draws: true,
  });

/** Key of private noise, apart from other noise. */
const PRIVATE_NOISE = 0x70726976;

/** The state that holds the sum of the clipped gradients of a batch. */
export const CLIPPED = 'clipped';

/** The options of dpSgd. */
export const PRIVACY = {
  clip: number(1, 'greatest length of the gradient of an image', POSITIVE),
  noise: number(1.1, 'deviation of the noise on the sum of a batch, in such lengths', POSITIVE),
  delta: number(1e-5, 'probability for which the guarantee may fail', { above: 0, below: 1 }),
};

/**
 * DP-SGD (Abadi et al. 2016): the mean of clipped gradients and noise in place of the gradient. It stands before all other pieces; what these
 * do is as private.
 */
export const dpSgd = (privacy: Privacy): Piece => ({
  state: [CLIPPED],
  gradient: `g = op.g_scale * (${CLIPPED} + op.private_noise * normal4(philox(vec4u(k, op.step, page, 0u), vec2u(op.seed, ${PRIVATE_NOISE}u))));`,
  values: () => ({ private_noise: privacy.clip * privacy.noise }),
  draws: true,
  privacy,
});

/** L2, PyTorch's weight_decay. */
export const weightDecay = (l2: number): Piece =>
  held('weightDecay', l2, AT_LEAST_0, {
    gradient: 'g += op.l2 * w;',
    values: (_t, _lr, decay = 1) => ({ l2: l2 * decay }),
    decays: true,
  });

/** L1 by its subgradient; with weightDecay the elastic net. Weights swing about 0 by steps of lr * rate, and none becomes 0 itself. */
export const l1 = (rate: number): Piece =>
  held('l1', rate, AT_LEAST_0, {
    gradient: 'g += op.l1 * sign(w);',
    values: (_t, _lr, decay = 1) => ({ l1: rate * decay }),
    decays: true,
  });

/**
 * L1 by its proximal step, the soft threshold lr * rate (ISTA: Daubechies et al. 2004): weights below it become exactly 0. With sgd it is
 * the step of the penalised loss; beside a rule that scales gradients it acts outside of that, as decoupled decay does.
 */
export const l1Proximal = (rate: number): Piece =>
  held('l1Proximal', rate, AT_LEAST_0, {
    after: 'if (!skip) { w -= clamp(w, vec4f(-op.threshold), vec4f(op.threshold)); }',
    values: (_, lr, decay = 1) => ({ threshold: lr * rate * decay }),
    decays: true,
  });

/** Decay of the weight itself by lr * rate, outside the rule (Loshchilov & Hutter 2019). */
export const decoupledDecay = (rate: number): Piece =>
  held('decoupledDecay', rate, AT_LEAST_0, {
    weight: 'w *= op.shrink;',
    values: (_, lr, decay = 1) => ({ shrink: 1 - lr * rate * decay }),
    decays: true,
  });

/** Every gradient but the first without a share of it, as the dampening of torch.optim.SGD. */
export const dampened = (share: number): Piece => ({
  weight: 'g *= select(op.undampened, 1.0, first);',
  values: () => ({ undampened: 1 - share }),
});

/** How far slow weights move, and where a run ends. */
export const LOOKAHEAD = {
  alpha: number(0.5, 'share of the way that slow weights move', { above: 0, max: 1 }),
  end: number(0, 'the share at the end of the run; 0 is alpha throughout', { min: 0, max: 1 }),
  power: number(1, 'exponent of the way from the one share to the other', { above: 0 }),
  slow: flag(false, 'the last update leaves the slow weights'),
};

/**
 * Every k updates the weights go back to slow ones that have moved by alpha towards them (Zhang 2019). Over a run of `updates` the share
 * becomes alpha + (end - alpha) (t / updates)^power, and with `slow` the last update leaves the slow weights (Jordan 2024).
 */
export function lookahead(
  k: number,
  alpha = 0.5,
  { updates = Infinity, ...path }: Partial<Values<typeof LOOKAHEAD>> & { readonly updates?: number } = {},
): Piece {
  const { end, power, slow } = valuesOf('lookahead', LOOKAHEAD, { ...path, alpha });
  return held('lookahead', k, COUNT, {
    state: ['slow'],
    weight: 'slow = select(slow, w, first);',
    after: 'if (op.sync >= 0.0) { slow += op.sync * (w - slow); w = slow; }',
    values(t) {
      if (t % k) return { sync: slow && t === updates ? 0 : -1 };
      return { sync: end ? alpha + (end - alpha) * Math.min(1, t / updates) ** power : alpha };
    },
  });
}

/** Greatest norm of the incoming weights of each output (Srivastava 2014). */
export const maxNorm = (max: number): Piece =>
  held('maxNorm', max, POSITIVE, {
    values: () => ({ max_norm: max }),
    constrains(g, { w, layout, buffer }) {
      const table = unitRows(g, layout, buffer);
      if (table) g.run(scaleRows, { rows: table.size / 4 }, { w, table });
    },
  });

/** A running mean of the weights; `rate` is the share of update `t` in it. */
const averaging = (rate: (t: number) => number, average: Omit<Average, 'state'>): Piece => ({
  state: ['ema'],
  after: 'ema += op.ema_rate * (w - ema);',
  values: t => ({ ema_rate: rate(t) }),
  average: { state: 'ema', ...average },
});

/** Exponential moving average of the weights; decay 1 is the plain mean of all (Polyak). */
export const ema = (decay: number): Piece =>
  held(
    'ema',
    decay,
    ANY_SHARE,
    averaging(t => (t === 1 ? 1 : decay === 1 ? 1 / t : 1 - decay), { from: 1 }),
  );

/** Mean of the weights after the updates start, start + every, … (SWA, Izmailov 2018). */
export function swa(start: number, every: number): Piece {
  const share = (t: number) => (t < start || (t - start) % every ? 0 : 1 / ((t - start) / every + 1));
  const piece = averaging(share, { from: start, refreshes: true });
  return held('swa: start', start, COUNT, held('swa: every', every, COUNT, piece));
}
