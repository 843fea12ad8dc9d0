/** WGSL of pooling in lanes (lanes.ts). */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { id, readsAlong, sorted } from '../conv/lanes-code/rows.ts';
import { finish } from '../kernel/epilogue.ts';
import type { Profile } from '../kernel/kernel.ts';
import { storeInTurns } from '../kernel/turns.ts';
import { range, unroll, XYZW } from '../kernel/wgsl.ts';
import type { Pool } from './shape.ts';
import { stripsOf, type PoolOutput } from './strips.ts';
import { divisor, windowConstants } from './plain-code.ts';

/** What a lane reads and writes in one round of its way down: rows and columns are counted from those with which the round begins. */
interface Round {
  readonly p: Pool;
  readonly output: PoolOutput;
  /** Outputs, down and across, and whether those of all rounds are the image. */
  readonly size: readonly [rows: number, columns: number];
  readonly fills: readonly [rows: boolean, columns: boolean];
  /** By how much what is read moves on from one round, and from one strip, to the next. */
  readonly step: readonly [rows: number, columns: number];
  /** What each row, and each column, of the outputs reads. */
  readonly down: readonly (readonly number[])[];
  readonly across: readonly (readonly number[])[];
  /** The first row that is read, how many there are, and how many of them are held from the round before. */
  readonly above: number;
  readonly height: number;
  readonly held: number;
  /** Columns that are read, and those of them that are outside the image for some strip. */
  readonly columns: readonly number[];
  readonly mayBeOutside: (column: number) => boolean;
  /** Whether those beside a strip are read from the lanes beside its own. */
  readonly shares: boolean;
  /** Whether images are read, and written, as vec4f. */
  readonly readsVec4: boolean;
  readonly writesVec4: boolean;
}

function roundOf(output: PoolOutput, p: Pool, d: Profile): Round {
  const back = output === 'dx';
  const { width, across, x, y } = stripsOf(output, p);
  const [wide, sw] = [width * p.stride[1], p.stride[0]];
  const size = back ? ([sw, wide] as const) : ([1, across > 1 ? width : p.ow] as const);
  const step = back ? ([1, width] as const) : ([sw, wide] as const);
  const [from, to] = back ? [p.ow, [p.h, p.w]] : [p.w, [p.oh, p.ow]];
  const isThere = (column: number) => across > 1 || (column >= 0 && column < from);
  const along = (axis: 0 | 1) => range(size[axis]).map(at => sorted(readsAlong(output, p, axis, at).map(({ place }) => place)));
  const [down, columns] = [along(0), along(1).map(places => places.filter(isThere))];
  const above = Math.min(...down.flat());
  const height = Math.max(...down.flat()) - above + 1;
  return {
    ...{ p, output, size, step, down, across: columns, above, height },
    fills: [to[0]! % size[0] === 0, to[1] === across * size[1]],
    held: Math.max(0, height - step[0]),
    columns: sorted(columns.flat()),
    mayBeOutside: o => across > 1 && (o < 0 || (across - 1) * step[1] + o >= from),
    shares: d.lanes % across === 0 && across * step[1] >= from, // columns behind all strips are those of no lane
    readsVec4: back ? y : x,
    writesVec4: back ? x : y,
  };
}

/** WGSL before the loop: of each column its place in a row, at an edge that of the nearest one, as `k{column}`, and `in{column}`. */
const findColumns = ({ columns, step, mayBeOutside }: Round) =>
  sorted([...range(step[1]), ...columns])
    .map(o => {
      const at = `start + ${o}`;
      return mayBeOutside(o)
        ? `let k${id(o)} = clamp(${at}, 0, read_w - 1); let in${id(o)} = u32(${at}) < u32(read_w);`
        : `let k${id(o)} = ${at};`;
    })
    .join(' ');

/** WGSL that finds row `r`: its place, at an edge that of the nearest one, as `e{r}`, and `ok{r}`, whether it is inside the image. */
const findRow = ({ step, above }: Round, r: number) => `
    let h${r} = i * ${step[0]} + ${above + r}; let ok${r} = u32(h${r}) < u32(read_h);
    let row${r} = clamp(h${r}, 0, read_h - 1) * read_w; let e${r} = base + row${r};`;

/** WGSL that loads row `r` of `buffer`, and its columns. */
function loadRow({ step: [, step], readsVec4, shares }: Round, buffer: string, r: number) {
  const each = readsVec4 ? 4 : 1;
  const group = (o: number) => Math.floor(o / each);
  const part = (o: number) => (readsVec4 ? `.${XYZW[o - 4 * group(o)]}` : '');
  const place = (o: number) => `${buffer}[${readsVec4 ? `(e${r} + start) / 4 + ${group(o)}` : `e${r} + k${id(o)}`}]`;
  const own = (o: number) => `${buffer}${r}_${group(o)}${part(o)}`;
  return {
    load: unroll(step / each, g => `let ${buffer}${r}_${g} = ${place(g * each)};`, ' '),
    column: (o: number) => {
      if (o >= 0 && o < step) return own(o);
      if (!shares) return `${place(o)}${part(o)}`;
      return o < 0 ? `subgroupShuffleUp(${own(step + o)}, 1u)` : `subgroupShuffleDown(${own(o - step)}, 1u)`;
    },
  };
}

/** What a call makes of rows: WGSL for each new one, for all of them, and of an output; and the names of what is held of a row `#`. */
interface Work {
  readonly row: (r: number) => string;
  readonly all: string;
  readonly held: readonly string[];
  readonly value: (y: number, x: number) => string;
}

/** WGSL of whether a value is NaN, by its bits: WGSL may assume that there is none. */
const isNotANumber = (v: string) => `((bitcast<u32>(${v}) & 0x7fffffffu) > 0x7f800000u)`;

/** WGSL that takes a later value of a window as `m{to}`, at `b{to}`: the first of equals wins, and NaN beats all. */
const take = (to: string, value: string, nan: string, place: string) =>
  `{ let later = (${value} > m${to}) | ${nan}; m${to} = select(m${to}, ${value}, later); b${to} = select(b${to}, ${place}, later); }`;

/**
 * Maxima and their places: of a window in a row, and of those in its rows. Beyond an edge stands the nearest value of the image, which is in
 * all windows that reach there.
 */
function maxima(round: Round): Work {
  const { columns, across, height, mayBeOutside } = round;
  const outwards = [...columns.filter(o => o >= 0), ...columns.filter(o => o < 0).reverse()];
  const row = (r: number) => {
    const { load, column } = loadRow(round, 'x', r);
    const value = (o: number) =>
      mayBeOutside(o) && o !== 0 ? `select(v${r}_${id(o - Math.sign(o))}, ${column(o)}, in${id(o)})` : column(o);
    const window = ([first, ...others]: readonly number[], x: number) => `
    var m${r}_${x} = v${r}_${id(first!)}; var b${r}_${x} = k${id(first!)};
    ${others.map(o => take(`${r}_${x}`, `v${r}_${id(o)}`, `n${r}_${id(o)}`, `k${id(o)}`)).join(' ')} b${r}_${x} += row${r};`;
    return `${load}
    ${outwards.map(o => `let v${r}_${id(o)} = ${value(o)}; let n${r}_${id(o)} = ${isNotANumber(`v${r}_${id(o)}`)};`).join('\n')}
    ${across.map(window).join('')}`;
  };
  const later = (x: number) => (r: number) => take(`${x}`, `m${r}_${x}`, isNotANumber(`m${r}_${x}`), `b${r}_${x}`);
  return {
    row,
    all: unroll(across.length, x => `var m${x} = m0_${x}; var b${x} = b0_${x}; ${range(height).slice(1).map(later(x)).join(' ')}`),
    held: across.flatMap((_, x) => [`m#_${x}`, `b#_${x}`]),
    value: (_, x) => `m${x}`,
  };
}

/** WGSL of what is read of a row of sums or gradients: 0 outside the image. */
const orZero = ({ mayBeOutside }: Round, r: number, o: number, value: string) =>
  `select(0.0, ${value}, ok${r}${mayBeOutside(o) ? ` & in${id(o)}` : ''})`;

/** Means: the sums of windows in a row, and those in their rows. What a gradient adds up is divided as it is read. */
function means(round: Round): Work {
  const { p, output, across, columns, down, above } = round;
  const back = output === 'dx';
  const row = (r: number) => {
    const { load, column } = loadRow(round, back ? 'dy' : 'x', r);
    const value = (o: number) => (back ? `${column(o)} / ${divisor(p, `h${r}`, `(start + ${o})`)}` : column(o));
    return `${load}
    ${columns.map(o => `let v${r}_${id(o)} = ${orZero(round, r, o, value(o))};`).join(' ')}
    ${across.map((places, x) => `let s${r}_${x} = ${places.map(o => `v${r}_${id(o)}`).join(' + ') || '0.0'};`).join(' ')}`;
  };
  const sum = (y: number, x: number) => down[y]!.map(place => `s${place - above}_${x}`).join(' + ') || '0.0';
  return {
    row,
    all: '',
    held: across.map((_, x) => `s#_${x}`),
    value: (y, x) => (back ? sum(y, x) : `(${sum(y, x)}) / ${divisor(p, 'i', `(column + ${x})`)}`),
  };
}

/** The gradient of maxima: an input adds up those of the windows whose maximum it is. */
function gradients(round: Round): Work {
  const { columns, across, down, above, size } = round;
  const row = (r: number) => {
    const [dy, argmax] = [loadRow(round, 'dy', r), loadRow(round, 'argmax', r)];
    const both = (o: number) => `let g${r}_${id(o)} = ${orZero(round, r, o, dy.column(o))}; let a${r}_${id(o)} = ${argmax.column(o)};`;
    return `${dy.load} ${argmax.load}
    ${columns.map(both).join(' ')}`;
  };
  const part = (r: number, o: number, y: number, x: number) => `select(0.0, g${r}_${id(o)}, a${r}_${id(o)} == at${y} + ${x}u)`;
  return {
    row,
    all: unroll(size[0], y => `let at${y} = u32((i * ${size[0]} + ${y}) * W + column);`),
    held: columns.flatMap(o => [`g#_${id(o)}`, `a#_${id(o)}`]),
    value: (y, x) => down[y]!.flatMap(place => across[x]!.map(o => part(place - above, o, y, x))).join(' + ') || '0.0',
  };
}

/** WGSL that stores row `y` of the outputs, as far as it is inside the image. */
function store({ output, p, size: [rows, columns], fills, writesVec4 }: Round, y: number, value: Work['value']): string {
  const [h, w] = output === 'dx' ? ['H', 'W'] : ['OH', 'OW'];
  const places = output === 'y' && p.max;
  const each = writesVec4 ? 4 : 1;
  const by = writesVec4 ? ' / 4' : '';
  const stored = (x: number, item: string) => {
    const own = range(each).map(i => each * x + i);
    const as = (type: string, values: readonly string[]) => (writesVec4 ? `vec4${type}(${values.join(', ')})` : values[0]!);
    const maxima = places
      ? ` argmax[at] = ${as(
          'u',
          own.map(x => `u32(b${x})`),
        )};`
      : '';
    return `
      { let at = u32(out + ${item}); ${output}[at] = finish(${as(
        'f',
        own.map(x => `c${x}`),
      )}, at);${maxima} }`;
  };
  return `${fills[0] ? '' : `if (i * ${rows} + ${y} < ${h}) `}{
      ${unroll(columns, x => `var c${x} = ${value(y, x)};`, ' ')}
      let out = (plane * ${h} + i * ${rows} + ${y}) * ${w}${by};
${storeInTurns({
  items: columns / each,
  turns: columns / each,
  first: `column${by}`,
  ...(!fills[1] && { end: `${w}${by}` }),
  sums: x => range(each).flatMap(i => [`c${each * x + i}`, ...(places ? [`b${each * x + i}`] : [])]),
  store: stored,
})}
    }`;
}

/**
 * The kernel of lanes.ts that computes `output`; `group` is WGSL of a workgroup's number. For maxima of 3x3, stride 1, `v{row}_{column}` being
 * columns counted from the strip's first:
 *
 * ```wgsl
 * for (var i = -2; i < OH; i++) {
 *   let h2 = i * 1 + 1; let ok2 = u32(h2) < u32(read_h);
 *   let row2 = clamp(h2, 0, read_h - 1) * read_w; let e2 = base + row2;
 *   let x2_0 = x[(e2 + start) / 4 + 0];
 *   let v2_0 = x2_0.x; let n2_0 = …
 *   …
 *   let v2_m1 = select(v2_0, subgroupShuffleUp(x2_0.w, 1u), inm1); let n2_m1 = …
 *   var m2_0 = v2_m1; var b2_0 = km1;
 *   { let later = (v2_0 > m2_0) | n2_0; m2_0 = select(m2_0, v2_0, later); b2_0 = select(b2_0, k0, later); } …
 *   …
 *   var m0 = m0_0; var b0 = b0_0; …
 *   …
 *   if ((i >= 0) & (item < op.items)) {
 *   …
 *   m0_0 = m1_0; b0_0 = b1_0; …
 *   …
 * }
 * ```
 */
export function poolCode(output: PoolOutput, p: Pool, d: Profile, group: string): string {
  const round = roundOf(output, p, d);
  const { size, step, height, held, writesVec4 } = round;
  const back = output === 'dx';
  const { row, all, held: names, value } = p.max ? (back ? gradients(round) : maxima(round)) : means(round);
  const of = (r: number) => names.map(name => name.replace('#', `${r}`));
  const zero = (name: string) => ({ a: '0u', b: '0' })[name[0]!] ?? '0.0';
  const rounds = back ? `(H + ${size[0] - 1}) / ${size[0]}` : 'OH';
  return (
    windowConstants(p) +
    finish(p.epilogue, writesVec4 ? 'vec4f' : 'f32') +
    wgsl`
@compute @workgroup_size(${d.lanes})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) index : u32) {
  let item = i32((${group}) * ${d.lanes}u + index); let t = min(item, op.items - 1);
  let plane = t / op.across; let tw = t % op.across;
  let H = op.h; let W = op.w; let OH = op.oh; let OW = op.ow;
  let read_h = ${back ? 'OH' : 'H'}; let read_w = ${back ? 'OW' : 'W'};
  let column = tw * ${size[1]}; let start = tw * ${step[1]}; let base = plane * read_h * read_w;
  ${findColumns(round)}
  ${unroll(held, r =>
    of(r)
      .map(name => `var ${name} = ${zero(name)};`)
      .join(' '),
  )}
  for (var i = ${-Math.ceil(held / step[0])}; i < ${rounds}; i++) {
    ${range(height)
      .slice(held)
      .map(r => `${findRow(round, r)}\n    ${row(r)}`)
      .join('')}
    ${all}
    if ((i >= 0) & (item < op.items)) {
    ${unroll(size[0], y => store(round, y, value))}
    }
    ${unroll(held, r =>
      of(r)
        .map((name, n) => `${name} = ${of(r + step[0])[n]};`)
        .join(' '),
    )}
  }
}`
  );
}
