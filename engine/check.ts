/** What goes wrong, as a value: a problem, what can be done about it, and the class of the error as its kind. */
import { closest, distance } from 'fastest-levenshtein';
import { describeRange, isWithin, type Range } from './range.ts';

/** An option in a message, by its key; `to` is the value that it has or is advised to take. */
export interface Named {
  readonly option: string;
  readonly to?: string | number | boolean | undefined;
}

/** A text in which every front end calls an option by its own name. Plain data, so that it can cross to a worker and back. */
export type Message = string | Named | readonly (string | Named)[];

/** How a front end calls an option; undefined where it has no such option. `begins` is whether the message begins with it. */
export type Names = (named: Named, begins: boolean) => string | undefined;

export const named = (option: string, to?: Named['to']): Named => ({ option, to });

const partsOf = (message: Message): readonly (string | Named)[] =>
  typeof message === 'string' || 'option' in message ? [message] : message;

/** A message that names options: say`use a smaller ${named('batchSize')}`. */
export const say = (texts: TemplateStringsArray, ...values: readonly (Message | number | boolean | undefined)[]): Message =>
  texts
    .flatMap((text, i) => {
      const value = values[i - 1];
      return [...(i === 0 ? [] : typeof value === 'object' ? partsOf(value) : [String(value)]), text];
    })
    .filter(part => part !== '');

/** Options as a program that uses the library calls them: `batchSize`, `precision f32`. */
const keys = ({ option, to }: Named): string => (to === undefined ? option : `${option} ${to}`);

/** A message in a front end's words, or in the library's. */
export const words = (message: Message, names: Names = keys): string =>
  partsOf(message)
    .map((part, i) => (typeof part === 'string' ? part : (names(part, i === 0) ?? keys(part))))
    .join('');

/** Alternatives as one message: `lower a, clip b, or look at c`. */
export const either = (advice: readonly Message[]): Message =>
  advice.reduce((all, one, i) => say`${all}, ${i === advice.length - 1 ? 'or ' : ''}${one}`);

/** What an error says, without what makes it an error. */
export interface Fault {
  readonly problem: Message;
  /** Alternatives. */
  readonly advice: readonly Message[];
}

/** An error in a front end's words. Advice that takes an option which the front end does not have is left out. */
export function render({ problem, advice }: Fault, names: Names = keys): string {
  const has = (part: string | Named) => typeof part === 'string' || names(part, false) !== undefined;
  const possible = advice.filter(message => partsOf(message).every(has));
  return words(possible.length ? say`${problem}; ${either(possible)}` : problem, names);
}

/**
 * An error of the user's making or surroundings. It says `<who>: <what is wrong, with the value seen>; <what is accepted or what to do>` in
 * one line: `problem` is what stands before the semicolon, and `advice` the alternatives after it. `message` has it in the library's words;
 * front ends render the parts in their own.
 */
export class DescentError extends Error implements Fault {
  override name = 'DescentError';
  // Hidden, since the message says both: Node prints all other fields of an error that nobody catches.
  readonly #problem: Message;
  readonly #advice: readonly Message[];

  constructor(problem: Message, ...advice: readonly Message[]) {
    super(render({ problem, advice }));
    this.#problem = problem;
    this.#advice = advice;
  }

  get problem(): Message {
    return this.#problem;
  }

  get advice(): readonly Message[] {
    return this.#advice;
  }
}

/** What any error says, to be sent to another thread. */
export const faultOf = (error: unknown): Fault =>
  error instanceof DescentError ? { problem: error.problem, advice: error.advice } : { problem: (error as Error).message, advice: [] };

/** `error` with `more` after its advice, whichever of that is taken. */
export const also = ({ problem, advice }: Fault, more: Message): DescentError =>
  new DescentError(problem, advice.length ? say`${either(advice)}; ${more}` : more);

/** What does not fit on the device, but may with fewer images at a time. */
export class TooLarge extends DescentError {}

/** The device is gone: a driver was reset, or a GPU unplugged. What was on it is lost. */
export class DeviceLost extends DescentError {}

/** Throws a DescentError unless `ok`. */
export function check(ok: unknown, problem: Message, ...advice: readonly Message[]): asserts ok {
  if (!ok) throw new DescentError(problem, ...advice);
}

/** A value of the wrong kind as it stands in messages: `a function`, `'adam'`, `undefined`. */
export function kindOf(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (value === null || typeof value !== 'object') return typeof value === 'function' ? 'a function' : String(value);
  const { name } = (value as object).constructor ?? Object;
  return name === 'Object'
    ? `an object of ${Object.keys(value).slice(0, 4).join(', ') || 'nothing'}`
    : `of ${name ? `the class ${name}` : 'a class without a name'}`;
}

/** A shape as it stands in messages: `[64, 1, 28, 28]`. */
export const show = (shape: readonly (number | string)[]): string => `[${shape.join(', ')}]`;

/** The first few of many names, for messages. */
export const some = (names: readonly string[]): string => names.slice(0, 8).join(', ') + (names.length > 8 ? ', …' : '') || 'none';

/** What `typeof` gives of an option, what a number may be, or `true` where who takes it looks at more than that. */
type Kind = true | 'boolean' | 'function' | Range;

/** The options that something takes: a text in place of a flag is true whatever it says, so that flags are told from all else. */
export type Known<Options> = {
  readonly [K in keyof Options]-?: [Exclude<Options[K], undefined>] extends [boolean] ? 'boolean' : Kind;
};

/** Throws unless `options` is an object of `known` ones: a program without types may misspell one. `who` is what takes them. */
export function onlyOptions(who: string, options: unknown, known: Readonly<Record<string, Kind>>): void {
  const names = Object.keys(known);
  check(
    typeof options === 'object' && options !== null,
    `${who}: got ${kindOf(options)}`,
    `give options as { ${names.slice(0, 4).join(', ')}${names.length > 4 ? ', …' : ''} }`,
  );
  for (const [name, value] of Object.entries(options)) {
    const kind = lookUp(`option of ${who}`, name, known);
    if (kind === true || value === undefined) continue;
    const [fits, wanted] = typeof kind === 'string' ? [typeof value === kind, `a ${kind}`] : [isWithin(value, kind), describeRange(kind)];
    check(fits, `${who}: ${name} is ${kindOf(value)}`, `give ${wanted}`);
  }
}

/** The entry of `known` called `name`, or an error that suggests the nearest name and lists all. */
export function lookUp<T>(kind: Message, name: string, known: Readonly<Record<string, T>>): T {
  if (Object.hasOwn(known, name)) return known[name]!;
  const names = Object.keys(known);
  throw new DescentError(say`unknown ${kind} '${name}'`, `${suggestion(String(name), names)}known: ${names.join(', ') || 'none'}`);
}

/** Of the letters of the longer name, the share that a slip may change. */
const SLIP = 0.4;

/** A question after the nearest of `names`, where one is so near that a slip of the hand explains it. */
export function suggestion(name: string, names: readonly string[]): string {
  const low = name.toLowerCase();
  const near = closest(low, names) ?? '';
  const isSlip = distance(low, near.toLowerCase()) <= Math.min(3, SLIP * Math.max(low.length, near.length));
  return isSlip || sorted(low) === sorted(near) ? `did you mean '${near}'? ` : '';
}

const sorted = (text: string): string => [...text].sort().join('');

/** The four sizes of a batch of images, or an error that says what came instead. */
export function images(layer: string, shape: readonly number[]): [n: number, c: number, h: number, w: number] {
  check(
    shape.length === 4,
    `${layer}: input is ${show(shape)}, expected [batch, channels, height, width]`,
    'put it before flatten or dense',
  );
  return [shape[0]!, shape[1]!, shape[2]!, shape[3]!];
}
