/** A run as it is written: by field, from texts or from the JSON of an earlier run. */
import { check, named, say } from '../../engine/check.ts';
import { formatSpec, parseScalar, parseSpecs } from '../../engine/spec.ts';
import { changesIn, formatChanges, type ChangedValues } from './changes.ts';
import { KEYS, optionOf, type Key, type OPTIONS } from './options.ts';

/** What the text of an option of this type becomes: a number, a text, true or false. */
export type OptionValue<O> = O extends { readonly type: { readonly parse: (...given: never[]) => infer T } } ? T : never;

/**
 * All that decides a run's numbers besides adapter and build: the values of OPTIONS, absent where nothing is asked for. Flat, so that it is
 * legible as JSON, as flags and in an address; what its specs (`adam:beta1=0.8`) stand for is in recipe.ts.
 */
export type RunConfig = { model: string } & {
  [K in keyof typeof OPTIONS as undefined extends (typeof OPTIONS)[K]['default'] ? never : K]: OptionValue<(typeof OPTIONS)[K]>;
} & { [K in keyof typeof OPTIONS as undefined extends (typeof OPTIONS)[K]['default'] ? K : never]?: OptionValue<(typeof OPTIONS)[K]> };

/** A checked configuration from texts by field name; a field that is absent takes its default. */
export function parseConfig(model: string, given: Readonly<Partial<Record<Key, string | boolean>>>): RunConfig {
  return build(model, key => (given[key] === undefined ? undefined : optionOf(key).type.parse(named(key), String(given[key]))));
}

/** A checked configuration from the JSON of an earlier one; `file` is its name in messages. Fields unknown here are passed over. */
export function configFromJson(json: unknown, file: string): RunConfig {
  check(
    typeof json === 'object' && json !== null && typeof (json as RunConfig).model === 'string',
    `${file}: no model is named`,
    'it is not the config.json of a run',
  );
  const fields = json as Partial<Record<Key, unknown>> & { model: string };
  return build(fields.model, key => {
    const value = fields[key];
    if (value === undefined) return undefined;
    check(
      ['number', 'boolean', 'string'].includes(typeof value),
      `${file}: ${key} is ${JSON.stringify(value)}`,
      'give a number, a text, true or false',
    );
    return optionOf(key).type.parse(`${file}: ${key}`, String(value));
  });
}

/** What a configuration says of how its data set is read. */
export const readingOf = (config: Pick<RunConfig, (typeof READING)[number]>): Pick<RunConfig, (typeof READING)[number]> =>
  Object.fromEntries(READING.map(key => [key, config[key]])) as Pick<RunConfig, (typeof READING)[number]>;

const READING = ['limitTrain', 'limitTest', 'imageSize', 'resize', 'skipBroken', 'ignoreLabel', 'target'] as const;

/** What is of folders of images alone. */
const OF_FOLDERS = ['imageSize', 'resize', 'skipBroken', 'ignoreLabel'] as const;

/** Throws where what is of a folder of images is asked of a data set that is none. */
export function checkNoFolder(config: RunConfig): void {
  const key = OF_FOLDERS.find(key => config[key] !== optionOf(key).default);
  if (key) check(false, say`${named(key)}: is of a folder of images, and ${config.dataset} is none`, 'leave it out');
}

/** What a new run of images of one's own has where nothing else is asked for; runs of before went without. */
export const ofOwnImages = (config: RunConfig): RunConfig => ({ ...config, stratify: config.stratify ?? 'class' });

/** A configuration of an earlier version with the defaults of options that it did not have. */
export const completed = (config: RunConfig): RunConfig => build(config.model, key => config[key]);

/** The configuration by which the steps from number `step` + 1 on go: that of the run with its changes up to there, and with none itself. */
export const configAfter = ({ changes, ...config }: RunConfig, step: number): RunConfig =>
  changesIn({ changes })
    .filter(({ after }) => after <= step)
    .reduce<RunConfig>((made, { values }) => changed(made, values), config);

function changed(config: RunConfig, values: ChangedValues): RunConfig {
  const { lr, weightDecay, augment, ...hyper } = values;
  const [first, ...others] = parseSpecs(named('optimizer'), config.optimizer);
  const decay = weightDecay !== undefined && 'weight_decay' in first!.options && { weight_decay: Number(weightDecay) }; // spelt out in a run
  const scalars = Object.fromEntries(Object.entries(hyper).map(([key, text]) => [key, parseScalar(text)]));
  const optimizer = [{ ...first!, options: { ...first!.options, ...decay, ...scalars } }, ...others].map(formatSpec).join(',');
  return {
    ...config,
    optimizer,
    ...(lr !== undefined && { lr: Number(lr) }),
    ...(weightDecay !== undefined && { weightDecay: Number(weightDecay) }),
    ...(augment !== undefined && { augment: augment === 'none' ? undefined : augment }),
  };
}

/**
 * The configuration of a run that is otherwise from step number `after` + 1 on. What is there already is no change; and one at a step where
 * another was made is one with it, so that changing back leaves none.
 */
export function withChange(config: RunConfig, after: number, values: ChangedValues): RunConfig {
  const all = changesIn(config);
  const before = { ...config, changes: formatChanges(all.filter(change => change.after < after)) };
  const was = configAfter(before, after);
  const wanted = { ...all.find(change => change.after === after)?.values, ...values };
  const isOther = ([key, text]: [string, string]) => {
    const becomes = changed(was, { [key]: text });
    return (['optimizer', 'lr', 'weightDecay', 'augment'] as const).some(field => becomes[field] !== was[field]);
  };
  const left = Object.entries(wanted).filter(isOther);
  const own = left.length ? [{ after, values: Object.fromEntries(left) }] : [];
  const changes = [...changesIn(before), ...own, ...all.filter(change => change.after > after)];
  return { ...config, changes: formatChanges(changes) };
}

function build(model: string, value: (key: Key) => RunConfig[Key]): RunConfig {
  const entries = KEYS.map(key => [key, value(key) ?? optionOf(key).default] as const).filter(e => e[1] !== undefined);
  return { model, ...Object.fromEntries(entries) } as RunConfig;
}
