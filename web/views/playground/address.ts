/** What the playground is set to, and the address that says so. */
import { check, say, type Message } from '../../../engine/check.ts';
import { choice, flag, number, type Defaulted, type Parameter } from '../../../engine/parameter.ts';
import { parseScalar } from '../../../engine/spec.ts';
import { models } from '../../../models/index.ts';
import { optimizers, rules } from '../../../optim/index.ts';
import { quasiNewtonMethods } from '../../../optim/quasi-newton.ts';
import { FEATURE_NAMES, FEATURES, type FeatureName } from './features.ts';
import { asClasses, readPoints, writePoints } from './points.ts';
import { PROBLEMS, type Point } from './problems.ts';

/** Most hidden layers, and units of one. */
export const [LAYERS, UNITS] = [6, 12];
/** Those that need nothing of the net but its gradients. */
export const OPTIMIZERS = Object.keys(optimizers).filter(name => Object.hasOwn(rules, name) || Object.hasOwn(quasiNewtonMethods, name));

/** The learning rate of an optimizer for a few points. */
export const rateOf = (name: string): number => rules[name]?.rates?.points ?? optimizers[name]!.hyper.lr.default;

/** Texts of an address that are read by themselves. */
interface Written<T> extends Defaulted<T> {
  readonly write: (value: T) => string;
}
const plain = <T extends number | string | boolean>(parameter: Defaulted<T>): Written<T> => ({ ...parameter, write: String });

const features: Written<readonly FeatureName[]> = {
  default: ['x', 'y'],
  example: 'x-y',
  about: 'What the net is given of a point.',
  accepts: `one or more of ${FEATURE_NAMES.join(', ')}, with - between them`,
  read(v) {
    const names = String(v).split('-');
    return names.every(name => Object.hasOwn(FEATURES, name)) ? FEATURE_NAMES.filter(name => names.includes(name)) : undefined;
  },
  write: names => names.join('-'),
};
const hidden: Written<readonly number[]> = {
  default: [4, 2],
  example: '4-2',
  about: 'Units of each hidden layer.',
  accepts: `sizes as 4-2, at most ${LAYERS} of 1 to ${UNITS} units, or none`,
  read(v) {
    if (v === 'none') return [];
    const sizes = String(v).split('-').map(Number);
    return sizes.length <= LAYERS && sizes.every(n => Number.isInteger(n) && n >= 1 && n <= UNITS) ? sizes : undefined;
  },
  write: sizes => sizes.join('-') || 'none',
};
const points: Written<readonly Point[]> = {
  default: [],
  example: '',
  about: 'Points of your own.',
  accepts: 'what this page has written into a link',
  read: v => readPoints(String(v)),
  write: writePoints,
};

export const SETTINGS = {
  problem: plain(choice('circles', Object.keys(PROBLEMS), 'What is to be learnt.')),
  noise: plain(number(0.25, 'Deviation by which points are moved.', { min: 0, max: 2 })),
  test: plain(number(50, 'Percent of the points that are held out.', { integer: true, min: 0, max: 90 })),
  seed: plain(number(0, 'Decides points and first weights.', { integer: true, min: 0, max: 2 ** 31 - 1 })),
  features,
  hidden,
  activation: plain(choice('tanh', models.mlp!.options!.activation!.choices! as readonly string[], 'What each unit does to its sum.')),
  optimizer: plain(choice('adam', OPTIMIZERS, 'How weights move.')),
  lr: plain(number(rateOf('adam'), 'Length of a step.', { above: 0, max: 1000 })),
  batchSize: plain(number(10, 'Points a step.', { integer: true, min: 1, max: 100 })),
  penalty: plain(choice('none', ['none', 'l1', 'l2'], 'L1 makes weights 0, L2 keeps them small.')),
  penaltyRate: plain(number(0.001, 'How strongly it pulls.', { min: 0, max: 10 })),
  showTest: plain(flag(false, 'Shows the points that are held out.')),
  discrete: plain(flag(false, 'Shows the answer without how sure it is.')),
  points,
} as const satisfies Readonly<Record<string, Written<any>>>;

export type Key = keyof typeof SETTINGS;
export type Settings = { readonly [K in Key]: (typeof SETTINGS)[K] extends Parameter<infer T> ? T : never };

export const DEFAULTS = Object.fromEntries(Object.entries(SETTINGS).map(([key, { default: usual }]) => [key, usual])) as Settings;

/** A text as the value of a setting; `who` is its name. */
export function readSetting<K extends Key>(key: K, text: string, who: Message = key): Settings[K] {
  const { read, accepts }: Written<any> = SETTINGS[key];
  const isList = key === 'features' || key === 'hidden' || key === 'points';
  const value: Settings[K] | undefined = read(isList ? text : parseScalar(text.trim()));
  check(value !== undefined, say`${who}: '${text.length > 40 ? `${text.slice(0, 40)}…` : text}' is not accepted`, `give ${accepts}`);
  return value;
}

/** The settings that an address says, the others by default. Throws where it says what is none of them. */
export function readAddress(address: Readonly<Record<string, string | undefined>>): Settings {
  const given = Object.entries(address).flatMap(([key, text]) => {
    check(Object.hasOwn(SETTINGS, key), `${key}: is no setting of the playground`, `it has ${Object.keys(SETTINGS).join(', ')}`);
    return text === undefined ? [] : [[key, readSetting(key as Key, text)] as const];
  });
  const said = { ...DEFAULTS, ...(Object.fromEntries(given) as Partial<Settings>) };
  const settings = said.problem === 'own-classes' ? { ...said, points: asClasses(said.points) } : said;
  return address.optimizer !== undefined && address.lr === undefined ? { ...settings, lr: rateOf(settings.optimizer) } : settings;
}

/** What of the settings is not as it is by default. */
export function writeAddress(settings: Settings): Record<string, string> {
  const usual: Settings = { ...DEFAULTS, lr: rateOf(settings.optimizer) };
  const written = (Object.keys(SETTINGS) as Key[]).flatMap(key => {
    const { write } = SETTINGS[key] as Written<unknown>;
    const text = write(settings[key]);
    return text === write(usual[key]) ? [] : [[key, text] as const];
  });
  return Object.fromEntries(written);
}
