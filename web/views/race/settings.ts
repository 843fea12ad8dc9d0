/** What a race is set to, and the address that says so: racers as the command line writes optimizers. */
import { check } from '../../../engine/check.ts';
import { choice, flag, number, valuesOf, type Defaulted } from '../../../engine/parameter.ts';
import { formatSpec, parseScalar, parseSpecs } from '../../../engine/spec.ts';
import { rules } from '../../../optim/index.ts';
import { needsGradientAlone } from '../../../optim/rule.ts';
import { landscapes, type Point } from '../../../train/study/descent/landscapes.ts';
import type { Land } from './land.ts';

/** Rules that move on slopes alone; others need a whole net. */
export const RULES = Object.values(rules)
  .filter(needsGradientAlone)
  .map(r => r.name);

/** A rule, and the hyper-parameters that are not as the landscape or the rule has them. */
export interface Racer {
  readonly rule: string;
  readonly hyper: Readonly<Record<string, number>>;
}

/** The hyper-parameter that says how much of the last step goes on, where a rule has one. */
export const momentumOf = (rule: string): string | undefined => ['momentum', 'beta1'].find(name => Object.hasOwn(rules[rule]!.hyper, name));

/** The rate of a rule that divides by the size of the slope, as a length in the plane. */
const LENGTH = 0.05;
/** The learning rate of a rule in a landscape; those for nets are far too small here. */
export function rateOf(rule: string, land: Land): number {
  const { bySlope, byLength = LENGTH } = rules[rule]!.rates ?? {};
  return Number((bySlope === undefined ? byLength * land.length : land.rate * bySlope).toPrecision(6));
}

const span: Defaulted<Land['x']> = {
  default: [-3, 3],
  example: '-3..3',
  about: '',
  accepts: 'two numbers, the smaller one first, as -3..3',
  read(v) {
    const [from, to, ...more] = String(v).split('..').map(Number) as [number, number?, ...number[]];
    return !more.length && Number.isFinite(from) && Number.isFinite(to) && from < to! ? [from, to!] : undefined;
  },
};
const start: Defaulted<Point | undefined> = {
  default: undefined,
  example: '1,2',
  about: '',
  accepts: 'two numbers, as 1,2',
  read(v) {
    const at = String(v).split(',').map(Number);
    return at.length === 2 && at.every(Number.isFinite) ? (at as [number, number]) : undefined;
  },
};
const racers: Defaulted<readonly Racer[]> = {
  default: ['sgd', 'momentum', 'nesterov', 'adagrad', 'rmsprop', 'adam', 'adadelta'].map(rule => ({ rule, hyper: {} })),
  example: 'sgd,adam:lr=0.1',
  about: '',
  accepts: `optimizers with their options, as sgd,adam:lr=0.1; known: ${RULES.join(', ')}`,
  read(v) {
    if (v === 'none') return [];
    const specs = parseSpecs('racers', String(v));
    if (specs.some(({ name }) => !RULES.includes(name))) return undefined;
    return specs.map(({ name, options }) => {
      valuesOf(name, rules[name]!.hyper, options); // throws where it does not take them
      return { rule: name, hyper: options as Readonly<Record<string, number>> };
    });
  },
};

export const SETTINGS = {
  land: choice('beale', [...Object.keys(landscapes), 'own'], 'What is gone down.'),
  f: { default: 'x^4/4 - x^2 + x/4 + y^2/2 + sin(3*y)/2', example: '', about: '', accepts: 'a formula', read: String } as Defaulted<string>,
  x: span,
  y: span,
  start,
  racers,
  times: number(1, 'All learning rates times this.', { min: 0.001, max: 1000 }),
  linear: flag(false),
} as const satisfies Readonly<Record<string, Defaulted<any>>>;

type Key = keyof typeof SETTINGS;
export type Settings = { readonly [K in Key]: (typeof SETTINGS)[K] extends Defaulted<infer T> ? T : never };
export const DEFAULTS = Object.fromEntries(Object.entries(SETTINGS).map(([key, { default: usual }]) => [key, usual])) as Settings;

const WRITE: { readonly [K in Key]: (value: Settings[K]) => string } = {
  land: String,
  f: String,
  x: ([from, to]) => `${from}..${to}`,
  y: ([from, to]) => `${from}..${to}`,
  start: at => at?.map(v => Number(v.toPrecision(6))).join(',') ?? '',
  racers: all => all.map(({ rule, hyper }) => formatSpec({ name: rule, options: hyper })).join(',') || 'none',
  times: v => String(Number(v.toPrecision(4))),
  linear: String,
};

/** A text as the value of a setting; `who` is its name. */
export function readSetting<K extends Key>(key: K, text: string, who: string = key): Settings[K] {
  const { read, accepts } = SETTINGS[key] as Defaulted<any>;
  const value: Settings[K] | undefined = read(key === 'times' || key === 'linear' ? parseScalar(text.trim()) : text.trim());
  check(value !== undefined, `${who}: '${text}' is not accepted`, `give ${accepts}`);
  return value;
}
export const writeSetting = <K extends Key>(key: K, value: Settings[K]): string => WRITE[key](value);

/** The settings that an address says, the others by default. Throws where it says what is none of them. */
export function readAddress(address: Readonly<Record<string, string | undefined>>): Settings {
  const given = Object.entries(address).map(([key, text = '']) => {
    check(Object.hasOwn(SETTINGS, key), `${key}: is no setting of the race`, `it has ${Object.keys(SETTINGS).join(', ')}`);
    return [key, readSetting(key as Key, text)] as const;
  });
  return { ...DEFAULTS, ...(Object.fromEntries(given) as Partial<Settings>) };
}

/** What of the settings is not as it is by default; a function of one's own with the part of the plane that it is shown in. */
export function writeAddress(settings: Settings): Record<string, string> {
  const keys = (Object.keys(SETTINGS) as Key[]).filter(key => settings.land === 'own' || !['f', 'x', 'y'].includes(key));
  const written = keys.map(key => [key, writeSetting(key, settings[key]), writeSetting(key, DEFAULTS[key])] as const);
  return Object.fromEntries(
    written
      .filter(([key, text, usual]) => text !== usual || key === (settings.land === 'own' ? 'f' : ''))
      .map(([key, text]) => [key, text]),
  );
}
