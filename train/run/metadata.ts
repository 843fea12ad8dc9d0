/** What a safetensors file of weights says of itself, so that it can be evaluated and used alone: the keys of docs/checkpoints.md. */
import type { Dataset } from '../../datasets/dataset.ts';
import { check, DescentError } from '../../engine/check.ts';
import type { Moments } from '../data/statistics.ts';

/** What a file of weights says of itself, as far as it does. */
export interface WeightsFacts {
  /** As `descent train` calls it, or the file of a user's own. */
  readonly model?: string | undefined;
  readonly dataset?: string | undefined;
  readonly shape?: Dataset['shape'] | undefined;
  readonly classes?: readonly string[] | undefined;
  /** Of a regression, in place of classes, the names of the numbers that it predicts; and of the features of a table. */
  readonly outputs?: readonly string[] | undefined;
  readonly inputs?: readonly string[] | undefined;
  readonly dtype?: Dataset['dtype'] | undefined;
  readonly normalize?: string | undefined;
  /** The moments of the images that it was trained on. */
  readonly moments?: Moments | undefined;
  /** Pixels of the shorter side of pictures before the middle is cut out; without it as much as possible is shown. */
  readonly resize?: number | undefined;
}

/** What a fact is that stands as JSON, and whether a value is one. */
interface Fact {
  readonly about: string;
  readonly accepts: (value: unknown) => boolean;
}

const isList = (value: unknown, accepts: (item: unknown) => boolean): value is readonly unknown[] =>
  Array.isArray(value) && value.every(accepts);
const isSide = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;

const NAMES: Fact = { about: 'an array of names', accepts: v => isList(v, name => typeof name === 'string') && v.length > 0 };

const FACTS = {
  shape: { about: '[channels, height, width]', accepts: v => isList(v, isSide) && v.length === 3 },
  classes: NAMES,
  outputs: NAMES,
  inputs: NAMES,
  resize: { about: 'the pixels of the shorter side', accepts: isSide },
  moments: {
    about: '{"mean":[…],"std":[…]}, a number for each channel',
    accepts(v) {
      const { mean, std, image = [] } = Object(v) as Record<string, unknown>;
      return [mean, std, image].every(list => isList(list, Number.isFinite)) && (mean as []).length === (std as []).length;
    },
  },
} satisfies Record<string, Fact>;

/** Facts as the `__metadata__` of a file. */
export function metadataOf({
  model,
  dataset,
  shape,
  classes,
  outputs,
  inputs,
  dtype,
  normalize,
  moments,
  resize,
}: WeightsFacts): Record<string, string> {
  const json = (value: unknown) => value && JSON.stringify(value);
  const all = {
    format: 'pt',
    model,
    dataset,
    shape: json(shape),
    classes: outputs ? undefined : json(classes),
    outputs: json(outputs),
    inputs: json(inputs),
    dtype: dtype === 'uint8' ? undefined : dtype,
    normalize,
    moments: normalize === 'none' ? undefined : json(moments),
    resize: json(resize),
  };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** Which statistics batch norms have: those of all training images under these weights, or running ones where it is not said. */
export const statisticsIn = ({ statistics }: Readonly<Record<string, string>>): 'population' | undefined =>
  statistics === 'population' ? statistics : undefined;

/** The facts in the `__metadata__` of a file, which is called `file` in messages. Throws where one is not what it should be. */
export function factsIn(metadata: Readonly<Record<string, string>>, file: string): WeightsFacts {
  const { model, dataset, dtype, normalize } = metadata;
  check(
    dtype === undefined || dtype === 'uint8' || dtype === 'float32',
    `${file}: its dtype is '${dtype}'`,
    'this version knows uint8 and float32',
  );
  const parsed = Object.entries(FACTS).flatMap(([name, fact]) =>
    Object.hasOwn(metadata, name) ? [[name, parse(file, name, metadata[name]!, fact)]] : [],
  );
  return { model, dataset, dtype, normalize, ...(Object.fromEntries(parsed) as WeightsFacts) };
}

function parse(file: string, name: string, text: string, { about, accepts }: Fact): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DescentError(`${file}: its ${name} is not valid JSON`, 'fetch or write the file again');
  }
  check(accepts(value), `${file}: its ${name} is ${text.slice(0, 60)}`, `write ${about}`);
  return value;
}
