/** What an update rule is, and the check of its hyper-parameters. */
import { check, lookUp } from '../engine/check.ts';
import type { Piece } from './pieces.ts';

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
  /** Pieces that belong to the rule. A rule with a `weight_decay` of its own takes the one that is asked for in place of an L2 penalty. */
  readonly pieces?: (h: Hyper) => readonly Piece[];
  /** The state that is an average of the weights, to be evaluated in their place. */
  readonly average?: string;
  /** The state that is to hold an estimate of the Hessian's diagonal before each update. */
  readonly probes?: string;
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
