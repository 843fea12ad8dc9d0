/** The configurations of a search, from texts: a grid of values, or random draws. */
import { check, DescentError, named, say, suggestion } from '../../engine/check.ts';
import { netRules } from '../../optim/index.ts';
import { schedules } from '../../optim/schedules.ts';
import { STREAMS, uniforms } from '../../shaders/kernel/random.ts';
import { parseConfig, type RunConfig } from './config.ts';
import { KEYS, optionOf, OPTIONS, type Key } from './options.ts';
import { formatSpec, parseNumber, parseScalar, parseSpec } from '../../engine/spec.ts';

/** Texts by field, as parseConfig takes them, and the model's spec. */
export type Texts = Readonly<Record<string, string | boolean | undefined>> & { readonly model: string };

/** One `--grid key=...`: the values to try, or the ends of a range to draw from. */
export interface SearchAxis {
  readonly key: string;
  readonly values: readonly string[];
  readonly range?: readonly [low: number, high: number, whole: boolean];
}

/** What one run of a search changes: texts by the axes' keys. */
export type Choice = Readonly<Record<string, string>>;

const GRID = named('grid');

const dashed = (key: string) => key.replace(/[A-Z]/g, c => `-${c.toLowerCase()}`);
/** Options by what an axis may call them. */
const FIELDS: Readonly<Record<string, Key | 'model'>> = {
  model: 'model',
  ...Object.fromEntries(
    KEYS.flatMap(key => [
      [dashed(key), key],
      [key, key],
    ]),
  ),
};

/** Hyper-parameters of any optimizer, but for those that are options of their own. */
const HYPER = new Set(Object.values(netRules).flatMap(rule => Object.keys(rule.hyper)));
for (const option of ['lr', 'weight_decay']) HYPER.delete(option);

/** Axes that reach into a spec: `schedule.warmup`, `model.hidden`. */
const NESTED = /^(optimizer|schedule|model|augment)\.([\w-]+)$/;

/**
 * `lr=0.01,0.1`, `optimizer=sgd,adam:beta1=0.8,eps=1e-6`, `augment=none|crop,flip` (| where values hold commas), or a range to draw from,
 * `lr=1e-4..1e-1`.
 */
export function parseAxis(text: string): SearchAxis {
  const at = text.indexOf('=');
  const key = text.slice(0, at).trim();
  const list = text.slice(at + 1).trim();
  check(at > 0, say`${GRID}: '${text}' is not key=value,value`, 'write it as lr=0.01,0.1');
  checkKey(key);
  check(list, say`${GRID} ${key}: no values follow`, `write it as ${key}=value,value`);
  const ends = /^([^.,|]+(?:\.\d[^.,|]*)?)\.\.([^,|]+)$/.exec(list);
  if (ends) {
    const low = parseNumber(say`${GRID} ${key}`, ends[1]!);
    const high = parseNumber(say`${GRID} ${key}`, ends[2]!, { above: low });
    return { key, values: [], range: [low, high, [ends[1]!, ends[2]!].every(e => /^\d+$/.test(e))] };
  }
  const values = list.includes('|') ? list.split('|').map(v => v.trim()) : splitAtCommas(list);
  check(values.every(Boolean), say`${GRID} ${key}: '${list}' has an empty value`, `write it as ${key}=value,value`);
  const twice = values.find((v, i) => values.indexOf(v) !== i);
  check(twice === undefined, say`${GRID} ${key}: ${twice} is given twice`, 'give it once');
  return { key, values };
}

/** `sgd,adam:beta1=0.8,eps=1e-6` are two values: a hyper-parameter stays with the name before it. */
function splitAtCommas(list: string): string[] {
  const values: string[] = [];
  for (const part of list.split(',').map(p => p.trim())) {
    if (values.length && /^[\w-]+\s*=/.test(part)) values[values.length - 1] += `,${part}`;
    else values.push(part);
  }
  return values;
}

function checkKey(key: string): void {
  if (Object.hasOwn(FIELDS, key) || HYPER.has(key) || NESTED.test(key)) return;
  const known = [...new Set(Object.values(FIELDS).map(dashed)), ...HYPER];
  throw new DescentError(
    say`${GRID}: unknown key '${key}'`,
    `${suggestion(key, known)}known: ${known.join(', ')}, and optimizer.<name>, schedule.<name>, model.<name> for what belongs to those`,
  );
}

/** All combinations, the last axis fastest; with `random` that many draws, all different, the same for the same seed. */
export function choices(axes: readonly SearchAxis[], { random, seed = 0 }: { random?: number; seed?: number } = {}): Choice[] {
  check(axes.length, say`${GRID}: nothing to search is named`, say`give ${named('grid', 'lr=0.01,0.1')}, as often as there are keys`);
  const twice = axes.find((a, i) => axes.findIndex(b => b.key === a.key) !== i);
  check(!twice, say`${GRID}: ${twice?.key} is given twice`, say`write all its values in one ${GRID}`);
  const ranged = axes.find(a => a.range);
  check(
    random !== undefined || !ranged,
    say`${GRID} ${ranged?.key}: a range is drawn from at random`,
    say`add ${named('random', '<n>')}`,
    'list values',
  );
  const all = (): Choice[] =>
    axes.reduce<Choice[]>((out, { key, values }) => out.flatMap(c => values.map(v => ({ ...c, [key]: v }))), [{}]);
  if (random === undefined) return all();
  if (!ranged && axes.reduce((n, a) => n * a.values.length, 1) <= random) return all();
  const next = uniforms(seed, STREAMS.split, 0x5eec);
  const out = new Map<string, Choice>();
  for (let tries = 0; out.size < random && tries < 100 * random; tries++) {
    const choice = Object.fromEntries(
      axes.map(a => [a.key, a.range ? draw(a.range, next()) : a.values[Math.floor(next() * a.values.length)]!]),
    );
    out.set(JSON.stringify(choice), choice);
  }
  return [...out.values()];
}

/** A value of a range by a uniform number: evenly over the orders of magnitude where the range spans one. */
function draw([low, high, whole]: NonNullable<SearchAxis['range']>, u: number): string {
  if (whole) return String(low + Math.floor(u * (high - low + 1)));
  const value = low > 0 && high >= 10 * low ? low * (high / low) ** u : low + (high - low) * u;
  return String(Number(value.toPrecision(4)));
}

/** The configuration of one run. `none` leaves out what has no default. Values that are not accepted are refused as on the command line. */
export function configOf(base: Texts, choice: Choice): RunConfig {
  const texts: Record<string, string | boolean | undefined> = {
    ...base,
    optimizer: base.optimizer ?? OPTIONS.optimizer.default,
  };
  const inner: [spec: string, key: string, value: string][] = [];
  for (const [key, value] of Object.entries(choice)) {
    const nested = NESTED.exec(key);
    const field = FIELDS[key];
    if (nested) inner.push([nested[1]!, nested[2]!, value]);
    else if (!field) inner.push(['optimizer', key, value]);
    else if (value === 'none' && field !== 'model' && optionOf(field).default === undefined) texts[field] = undefined;
    else texts[field] = value;
  }
  for (const [of, key, value] of inner) {
    check(typeof texts[of] === 'string', say`${GRID} ${of}.${key}: no ${of} is named`, say`give ${named(of)}`);
    const spec = parseSpec(named(of), texts[of] as string);
    texts[of] = formatSpec({ ...spec, options: { ...spec.options, [key]: parseScalar(value) } });
  }
  const { model, ...rest } = texts;
  if (typeof rest.schedule === 'string') {
    check(
      Object.hasOwn(schedules, parseSpec(named('schedule'), rest.schedule).name),
      `unknown schedule '${rest.schedule}'`,
      `known: ${Object.keys(schedules).join(', ')}`,
    );
  }
  return parseConfig(model as string, rest);
}
