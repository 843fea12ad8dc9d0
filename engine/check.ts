import { closest, distance } from 'fastest-levenshtein';

/** An error of the user's making or surroundings: its message is one line that says what was wrong and what to do. */
export class DescentError extends Error {
  override name = 'DescentError';
}

/** What does not fit on the device, but may with fewer images at a time. */
export class TooLarge extends DescentError {}

/** Throws `message` unless `ok`. Grammar: `<who>: <what is wrong, with the value seen>; <what is accepted or what to do>`. */
export function check(ok: unknown, message: string): asserts ok {
  if (!ok) throw new DescentError(message);
}

/** A shape as it stands in messages: `[64, 1, 28, 28]`. */
export const show = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** The entry of `known` called `name`, or an error that suggests the nearest name and lists all. */
export function lookUp<T>(kind: string, name: string, known: Readonly<Record<string, T>>): T {
  if (Object.hasOwn(known, name)) return known[name]!;
  const names = Object.keys(known);
  const near = closest(name, names);
  const suggestion = distance(name, near) <= 3 ? `did you mean '${near}'? ` : '';
  throw new DescentError(`unknown ${kind} '${name}'; ${suggestion}known: ${names.join(', ')}`);
}

/** The four sizes of a batch of images, or an error that says what came instead. */
export function images(layer: string, shape: readonly number[]): [n: number, c: number, h: number, w: number] {
  check(shape.length === 4, `${layer}: input is ${show(shape)}, expected [batch, channels, height, width]; put it before flatten or dense`);
  return shape as unknown as [number, number, number, number];
}
