import { kernel } from './define.ts';
import { accumulated, accumulates, type Gradient } from './gradient.ts';
import type { Call, Profile, Sized } from './kernel.ts';
import { severalValues } from './loops.ts';

/** out [size] = the sum of `count` slices [count, size], as a gradient. */
interface Slices {
  size: number;
  count: number;
  gradient?: Gradient | undefined;
}

/** With `more` those of others too, in the bindings of their numbers. */
export interface SumSlices extends Slices {
  more?: readonly Slices[];
}

/** Bindings of each sum that a call can take, as many as most adapters bind. */
const BINDINGS = {
  slices: 'read f32',
  out: 'write',
  slices1: 'read f32?',
  out1: 'write?',
  slices2: 'read f32?',
  out2: 'write?',
  slices3: 'read f32?',
  out3: 'write?',
  slices4: 'read f32?',
  out4: 'write?',
} as const;
const MOST = Object.keys(BINDINGS).length / 2;

/** What the binding `name` is called for sum number `i` of a call. */
const numbered = (name: string, i: number): string => (i ? `${name}${i}` : name);

const sumsOf = ({ more = [], ...own }: SumSlices): Slices[] => [own, ...more];

/** A call of sumSlices that takes of `slices` the first alone. */
export function ofFirst<T extends Sized, C extends Call<T>>(call: C, slices: T): C {
  const [first, ...more] = sumsOf(call.params).map((sums, i) =>
    call.tensors[numbered('slices', i)] === slices ? { ...sums, count: 1 } : sums,
  );
  return { ...call, params: { ...first, more: more.length ? more : undefined } };
}

function loop(p: SumSlices, d: Profile) {
  return severalValues(
    sumsOf(p).map(({ size, gradient }, i) => {
      const [slices, out] = [numbered('slices', i), numbered('out', i)];
      const body = `
        var v = 0.0;
        for (var s = 0u; s < u32(op.${numbered('count', i)}); s++) { v += ${slices}[s * n + i]; }
        ${out}[i] = ${accumulated(gradient, `${out}[i]`)};`;
      return { n: size, count: `u32(op.${numbered('size', i)})`, body };
    }),
    d,
  );
}

export const sumSlices = kernel({
  name: 'sum_slices',
  bindings: BINDINGS,
  together: {
    fits: (all, d) => all.length <= Math.min(MOST, d.maxBindings >> 1) && all.every(({ params }) => !params.more),
    of: all => ({
      params: { ...all[0]!.params, more: all.slice(1).map(({ params }) => params) },
      tensors: Object.assign(
        {},
        ...all.map(({ tensors: { slices, out } }, i) => ({ [numbered('slices', i)]: slices, [numbered('out', i)]: out })),
      ),
    }),
  },
  step: (p: SumSlices) => accumulates([p, ...(p.more ?? [])].some(s => s.gradient === 'first') ? 'first' : undefined),
  sizes: p =>
    Object.fromEntries(
      sumsOf(p).flatMap(({ size, count }, i) => [
        [numbered('size', i), size],
        [numbered('count', i), count],
      ]),
    ),
  grid: (p, d) => loop(p, d).grid,
  code: (p, d) => loop(p, d).code,
});
