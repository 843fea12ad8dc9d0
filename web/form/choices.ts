/** What can be named in a spec, and the options that each name takes: from the catalogues that the command line uses. */
import type { Range } from '../../engine/range.ts';
import { models } from '../../models/index.ts';
import type { Option } from '../../models/model.ts';
import { optimizers } from '../../optim/index.ts';
import type { Described, Parameter } from '../../optim/parameter.ts';
import { optionsOf } from '../../optim/schedule.ts';
import { schedules } from '../../optim/schedules.ts';
import { FILLS } from '../../shaders/images/transform.ts';
import { AUGMENTATIONS } from '../../train/config/augment.ts';
import type { Scalar } from '../../train/config/spec.ts';
import { explainAugmentation, explainModel, explainModelOption, type Explained } from './catalogue.ts';

/** One option of a spec. */
export interface Knob {
  readonly default: Scalar;
  readonly about: string;
  /** Names that it may take; without them a number or a text. */
  readonly choices?: readonly string[];
  /** It has no default, and begins as this. */
  readonly needed?: Scalar;
}
/** Where in a list of specs one stands. */
export interface Place {
  readonly index: number;
  readonly last: boolean;
}
/** The names of one field of the form. */
export interface Choice {
  readonly names: readonly string[];
  readonly explain: (name: string) => Explained;
  readonly options: (name: string, place: Place) => Readonly<Record<string, Knob>>;
  /** The option that a bare value sets, as the size in `cutout:16`, and what it then is. */
  readonly bare?: (name: string, value: Scalar) => readonly [key: string, value: Scalar];
  /** What stands for no spec at all; without it there is always one. */
  readonly none?: string;
  /** Says that another can follow; without it there is one at most. */
  readonly another?: string;
}

/** A parameter of a rule or a schedule in a form. */
const knobOf = ({ default: value, example, about, choices }: Parameter): Knob => ({
  ...(value === undefined ? { default: '', needed: example! } : { default: value }),
  about,
  ...(choices && { choices }),
});
const knobsOf = (parameters: readonly (readonly [string, Parameter])[]): Record<string, Knob> =>
  Object.fromEntries(parameters.map(([key, parameter]) => [key, knobOf(parameter)]));

const explained = ({ about, formula }: Described): Explained => ({ text: about, formula });

export const optimizing: Choice = {
  names: Object.keys(optimizers),
  explain: name => explained(optimizers[name]!),
  another: 'Then another optimizer',
  options(name, { index, last }) {
    const own = Object.entries(optimizers[name]!.hyper).filter(([key]) => key !== 'lr' || index > 0); // the first one's rate has its own field
    const epochs: Knob = { default: '', needed: 1, about: 'epochs until the next optimizer' };
    return { ...(!last && { epochs }), ...knobsOf(own) };
  },
};

export const scheduling: Choice = {
  names: Object.keys(schedules),
  explain: name => explained(schedules[name]!),
  none: 'none: a constant rate',
  options: name => knobsOf(Object.entries(optionsOf(schedules[name]!))),
};

export const augmenting: Choice = {
  names: Object.keys(AUGMENTATIONS),
  explain: explainAugmentation,
  none: 'none',
  another: 'Add an augmentation',
  bare: (name, value) => [AUGMENTATIONS[name as keyof typeof AUGMENTATIONS].value, value],
  options(name) {
    const { options, fill } = AUGMENTATIONS[name as keyof typeof AUGMENTATIONS];
    const own = Object.entries(options).map(([key, o]): [string, Knob] => [
      key,
      { default: o.boolean ? Boolean(o.default) : o.default, about: o.range ? rangeText(o.range) : '' },
    ]);
    const choices = name === 'cutout' ? ['zero', 'mean'] : FILLS;
    const filled: Knob = { default: fill ? String(fill) : 'zero', about: 'what lies beyond the border, or covers', choices };
    return { ...Object.fromEntries(own), ...(fill !== undefined && { fill: filled }) };
  },
};

/** A range in words: `whole, from 1 to 9`. */
function rangeText({ integer, min, max, above, below }: Range): string {
  const low = above === undefined ? `from ${min ?? '−∞'}` : `above ${above}`;
  const high = max !== undefined ? ` to ${max}` : below !== undefined ? ` to below ${below}` : '';
  return `${integer ? 'whole, ' : ''}${low}${high}`;
}

export const modelling: Choice = {
  names: Object.keys(models),
  explain: explainModel,
  bare: (_, value) => [String(value), true],
  options: name => Object.fromEntries(Object.entries(models[name]?.options ?? {}).map(([key, option]) => [key, modelKnob(key, option)])),
};

const modelKnob = (key: string, { default: value, accepts, choices }: Option<unknown>): Knob => ({
  default: Array.isArray(value) ? value.join('-') : (value as Scalar),
  about: explainModelOption(key) || accepts,
  ...(choices && { choices }),
});
