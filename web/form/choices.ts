/** What can be named in a spec, and the options that each name takes: what the command line knows, for a chooser. */
import { needed, type Parameters, type Scalar } from '../../engine/parameter.ts';
import { COUNT } from '../../engine/range.ts';
import { models } from '../../models/index.ts';
import { optimizers } from '../../optim/index.ts';
import { optionsOf } from '../../optim/schedule.ts';
import { schedules } from '../../optim/schedules.ts';
import { AUGMENTATIONS } from '../../train/config/augment.ts';
import { capital } from '../views/dom.ts';
import type { Hint } from './field.ts';

/** Where in a list of specs one stands. */
export interface Place {
  readonly index: number;
  readonly last: boolean;
}
/** The names of one field of the form. */
export interface Choice {
  readonly names: readonly string[];
  readonly explain: (name: string) => Hint;
  readonly options: (name: string, place: Place) => Parameters;
  /** The option that a bare value sets, as the size in `cutout:16`, and what it then is. */
  readonly bare?: (name: string, value: Scalar) => readonly [key: string, value: Scalar];
  /** What stands for no spec at all; without it there is always one. */
  readonly none?: string;
  /** Says that another can follow; without it there is one at most. */
  readonly another?: string;
}

const EPOCHS = needed(1, 'epochs until the next optimizer', COUNT);

export const optimizing: Choice = {
  names: Object.keys(optimizers),
  explain: name => optimizers[name]!,
  another: 'Then another optimizer',
  options(name, { index, last }) {
    const { lr, ...others } = optimizers[name]!.hyper;
    return { ...(!last && { epochs: EPOCHS }), ...(index > 0 && { lr }), ...others }; // the first one's rate has its own field
  },
};

export const scheduling: Choice = {
  names: Object.keys(schedules),
  explain: name => schedules[name]!,
  none: 'none: a constant rate',
  options: name => optionsOf(schedules[name]!),
};

const augmentations: Readonly<Record<string, (typeof AUGMENTATIONS)[keyof typeof AUGMENTATIONS]>> = AUGMENTATIONS;

export const augmenting: Choice = {
  names: Object.keys(augmentations),
  explain: name => augmentations[name]!,
  none: 'none',
  another: 'Add an augmentation',
  bare: (name, value) => [augmentations[name]!.value, value],
  options: name => augmentations[name]!.options,
};

export const modelling: Choice = {
  names: Object.keys(models),
  explain: name => ({ about: `${capital(models[name]!.about ?? name)}.` }),
  bare: (_, value) => [String(value), true],
  options: name => models[name]!.options ?? {},
};
