/**
 * Convolutions for software adapters (S = lanes of one subgroup = one workgroup). Lane l computes one tile of neighbouring outputs for
 * several channels, in named scalars; the weights of a tap are held one channel per lane and broadcast. No barrier, no shared memory: a
 * load costs as much as 16 multiplications there, so each must serve many. Sizes are read at run time.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { Conv } from './shape.ts';
import { finish } from '../kernel/epilogue.ts';
import { isSoftware, type Variant } from '../kernel/kernel.ts';
import { ceilDiv, evenShare } from '../kernel/loops.ts';
import { range, unroll, XYZW } from '../kernel/wgsl.ts';

/** How a row of the input is loaded: aligned vec4f with the halo from the neighbouring lane, the halo loaded, or scalars. */
type Rows = 'shuffle' | 'vec4' | 'scalar';

/** The sizes of a call by which its weights are found: strides per output channel, per input channel, the first tap, per tap. */
export const weightStrides = ({ k, c, o, groups, flip }: Conv) => {
  const taps = k * k;
  return flip ? { wo: taps, wc: (o / groups) * taps, w0: taps - 1, wt: -1 } : { wo: (c / groups) * taps, wc: taps, w0: 0, wt: 1 };
};

/** A number as part of a name. */
const id = (offset: number) => String(offset).replace('-', 'm');

/** Numbers without repetition, in order. */
const sorted = (numbers: readonly number[]) => [...new Set(numbers)].sort((a, b) => a - b);

interface RowLoad {
  readonly buffer: string;
  readonly rows: Rows;
  /** Columns between neighbouring lanes. */
  readonly step: number;
  /** Columns to load, counted from `start`. */
  readonly offsets: readonly number[];
  /** No tile reaches over an edge. */
  readonly free?: boolean;
}

/**
 * WGSL that loads columns `start + offset` of one row into `x{row}_{offset}`, zeros outside the image. `e{row}` is the index of column
 * `start`, `ok{row}` says whether the row exists.
 */
function loadRow(row: string, { buffer, rows, step, offsets, free }: RowLoad): string {
  if (rows === 'scalar')
    return offsets
      .map(o => {
        const value = `${buffer}[e${row} + ${o}]`;
        return `    let x${row}_${id(o)} = ${free ? value : `select(0.0, ${value}, ok${row} & (u32(start + ${o}) < u32(W)))`};`;
      })
      .join('\n');

  const vec4s = step / 4;
  const own = range(vec4s).map(q => `    let v${row}_${q} = select(vec4f(0.0), ${buffer}[e${row} / 4 + ${q}], ok${row});`);
  const columns = offsets.map(o => {
    const vec4 = Math.floor(o / 4);
    const part = XYZW[((o % 4) + 4) % 4];
    const value = () => {
      if (vec4 >= 0 && vec4 < vec4s) return `v${row}_${vec4}.${part}`;
      const exists = o < 0 ? '(tw > 0)' : '(tw + 1 < op.across)';
      if (rows === 'vec4') return `select(0.0, ${buffer}[e${row} / 4 + ${vec4}].${part}, ok${row} & ${exists})`;
      return o < 0
        ? `select(subgroupShuffleUp(v${row}_${vec4s - 1}.${part}, 1u), 0.0, tw == 0)`
        : `select(subgroupShuffleDown(v${row}_0.${part}, 1u), 0.0, tw + 1 == op.across)`;
    };
    return `    let x${row}_${id(o)} = ${value()};`;
  });
  return [...own, ...columns].join('\n');
}

/** WGSL: the sums of a tile, `c{channel}_{row}_{column}`. */
const declareSums = (channels: number, height: number, width: number, start: (channel: number) => string): string =>
  unroll(channels, i => `  ${unroll(height, y => unroll(width, x => `var c${i}_${y}_${x} = ${start(i)};`, ' '), ' ')}`);

interface RowStore {
  readonly buffer: string;
  readonly width: number;
  readonly vector: boolean;
  /** WGSL: the columns of the image. */
  readonly columns: string;
}

/** WGSL that stores row `y` of channel `i` of a tile from place `out` on, as far as it is inside the image. */
function storeRow(i: number, y: number, { buffer, width, vector, columns }: RowStore): string {
  const sum = (x: number) => `c${i}_${y}_${x}`;
  if (vector)
    return unroll(
      width / 4,
      q => `
        {
          let at = u32(out + ${4 * q}) / 4;
          ${buffer}[at] = finish(vec4f(${range(4)
            .map(x => sum(4 * q + x))
            .join(', ')}), at);
        }`,
    );
  return unroll(
    width,
    x => `
        if (column + ${x} < ${columns}) { let at = u32(out + ${x}); ${buffer}[at] = finish(${sum(x)}, at); }`,
  );
}

/** Tiles of th x tw in `n` images of h x w: across and down an image, and in all. */
function tilesOf(n: number, h: number, w: number, th: number, tw: number) {
  const across = ceilDiv(w, tw);
  const down = ceilDiv(h, th);
  return { across, down, tiles: n * across * down };
}

/** The outputs of one lane (th x tw) and the channels of one subgroup: little enough code for the instruction cache, no lane idle. */
function forwardTile(p: Conv, rows: Rows) {
  const whole = p.k <= 3; // all taps of a channel unrolled; larger kernels loop over their rows
  const taps = whole ? p.k * p.k : p.k;
  const widths = rows !== 'scalar' ? [4] : p.ow < 4 ? [p.ow] : [4, 5, 7];
  const covered = (width: number) => ceilDiv(p.ow, width) * width;
  const tw = widths.reduce((best, width) => (covered(width) < covered(best) ? width : best));
  const th = Math.min(2, p.oh);
  const most = Math.floor(Math.min(p.k === 1 ? 128 : 96, 640 / taps) / (th * tw));
  const channels = evenShare(p.o / p.groups, Math.max(4, Math.min(16, most)));
  return { th, tw, channels, whole, ...tilesOf(p.n, p.oh, p.ow, th, tw) };
}

/** Whether each lane's columns of the input begin at a multiple of four, with a halo of at most two on either side. */
const aligned = (p: Conv) =>
  p.w % 4 === 0 &&
  p.ow % 4 === 0 &&
  p.dilation === 1 &&
  p.stride <= 2 &&
  p.k % 2 === 1 &&
  p.k <= 5 &&
  p.pad === (p.k - 1) / 2 &&
  p.w === p.ow * p.stride &&
  p.h === p.oh * p.stride;

/**
 * The convolution. For 3x3 on images of one row of four pixels and four output channels, `lanes shuffle`: `x{row}_{column}` is what a lane
 * reads, `w{holder}_{tap}` a weight of the channel that it holds, `c{channel}_{row}_{column}` a sum.
 *
 * ```wgsl
 * for (var c = 0; c < op.cg; c++) {
 *   let h0 = top + 0;
 *   let ok0 = u32(h0) < u32(H);
 *   let e0 = base + clamp(h0, 0, H - 1) * W;
 *   let v0_0 = select(vec4f(0.0), x[e0 / 4 + 0], ok0);
 *   let x0_m1 = select(subgroupShuffleUp(v0_0.w, 1u), 0.0, tw == 0);
 *   let x0_0 = v0_0.x;
 *   …
 *   let w0_0 = weight[w0 + 0 * op.wt];
 *   …
 *   { let a = subgroupBroadcast(w0_0, 0u); c0_0_0 += a * x0_m1; c0_0_1 += a * x0_0; c0_0_2 += a * x0_1; c0_0_3 += a * x0_2; }
 *   { let a = subgroupBroadcast(w0_1, 0u); c0_0_0 += a * x0_0; c0_0_1 += a * x0_1; c0_0_2 += a * x0_2; c0_0_3 += a * x0_3; }
 *   …
 *   { let a = subgroupBroadcast(w0_0, 1u); c1_0_0 += a * x0_m1; c1_0_1 += a * x0_0; c1_0_2 += a * x0_1; c1_0_3 += a * x0_2; }
 * ```
 */
export const forwardLanes = (rows: Rows): Variant<Conv> => ({
  name: `lanes ${rows}`,
  needs: ['subgroups'],
  fits: (p, d) => {
    if (!isSoftware(d) || p.moments) return false;
    if (rows === 'scalar') return true;
    if (!aligned(p) || p.o / p.groups < 4) return false;
    const { across, tiles } = forwardTile(p, rows);
    return rows === 'vec4' || (d.lanes % across === 0 && tiles % d.lanes === 0);
  },
  ...(rows !== 'scalar' && { vec4: ['x', 'y'] }),
  sizes: p => {
    const { across, down, tiles } = forwardTile(p, rows);
    return {
      c: p.c,
      h: p.h,
      w: p.w,
      o: p.o,
      oh: p.oh,
      ow: p.ow,
      cg: p.c / p.groups,
      og: p.o / p.groups,
      pad: p.pad,
      across,
      down,
      tiles,
      ...weightStrides(p),
    };
  },
  grid: (p, d) => {
    const { tiles, channels } = forwardTile(p, rows);
    return [ceilDiv(tiles, d.lanes), ceilDiv(p.o / p.groups, channels), p.groups];
  },
  code: (p, d) => {
    const S = d.lanes;
    const { k, stride, dilation } = p;
    const vector = rows !== 'scalar';
    const { th, tw, channels, whole } = forwardTile(p, rows);
    const holders = ceilDiv(channels, S); // a lane holds the weights of so many channels
    const held = (g: number) => `min(o0 + ${g * S} + lane, op.og - 1)`;
    const broadcast = (name: string, i: number, suffix = '') => `subgroupBroadcast(${name}${Math.floor(i / S)}${suffix}, ${i % S}u)`;

    // Columns count from `start`: the tile's first column where vec4f are loaded, else the first that it reads.
    const column = (x: number, s: number) => x * stride + s * dilation - (vector ? (k - 1) / 2 : 0);
    const load: RowLoad = {
      buffer: 'x',
      rows,
      step: tw * stride,
      offsets: sorted(range(tw).flatMap(x => range(k).map(s => column(x, s)))),
      free: !vector && p.pad === 0 && p.ow % tw === 0 && p.oh % th === 0,
    };
    // Rows go by their distance from `top`, or, within the loop over r, by the row of the tile that reads them.
    const rowOf = (y: number, r: number) => (whole ? y * stride + r * dilation : y);
    const rowKeys = [...new Set(range(th).flatMap(y => (whole ? range(k) : [0]).map(r => rowOf(y, r))))];
    const readRow = (row: number) => `
    let h${row} = ${whole ? `top + ${row}` : `top + ${row * stride} + r * ${dilation}`};
    let ok${row} = u32(h${row}) < u32(H);
    let e${row} = base + clamp(h${row}, 0, H - 1) * W;
${loadRow(String(row), load)}`;
    const taps = whole
      ? range(k * k).map(t => ({ r: Math.floor(t / k), s: t % k, at: `${t}` }))
      : range(k).map(s => ({ r: 0, s, at: `(r * ${k} + ${s})` }));
    const multiply = (i: number, { r, s }: { r: number; s: number }, tap: number) => {
      const add = (y: number, x: number) => `c${i}_${y}_${x} += a * x${rowOf(y, r)}_${id(column(x, s))};`;
      return `    { let a = ${broadcast('w', i, `_${tap}`)}; ${unroll(th, y => unroll(tw, x => add(y, x), ' '), ' ')} }`;
    };
    const body = `
${rowKeys.map(readRow).join('\n')}
${taps.map((t, tap) => unroll(holders, g => `    let w${g}_${tap} = weight[w${g} + ${t.at} * op.wt];`)).join('\n')}
${unroll(channels, i => taps.map((t, tap) => multiply(i, t, tap)).join('\n'))}`;

    return (
      finish(p.epilogue, vector ? 'vec4f' : 'f32') +
      wgsl`
@compute @workgroup_size(${S})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) index : u32) {
  let lane = i32(index); let H = op.h; let W = op.w;
  let tile = i32(group.x) * ${S} + lane;
  let t = min(tile, op.tiles - 1);
  let tw = t % op.across; let th = t / op.across % op.down; let n = t / (op.across * op.down);
  let o0 = i32(group.y) * ${channels};                      // first output channel within the group
  let column = tw * ${tw}; let row = th * ${th};            // first output of this lane's tile
  let start = column * ${stride}${vector ? '' : ' - op.pad'}; let top = row * ${stride} - op.pad;
  ${unroll(holders, g => `var w${g} = i32(group.z) * op.og * op.cg * ${k * k} + ${held(g)} * op.wo + op.w0;`)}
  ${p.bias ? unroll(holders, g => `let bias${g} = bias[i32(group.z) * op.og + ${held(g)}];`) : ''}
${declareSums(channels, th, tw, i => (p.bias ? broadcast('bias', i) : '0.0'))}
  var base = (n * op.c + i32(group.z) * op.cg) * H * W + start;
  for (var c = 0; c < op.cg; c++) {
    #if ${whole}
${body}
    #else
    for (var r = 0; r < ${k}; r++) {
${body}
    }
    #endif
    base += H * W;
    ${unroll(holders, g => `w${g} += op.wc;`, ' ')}
  }
  if (tile < op.tiles) {
${unroll(
  channels,
  i => `
    if (o0 + ${i} < op.og) {${unroll(
      th,
      y => `
      if (row + ${y} < op.oh) {
        let out = ((n * op.o + i32(group.z) * op.og + o0 + ${i}) * op.oh + row + ${y}) * op.ow + column;
        ${storeRow(i, y, { buffer: 'y', width: tw, vector, columns: 'op.ow' })}
      }`,
    )}
    }`,
)}
  }
}`
    );
  },
});

/** Outputs of one lane of the strided input gradient: `rows` x `columns` of dx, from half as many of dy (stride 2). */
const BACK = { rows: 2, columns: 8, channels: 8 };
const backwardTiles = (p: Conv) => tilesOf(p.n, p.h, p.w, BACK.rows, BACK.columns);

/**
 * The input gradient for stride 2: which taps an input gets depends on the parity of its row and column alone, so a tile of 2 x 8
 * inputs is unrolled with the taps of each known while the code is made. For 3x3, `lanes vec4`: `u{tap}` is a weight of the channel whose
 * sums `c{channel}_{row}_{column}` are, `x{row}_{column}` of dy.
 *
 * ```wgsl
 * for (var o = 0; o < op.og; o++) {
 *   let h0 = top + 0;
 *   let ok0 = u32(h0) < u32(H);
 *   let e0 = base + clamp(h0, 0, H - 1) * W;
 *   let v0_0 = select(vec4f(0.0), dy[e0 / 4 + 0], ok0);
 *   let x0_0 = v0_0.x;
 *   …
 *   let w0_0 = weight[w0 + 0];
 *   …
 *   let u0 = subgroupBroadcast(w0_0, 0u); let u1 = subgroupBroadcast(w0_1, 0u); let u2 = subgroupBroadcast(w0_2, 0u); …
 *   c0_0_0 += u4 * x0_0; c0_0_1 += u3 * x0_1 + u5 * x0_0; c0_0_2 += u4 * x0_1; c0_0_3 += u3 * x0_2 + u5 * x0_1; …
 * ```
 */
export const backwardInputLanes = (rows: 'vec4' | 'scalar'): Variant<Conv> => ({
  name: `lanes ${rows}`,
  needs: ['subgroups'],
  fits: (p, d) =>
    isSoftware(d) &&
    p.stride === 2 &&
    p.dilation === 1 &&
    p.k <= 5 &&
    (rows === 'scalar' || (p.ow % 4 === 0 && p.w === 2 * p.ow && p.h === 2 * p.oh && p.pad <= 2)),
  ...(rows !== 'scalar' && { vec4: ['dy', 'dx'] }),
  sizes: p => ({
    c: p.c,
    h: p.h,
    w: p.w,
    o: p.o,
    oh: p.oh,
    ow: p.ow,
    cg: p.c / p.groups,
    og: p.o / p.groups,
    ...backwardTiles(p),
  }),
  grid: (p, d) => [ceilDiv(backwardTiles(p).tiles, d.lanes), ceilDiv(p.c / p.groups, BACK.channels), p.groups],
  code: (p, d) => {
    const S = d.lanes;
    const { k, pad } = p;
    const taps = k * k;
    const vector = rows === 'vec4';
    const holders = ceilDiv(BACK.channels, S); // a lane holds the weights of so many channels
    /** Taps along one axis that an input at position `a` of its tile gets, with the offset of the output that they come from. */
    const reached = (a: number) =>
      range(k)
        .filter(r => (a + pad - r) % 2 === 0)
        .map(r => ({ r, offset: (a + pad - r) / 2 }));
    const offsetsOf = (size: number) => range(size).flatMap(a => reached(a).map(t => t.offset));
    const load: RowLoad = { buffer: 'dy', rows, step: 4, offsets: sorted(offsetsOf(BACK.columns)) };
    const readRow = (row: number) => `
    let h${id(row)} = top + ${row};
    let ok${id(row)} = u32(h${id(row)}) < u32(H);
    let e${id(row)} = base + clamp(h${id(row)}, 0, H - 1) * W;
${loadRow(id(row), load)}`;
    const products = (y: number, x: number) =>
      reached(y)
        .flatMap(r => reached(x).map(s => `u${r.r * k + s.r} * x${id(r.offset)}_${id(s.offset)}`))
        .join(' + ');
    const add = (i: number, y: number, x: number) => products(y, x) && `c${i}_${y}_${x} += ${products(y, x)};`;

    return (
      finish(p.epilogue, vector ? 'vec4f' : 'f32') +
      wgsl`
@compute @workgroup_size(${S})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) index : u32) {
  let lane = i32(index); let H = op.oh; let W = op.ow;       // the image read here is dy
  let tile = i32(group.x) * ${S} + lane;
  let t = min(tile, op.tiles - 1);
  let tw = t % op.across; let th = t / op.across % op.down; let n = t / (op.across * op.down);
  let c0 = i32(group.y) * ${BACK.channels};
  let column = tw * ${BACK.columns}; let row = th * ${BACK.rows};
  let start = column / 2; let top = row / 2;
  ${unroll(holders, g => `var w${g} = (i32(group.z) * op.og * op.cg + min(c0 + ${g * S} + lane, op.cg - 1)) * ${taps};`)}
${declareSums(BACK.channels, BACK.rows, BACK.columns, () => '0.0')}
  var base = (n * op.o + i32(group.z) * op.og) * H * W + start;
  for (var o = 0; o < op.og; o++) {
${[...new Set(offsetsOf(BACK.rows))].map(readRow).join('\n')}
${unroll(taps, t => unroll(holders, g => `    let w${g}_${t} = weight[w${g} + ${t}];`))}
${unroll(
  BACK.channels,
  i => `
    {
      ${unroll(taps, t => `let u${t} = subgroupBroadcast(w${Math.floor(i / S)}_${t}, ${i % S}u);`, ' ')}
      ${unroll(BACK.rows, y => unroll(BACK.columns, x => add(i, y, x), ' '), ' ')}
    }`,
)}
    base += H * W;
    ${unroll(holders, g => `w${g} += op.cg * ${taps};`, ' ')}
  }
  if (tile < op.tiles) {
${unroll(
  BACK.channels,
  i => `
    if (c0 + ${i} < op.cg) {${unroll(
      BACK.rows,
      y => `
      if (row + ${y} < op.h) {
        let out = ((n * op.c + i32(group.z) * op.cg + c0 + ${i}) * op.h + row + ${y}) * op.w + column;
        ${storeRow(i, y, { buffer: 'dx', width: BACK.columns, vector, columns: 'op.w' })}
      }`,
    )}
    }`,
)}
  }
}`
    );
  },
});
