/** A run as it is written: by field, from texts or from the JSON of an earlier run. */
import { check, named } from '../../engine/check.ts';
import type { Option } from './option.ts';
import { KEYS, optionOf, type Key, type OPTIONS } from './options.ts';

type Options = typeof OPTIONS;
type Value<O> = O extends Option<infer T> ? T : never;
type Filled = { [K in Key as undefined extends Options[K]['default'] ? never : K]: Value<Options[K]> };
type Empty = { [K in Key as undefined extends Options[K]['default'] ? K : never]?: Value<Options[K]> };

/**
 * All that decides a run's numbers besides adapter and build: the values of OPTIONS, absent where nothing is asked for. Flat, so that it is
 * legible as JSON, as flags and in an address; what its specs (`adam:beta1=0.8`) stand for is in recipe.ts.
 */
export interface RunConfig extends Filled, Empty {
  model: string;
}

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

function build(model: string, value: (key: Key) => RunConfig[Key]): RunConfig {
  const entries = KEYS.map(key => [key, value(key) ?? optionOf(key).default] as const).filter(e => e[1] !== undefined);
  return { model, ...Object.fromEntries(entries) } as RunConfig;
}
