/** What can be named in a spec, and the options that each name takes: from the catalogues that the command line uses. */
import type { Range } from '../../engine/range.ts';
import { models } from '../../models/index.ts';
import { rules } from '../../optim/index.ts';
import { quasiNewton } from '../../optim/quasi-newton.ts';
import { schedules } from '../../optim/schedules.ts';
import { FILLS } from '../../shaders/images/augment.ts';
import { AUGMENTATIONS } from '../../train/config/augment.ts';
import type { Scalar } from '../../train/config/spec.ts';
import { explainAugmentation, explainKnob, explainModel, explainOptimizer, explainSchedule, type Explained } from './catalogue.ts';

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

/** A knob whose explanation may be the catalogue's. */
type KnobFacts = Omit<Knob, 'about'> & { readonly about?: string };
const knobs = (entries: readonly (readonly [string, KnobFacts])[]): Record<string, Knob> =>
  Object.fromEntries(entries.map(([key, knob]) => [key, { about: explainKnob(key), ...knob }]));

/** The hyper-parameters of an optimizer with their defaults. */
export const hyperOf = (name: string): Readonly<Record<string, number>> => rules[name]?.defaults ?? quasiNewton[name]?.().hyper ?? {};
export const OPTIMIZER_NAMES: readonly string[] = [...Object.keys(rules), ...Object.keys(quasiNewton)];

export const optimizers: Choice = {
  names: OPTIMIZER_NAMES,
  explain: explainOptimizer,
  another: 'Then another optimizer',
  options(name, { index, last }) {
    const own = Object.entries(hyperOf(name)).filter(([key]) => key !== 'lr' || index > 0); // the first one's rate has its own field
    return knobs([
      ...(last ? [] : [['epochs', { default: '', needed: 1 }] as const]),
      ...own.map(([key, value]) => [key, { default: value }] as const),
    ]);
  },
};

/** Starting values where a schedule has none, as its error message proposes them. */
const NEEDED: Readonly<Record<string, Scalar>> = { milestones: '1000/2000', max_lr: 0.1, k: 1e-3 };
const absent = (value: Scalar): boolean => Number.isNaN(value) || value === '';

export const scheduling: Choice = {
  names: Object.keys(schedules),
  explain: explainSchedule,
  none: 'none: a constant rate',
  options(name) {
    const own = schedules[name]?.options as Record<string, Scalar>;
    return knobs(
      Object.entries({ ...own, warmup: 0, warmup_from: 0 }).map(([key, value]) => [
        key,
        {
          ...(absent(value) ? { default: '', needed: NEEDED[key] ?? 500 } : { default: value }),
          ...(key === 'anneal' && { choices: ['cos', 'linear'] }),
        },
      ]),
    );
  },
};

export const augmenting: Choice = {
  names: Object.keys(AUGMENTATIONS),
  explain: explainAugmentation,
  none: 'none',
  another: 'Add an augmentation',
  bare: (name, value) => [AUGMENTATIONS[name as keyof typeof AUGMENTATIONS].value, value],
  options(name) {
    const { options, fill } = AUGMENTATIONS[name as keyof typeof AUGMENTATIONS];
    const own = Object.entries(options).map(([key, o]): [string, KnobFacts] =>
      o.boolean ? [key, { default: Boolean(o.default) }] : [key, { default: o.default, ...(o.range && { about: rangeText(o.range) }) }],
    );
    if (fill === undefined) return knobs(own);
    const choices = name === 'cutout' ? ['zero', 'mean'] : FILLS;
    return knobs([...own, ['fill', { default: fill === 0 ? 'zero' : String(fill), choices }]]);
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
  options: name =>
    knobs(
      Object.entries(models[name]?.options ?? {}).map(([key, o]) => [
        key,
        {
          default: Array.isArray(o.default) ? o.default.join('-') : (o.default as Scalar),
          about: explainKnob(key) || o.accepts,
          ...(o.choices && { choices: o.choices }),
        },
      ]),
    ),
};
