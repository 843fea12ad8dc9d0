/** Groups of parameters that move at other rates, or that weight decay pulls less: torch's param groups as factors by name. */
import type { Known } from '../engine/check.ts';
import type { Tensor } from '../engine/tensor.ts';

/** A factor that is 0 after so many epochs of the run. */
export interface Ending {
  readonly factor: number;
  readonly epochs: number;
}

/** Parameters of which something is multiplied by a factor, 1 for all others. */
export interface Factored {
  /** The factors that there are. */
  readonly factors: readonly (number | Ending)[];
  /** That of the parameter of a name: one of those, or 1. */
  readonly of: (name: string) => number | Ending;
}

/** What moves parameters in other ways than the optimizer says. */
export interface GroupOptions {
  /** Without it no weight decay acts on biases and the parameters of normalisation. */
  readonly decayBias?: boolean;
  /** Factors of the learning rate. */
  readonly lr?: Factored | undefined;
  /** Factors of weight decay of every kind. */
  readonly decay?: Factored | undefined;
  /** Epochs that are done before update number `t`, from 1, by which factors end; without it none ends. */
  readonly epochsBefore?: (t: number) => number;
}

/** All of them, for programs without types. */
export const GROUPS: Known<GroupOptions> = { decayBias: 'boolean', lr: true, decay: true, epochsBefore: true };

/** The factors of one group, and whether its parameters are the matrices that a rule makes orthogonal. */
export interface Group {
  readonly lr: number | Ending;
  readonly decay: number | Ending;
  readonly orthogonal: boolean;
}

export interface Groups {
  /** The first is that of parameters of which nothing is said. */
  readonly all: readonly Group[];
  /** The number of a parameter's group; `orthogonal` is whether it is such a matrix. */
  readonly of: (parameter: Tensor, orthogonal?: boolean) => number;
}

const NONE: Factored = { factors: [], of: () => 1 };

/** Whether a factor has come to its end when so many epochs are done. */
export const hasEnded = (given: number | Ending, done: number): boolean => typeof given === 'object' && done >= given.epochs;

/** What a factor is when so many epochs are done. */
export const factorAt = (given: number | Ending, done: number): number =>
  typeof given === 'number' ? given : hasEnded(given, done) ? 0 : given.factor;

/** All groups that may come up; `decays` is whether anything decays at all, `apart` whether orthogonal matrices are groups of their own. */
export function groupsOf({ decayBias = true, lr = NONE, decay = NONE }: GroupOptions, decays: boolean, apart = false): Groups {
  const distinct = (factors: Factored['factors']) => [...new Set([1, ...factors])];
  const decaying = distinct(decays ? [...decay.factors, ...(decayBias ? [] : [0])] : []);
  const kinds = apart ? [false, true] : [false];
  const all = distinct(lr.factors).flatMap(lr => decaying.flatMap(decay => kinds.map(orthogonal => ({ lr, decay, orthogonal }))));
  const of = ({ name, isMatrix }: Tensor, orthogonal = false) => {
    const share = !decays ? 1 : decayBias || isMatrix ? decay.of(name) : 0;
    return all.findIndex(group => group.lr === lr.of(name) && group.decay === share && group.orthogonal === orthogonal);
  };
  return { all, of };
}
