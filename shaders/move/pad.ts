/** Rows and columns around images. */
import { kernel, type Target } from '../kernel/define.ts';
import type { Epilogue } from '../kernel/epilogue.ts';
import { isSoftware } from '../kernel/kernel.ts';
import { planes, threads } from '../kernel/loops.ts';
import { float } from '../kernel/wgsl.ts';

/** What is around an image: one value, the image mirrored at its edges, the values of its edges, or the image again. */
export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular';

/** y [planes, oh, ow] from x [planes, h, w], which begins at row `top` and column `left` of y; `value` is around it by `constant`. */
export interface Pad {
  planes: number;
  h: number;
  w: number;
  oh: number;
  ow: number;
  top: number;
  left: number;
  mode: PadMode;
  value?: number;
  epilogue?: readonly Epilogue[];
}

const over = (p: Pad, size: number, d: Target) => planes({ count: p.planes, size, threads: threads(d), perThread: isSoftware(d) ? 32 : 1 });

/** WGSL: where in an image of `size` place `at` comes from, `at` counted from its beginning. Outside of it by `constant`. */
const sourceOf: Readonly<Record<PadMode, (at: string, size: number) => string>> = {
  constant: at => at,
  reflect: (at, size) => `${size - 1} - abs(${size - 1} - abs(${at}))`,
  replicate: (at, size) => `clamp(${at}, 0, ${size - 1})`,
  circular: (at, size) => `(${at} + ${size}) % ${size}`,
};

export const padForward = kernel({
  name: 'pad_forward',
  bindings: { x: 'read', y: 'write' },
  epilogue: 'y',
  over: (p: Pad, d) => over(p, p.oh * p.ow, d),
  body: p => `
    let row = ${sourceOf[p.mode](`(i32(at) / ${p.ow} - ${p.top})`, p.h)};
    let column = ${sourceOf[p.mode](`(i32(at) % ${p.ow} - ${p.left})`, p.w)};
    var v = ${float(p.value ?? 0)};
    if (u32(row) < ${p.h}u && u32(column) < ${p.w}u) { v = x[plane * ${p.h * p.w}u + u32(row * ${p.w} + column)]; }
    let out = plane * ${p.oh * p.ow}u + at;
    y[out] = finish(v, out);`,
});

/**
 * WGSL: the runs of places in y that place `at` of an image of `size` went to, as [first, last]; `before` is where the image begins. Runs
 * that are no places of y are cut off by who reads them; those of which first is behind last are empty.
 */
const reachedBy: Readonly<
  Record<PadMode, (at: string, size: number, before: number, all: number) => readonly (readonly [string, string])[]>
> = {
  constant: (at, _, before) => [[`${at} + ${before}`, `${at} + ${before}`]],
  reflect: (at, size, before, all) => {
    const once = (place: string, exists: string) => [`select(${all}, ${place}, ${exists})`, place] as const;
    const end = `${2 * (size - 1) + before} - ${at}`;
    return [[`${at} + ${before}`, `${at} + ${before}`], once(`${before} - ${at}`, `${at} > 0`), once(end, `${at} < ${size - 1}`)];
  },
  replicate: (at, size, before, all) => [
    [`select(${at} + ${before}, 0, ${at} == 0)`, `select(${at} + ${before}, ${all - 1}, ${at} == ${size - 1})`],
  ],
  circular: (at, size, before) => [-size, 0, size].map(turn => [`${at} + ${before + turn}`, `${at} + ${before + turn}`] as const),
};

/** dx from dy: each value gathers from the places that it went to. */
export const padBackward = kernel({
  name: 'pad_backward',
  bindings: { dy: 'read', dx: 'write' },
  epilogue: 'dx',
  over: (p: Pad, d) => over(p, p.h * p.w, d),
  body: p => {
    const rows = reachedBy[p.mode]('row', p.h, p.top, p.oh);
    const columns = reachedBy[p.mode]('column', p.w, p.left, p.ow);
    const gather = ([top, bottom]: readonly [string, string], [left, right]: readonly [string, string]) => `
    for (var r = max(${top}, 0); r <= min(${bottom}, ${p.oh - 1}); r++) {
      for (var c = max(${left}, 0); c <= min(${right}, ${p.ow - 1}); c++) { sum += dy[plane * ${p.oh * p.ow}u + u32(r * ${p.ow} + c)]; }
    }`;
    return `
    let row = i32(at) / ${p.w}; let column = i32(at) % ${p.w};
    var sum = 0.0;
    ${rows.flatMap(r => columns.map(c => gather(r, c))).join('')}
    let out = plane * ${p.h * p.w}u + at;
    dx[out] = finish(sum, out);`;
  },
});
