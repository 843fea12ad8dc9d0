/** What an update rule is, and the check of its hyper-parameters. */
import { flag, number, valuesOf, type Defaulted, type Described, type Values } from '../engine/parameter.ts';
import type { Range } from '../engine/range.ts';
import type { Piece } from './pieces.ts';

/** Numbers by name. */
export type Numbers = Readonly<Record<string, number>>;

/** Hyper-parameters, under PyTorch's names. */
export type Hyper = Numbers & { readonly lr: number };

/** What a rule's hyper-parameters are, by PyTorch's names: defaults, ranges, words. */
export type HyperParameters = Readonly<Record<string, Defaulted<number>>> & { readonly lr: Defaulted<number> };
/** The values of hyper-parameters, by name. */
export type ValuesOf<H> = { readonly [K in keyof H]: number };

/** What a rule keeps of the past, and what it does with it. */
export interface Form {
  /** Starts at zero. */
  readonly state: readonly string[];
  readonly update: string;
}

/**
 * How one weight moves on its gradient. `update` is WGSL over vec4f `w` (weight), `g` (gradient) and the state, by name; it reads each
 * hyper-parameter and what `values` gives as `op.<name>` (computed in float64 on the host: 1 - 0.999 in float32 is off by 1.3e-5), and
 * `first`: whether no update was made before. In `formula` η is the learning rate.
 */
export interface Rule extends Described, Form {
  readonly name: string;
  readonly hyper: HyperParameters;
  /** Learning rates for problems other than images, which the default is for. */
  readonly rates?: {
    /** For a small net on a few points of a plane. */
    readonly points?: number;
    /** For a function of two variables: a factor of the rate that suits its slopes, or a length in its plane. */
    readonly bySlope?: number;
    readonly byLength?: number;
  };
  /** `t` counts updates from 1. */
  values?(h: Hyper, t: number, lr: number): Numbers;
  /** State and update where hyper-parameters ask for others than those above. */
  form?(h: Hyper): Form;
  /** Pieces that belong to the rule. One with a `weight_decay` of its own takes the decay that is asked for in place of an L2 penalty. */
  pieces?(h: Hyper): readonly Piece[];
  /** The hyper-parameter that a schedule of the momentum replaces. */
  readonly cycled?: string;
  /** The state that is an average of the weights, to be evaluated in their place. */
  readonly average?: string;
  /** The state that is to hold an estimate of the Hessian's diagonal before each update. */
  readonly probes?: string;
  /** Whether the last layer of a net is solved for between updates, which only training can do: it is no rule of any function. */
  readonly solves?: boolean;
  /**
   * WGSL that makes of `g` and the state the direction, as `g`, whose matrices are made orthogonal before `update`: it is a rule of nets alone
   * too. What pieces do to the gradient comes before it.
   */
  readonly direction?: string;
  /** The hyper-parameters that are others for what is no such matrix. */
  beside?(h: Hyper): Numbers;
  /** Whether gradients are multiplied by the inverse Kronecker factors of their layers before the update: it is a rule of nets alone too. */
  readonly factors?: boolean;
}

/** Whether an update needs a gradient and nothing else of the net. */
export const needsGradientAlone = ({ probes, solves, factors }: Rule): boolean => probes === undefined && !solves && !factors;

/** Hyper-parameters that many rules have. */
export const learningRate = (lr: number) => number(lr, 'learning rate');
export const divisor = (value: number, range?: Range) => number(value, 'keeps the divisor from 0', range);

/** A choice that is off by itself; as a number 0 or 1, since configurations spell out hyper-parameters as numbers. */
export const toggle = (about: string): Defaulted<number> => ({
  ...flag(false, about),
  default: 0,
  read: v => (v === true || v === 1 ? 1 : v === false || v === 0 ? 0 : undefined),
});

/** Infers the name, and those of the hyper-parameters for the functions of them. */
export const rule = <H extends Rule['hyper'], N extends string>(
  r: Omit<Rule, 'name' | 'hyper' | 'values' | 'form' | 'pieces' | 'beside'> & {
    readonly name: N;
    readonly hyper: H;
    values?(h: ValuesOf<H>, t: number, lr: number): Numbers;
    form?(h: ValuesOf<H>): Form;
    pieces?(h: ValuesOf<H>): readonly Piece[];
    beside?(h: ValuesOf<H>): Numbers;
  },
): Rule & { readonly name: N } => r;

/** The rules of a module, each under its own name. */
export type ByName<M> = { readonly [K in keyof M as M[K] extends { readonly name: infer N extends string } ? N : never]: Rule };

/** The hyper-parameters of the rule `name`: those of `options`, else the defaults. An unknown name or a value out of range is an error. */
export const hyperParameters = <H extends HyperParameters>(
  name: string,
  hyper: H,
  options?: Readonly<Record<string, unknown>>,
): Values<H> => valuesOf(name, hyper, options, { kind: `hyper-parameter of ${name}` });
