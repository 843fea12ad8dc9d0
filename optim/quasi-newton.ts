/** L-BFGS and BFGS as they are asked for; minimiser.ts is what they do, which few runs load. */
import { check, kindOf } from '../engine/check.ts';
import { number, type Described } from '../engine/parameter.ts';
import { hyperParameters, learningRate, type Hyper, type Rule } from './rule.ts';

/** What a quasi-Newton method is called and takes. */
export interface Method extends Described {
  readonly name: 'lbfgs' | 'bfgs';
  readonly hyper: Rule['hyper'];
}

/** A quasi-Newton method with its hyper-parameters. */
export interface QuasiNewton {
  readonly name: Method['name'];
  readonly hyper: Hyper;
  /** weight / 2 times the squared length of the weights is added to the loss, with or without biases and normalisation parameters. */
  readonly l2?: { readonly weight: number; readonly biases: boolean };
}

const HYPER = {
  lr: learningRate(1),
  tolerance_grad: number(1e-7, 'ends below this slope'),
  tolerance_change: number(1e-9, 'ends below this change'),
};

/** Liu & Nocedal 1989, as torch.optim.LBFGS(line_search_fn='strong_wolfe', max_iter=1). */
export const lbfgs: Method = {
  name: 'lbfgs',
  about: 'Curvature from the last changes of the slope, and a line search. Stays with its first batch: take a large one.',
  formula: 'w ← w + t d;  d = −H∇f;  H from s = Δw, y = Δ∇f',
  hyper: { ...HYPER, history: number(10, 'pairs of changes that are kept') },
};

/** Nocedal & Wright, chapter 6: the dense inverse Hessian, in float64 on the host. */
export const bfgs: Method = {
  name: 'bfgs',
  about: 'As lbfgs with the whole matrix: for nets of at most 4,000 weights.',
  formula: 'H ← (I − ρ s yᵀ) H (I − ρ y sᵀ) + ρ s sᵀ',
  hyper: HYPER,
};

/** By name, as the command line and the page know them. */
export const quasiNewtonMethods: Readonly<Record<string, Method>> = { lbfgs, bfgs };

/** The quasi-Newton method with `options` in place of its defaults. */
export function quasiNewton(method: Method, options: Readonly<Record<string, unknown>> = {}): QuasiNewton {
  check(method?.hyper, `quasiNewton: ${kindOf(method)} is no method`, 'give one of quasiNewtonMethods, as quasiNewtonMethods.lbfgs');
  const { name, hyper } = method;
  return { name, hyper: hyperParameters(name, hyper, options) };
}
