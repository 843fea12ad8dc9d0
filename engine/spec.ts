/** Values as users write them: numbers with ranges, and `name:key=value,...` for optimizers, schedules, augmentations and data sets. */
import { check, DescentError, type Message, say, suggestion } from './check.ts';
import type { Scalar } from './parameter.ts';
import { describeRange, isWithin, type Range } from './range.ts';

/** One `name[:value][,key=value...]`: `adam:beta1=0.8,eps=1e-6` or `cutout:16`. */
export interface Spec {
  name: string;
  value?: Scalar;
  options: Record<string, Scalar>;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** `text` as a finite number within `range`; `who` is the option's name in messages. */
export function parseNumber(who: Message, text: string, range: Range = {}): number {
  const value = Number(text);
  const wanted = `give ${describeRange(range)}`;
  check(NUMBER.test(text.trim()) && Number.isFinite(value), say`${who}: '${text}' is not a number`, wanted);
  check(!range.integer || Number.isSafeInteger(value), say`${who}: ${text} is not a whole number`, wanted);
  check(isWithin(value, range), say`${who}: ${text} is out of range`, wanted);
  return value;
}

/** `text` as a number or a truth value where it is one, else as it stands. */
export function parseScalar(text: string): Scalar {
  if (NUMBER.test(text)) return Number(text);
  return text === 'true' || text === 'false' ? text === 'true' : text;
}

/** `text` as one of `known`. */
export function parseChoice<T extends string>(who: Message, text: string, known: readonly T[]): T {
  check(
    (known as readonly string[]).includes(text),
    say`${who}: '${text}' is not known`,
    `${suggestion(text, known)}give one of ${known.join(', ')}`,
  );
  return text as T;
}

/** One spec: `adam:beta1=0.8,eps=1e-6`. */
export function parseSpec(who: Message, text: string): Spec {
  const specs = parseSpecs(who, text);
  check(
    specs.length === 1,
    say`${who}: '${text}' names ${specs.map(s => s.name).join(' and ')}`,
    'give one name, its options as name:key=value,key=value',
  );
  return specs[0]!;
}

/** A name (or the path of a file with code, or with a net) and what follows its colon. */
const PART = /^\s*(?:((?:[^:,=]+\.(?:ts|mts|js|mjs|onnx))|[\w-]+)\s*(?::|$))?\s*(.*?)\s*$/s;

/** Whether a name is that of an ONNX file. */
export const isNet = (name: string): boolean => /\.onnx$/.test(name);

/** Whether a spec's name is a file of code: a model of the user's own. */
export const isFileName = (name: string): boolean => /\.(ts|mts|js|mjs)$/.test(name);

/** The parts between commas, those within parentheses aside: they belong to a formula. */
function partsOf(text: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const c of text) {
    depth += c === '(' ? 1 : c === ')' ? -1 : 0;
    if (c === ',' && depth <= 0) parts.push('');
    else parts[parts.length - 1] += c;
  }
  return parts;
}

/** An equals sign that is no part of a comparison. */
const EQUALS = /(?<![<>=!])=(?!=)/;

/** Specs in the order written: `crop:padding=4,flip,cutout:16` or `adam:epochs=5,lbfgs`. A bare `key=value` is of the name before it. */
export function parseSpecs(who: Message, text: string): Spec[] {
  const specs: Spec[] = [];
  for (const part of partsOf(text)) {
    const [, name, rest] = PART.exec(part)!;
    if (name) specs.push({ name, options: {} });
    const spec = specs.at(-1);
    const problem = part.trim() ? `'${part.trim()}' before any name` : 'an empty item';
    check(spec && (name || rest), say`${who}: '${text}' has ${problem}`, 'write name:key=value,key=value');
    if (!rest) {
      check(!part.includes(':'), say`${who}: nothing follows '${part.trim()}'`, 'write name:key=value, or the name alone');
      continue;
    }
    const [key, value, ...more] = rest.split(EQUALS).map(s => s.trim());
    if (value === undefined && name) {
      spec.value = parseScalar(key!);
      continue;
    }
    if (!/^[\w-]+$/.test(key!) || !value || more.length) {
      throw new DescentError(say`${who}: '${rest}' is not key=value`, `write ${spec.name}:key=value,key=value`);
    }
    check(key !== '__proto__', say`${who}: '${key}' is no option of ${spec.name}`, 'leave it out');
    check(!Object.hasOwn(spec.options, key!), say`${who}: ${key} is given twice`, 'give it once');
    spec.options[key!] = parseScalar(value);
  }
  return specs;
}

/** The text of a spec, as parseSpec reads it. */
export function formatSpec({ name, value, options }: Spec): string {
  const parts = Object.entries(options).map(([key, v]) => `${key}=${v}`);
  if (value !== undefined) parts.unshift(String(value));
  return parts.length ? `${name}:${parts.join(',')}` : name;
}

/** Pixels of a side, or height and width as `64x96`. */
export type ImageSize = number | string;

/** Most pixels of a side. */
const MOST_PIXELS = 1024;

/** Height and width. Throws where `size` is none; `who` names it in messages. */
export function sidesOf(who: Message, size: ImageSize): readonly [h: number, w: number] {
  const [h, w = h, ...more] = String(size).trim().split('x');
  const sides = [h, w].map(side => (/^\d+$/.test(side!) ? Number(side) : NaN)) as [number, number];
  const fits = !more.length && sides.every(side => side >= 1 && side <= MOST_PIXELS);
  if (!fits)
    throw new DescentError(say`${who}: '${size}' is no size`, `give pixels from 1 to ${MOST_PIXELS}, as 64, or height x width, as 64x96`);
  return sides;
}

/** The text or number that stands for sides. */
export const sizeOf = ([h, w]: readonly [h: number, w: number]): ImageSize => (h === w ? h : `${h}x${w}`);
