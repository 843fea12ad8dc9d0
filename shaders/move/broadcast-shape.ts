/** What calls of broadcasts are, and along which runs of dimensions their operands are repeated. */
import type { Epilogue } from '../kernel/epilogue.ts';
import type { Gradient } from '../kernel/gradient.ts';
import type { Shape } from '../kernel/shape.ts';

/** The operands of a function in the rank of its result: 1 where they are repeated. */
export interface Operands {
  v: Shape;
  a?: Shape;
  b?: Shape;
}

/** y of `shape` = f(v, a, b). `f` is WGSL over `v`, `a`, `b`, `zero` and `one`, of f32 or vec4f, and passes NaN on. */
export interface Broadcast {
  shape: Shape;
  of: Operands;
  f: string;
  epilogue?: readonly Epilogue[];
}

/** out of shape `kept` = the sum of f(v, a, b) over `shape` along the dimensions where `kept` is 1; written as a gradient. */
export interface BroadcastSum extends Omit<Broadcast, 'epilogue'> {
  kept: Shape;
  gradient?: Gradient;
}

/** A run of dimensions along which the same operands are repeated, as one. */
export interface Run {
  size: number;
  repeats: Readonly<Record<string, boolean>>;
}

/** The names of those that there are. */
export const operandsOf = (of: Operands): string[] => named({ ...of }).map(([name]) => name);

const named = (of: Readonly<Record<string, Shape | undefined>>) =>
  Object.entries(of).flatMap(([name, shape]) => (shape ? [[name, shape] as const] : []));

/** The dimensions of `shape` in as few runs as `operands` allow; those of size 1 are in none. */
export function runsOf(shape: Shape, operands: Readonly<Record<string, Shape | undefined>>): Run[] {
  const out: Run[] = [];
  shape.forEach((size, d) => {
    if (size === 1) return;
    const repeats = Object.fromEntries(named(operands).map(([name, own]) => [name, own[d] === 1]));
    const last = out.at(-1);
    if (last && Object.keys(repeats).every(name => last.repeats[name] === repeats[name])) last.size *= size;
    else out.push({ size, repeats });
  });
  return out.length ? out : [{ size: 1, repeats: {} }];
}

/** The operands that are repeated along the last run. */
export const repeatedLast = (p: Broadcast): string[] => {
  const last = runsOf(p.shape, { ...p.of }).at(-1)!;
  return named({ ...p.of }).flatMap(([name]) => (last.repeats[name] ? [name] : []));
};

/** Rows of neighbouring values that are summed up, one for each value of out. */
export interface Rows {
  readonly count: number;
  readonly size: number;
  /** Whether an operand differs between rows, and in one. */
  readonly perRow: (name: string) => boolean;
  readonly perValue: (name: string) => boolean;
}

/** The rows that a call sums up, if they are that. */
export function rowsOf(p: BroadcastSum): Rows | undefined {
  const [kept, summed, ...others] = runsOf(p.shape, { ...p.of, out: p.kept });
  if (!kept || kept.repeats.out || (summed && !summed.repeats.out) || others.length) return undefined;
  return {
    count: kept.size,
    size: summed?.size ?? 1,
    perRow: name => !kept.repeats[name],
    perValue: name => summed !== undefined && !summed.repeats[name],
  };
}
