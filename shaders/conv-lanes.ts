import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { Conv } from './conv.ts';
import { finish } from './epilogue.ts';
import { ceilDiv, range, unroll, XYZW, type Variant } from './kernel.ts';

// Convolutions of software adapters (S = lanes of one subgroup = one workgroup). Lane l computes one tile of neighbouring
// outputs for several channels, in named scalars; the weights of a tap are held one channel per lane and broadcast. No barrier,
// no shared memory: a load costs as much as 16 multiplications there, so each must serve many. Sizes are read at run time.

/** How a row of the input is loaded: aligned vec4f with the halo from the neighbouring lane, the halo loaded, or scalars. */
type Rows = 'shuffle' | 'vec4' | 'scalar';

const id = (offset: number) => String(offset).replace('-', 'm');

/**
 * Loads columns `start + offset` of one row into `x{row}_{offset}`, zeros outside the image. In WGSL `e{row}` is the index of column
 * `start`, `ok{row}` says whether the row exists. `step` columns lie between neighbouring lanes.
 */
function loadRow(buffer: string, row: string, offsets: readonly number[], rows: Rows, step: number, free = false): string {
  if (rows === 'scalar') {
    const value = (o: number) => `${buffer}[e${row} + ${o}]`;
    return offsets.map(o => `    let x${row}_${id(o)} = ${free ? value(o) : `select(0.0, ${value(o)}, ok${row} & (u32(start + ${o}) < u32(W)))`};`).join('\n');
  }
  const quads = step / 4;
  const lines = range(quads).map(q => `    let v${row}_${q} = select(vec4f(0.0), ${buffer}[e${row} / 4 + ${q}], ok${row});`);
  for (const o of offsets) {
    const quad = Math.floor(o / 4), part = XYZW[((o % 4) + 4) % 4];
    const inner = quad >= 0 && quad < quads;
    const left = `select(subgroupShuffleUp(v${row}_${quads - 1}.${part}, 1u), 0.0, tw == 0)`;
    const right = `select(subgroupShuffleDown(v${row}_0.${part}, 1u), 0.0, tw + 1 == op.across)`;
    const loaded = `select(0.0, ${buffer}[e${row} / 4 + ${quad}].${part}, ok${row} & ${o < 0 ? '(tw > 0)' : '(tw + 1 < op.across)'})`;
    lines.push(`    let x${row}_${id(o)} = ${inner ? `v${row}_${quad}.${part}` : rows === 'vec4' ? loaded : o < 0 ? left : right};`);
  }
  return lines.join('\n');
}

/** The outputs of one lane (th x tw) and the channels of one subgroup: little enough code for the instruction cache, no lane idle. */
function forwardTile(p: Conv, rows: Rows): { th: number; tw: number; channels: number; whole: boolean } {
  const whole = p.k <= 3; // all taps of a channel unrolled; larger kernels loop over their rows
  const widths = rows === 'scalar' ? (p.ow < 4 ? [p.ow] : [4, 5, 7]) : [4];
  const tw = widths.reduce((best, w) => (ceilDiv(p.ow, w) * w < ceilDiv(p.ow, best) * best ? w : best));
  const th = Math.min(2, p.oh), og = p.o / p.groups;
  const taps = whole ? p.k * p.k : p.k;
  const most = Math.max(4, Math.min(16, Math.floor(Math.min(p.k === 1 ? 128 : 96, 640 / taps) / (th * tw))));
  return { th, tw, channels: ceilDiv(og, ceilDiv(og, most)), whole };
}

const aligned = (p: Conv) => p.w % 4 === 0 && p.ow % 4 === 0 && p.dilation === 1 && p.stride <= 2 && p.k % 2 === 1 && p.k <= 5
  && p.pad === (p.k - 1) / 2 && p.w === p.ow * p.stride && p.h === p.oh * p.stride;

export const forwardLanes = (rows: Rows): Variant<Conv> => ({
  name: `lanes ${rows}`,
  fits: (p, d) => {
    if (!d.lanes || p.moments) return false;
    if (rows === 'scalar') return true;
    if (!aligned(p) || (p.o / p.groups) < 4) return false;
    const across = p.ow / 4, tiles = p.n * ceilDiv(p.oh, Math.min(2, p.oh)) * across;
    return rows === 'vec4' || (d.lanes % across === 0 && tiles % d.lanes === 0);
  },
  ...(rows !== 'scalar' && { vec4: ['x', 'y', 'e0', 'e1'] }),
  sizes: p => {
    const { th, tw } = forwardTile(p, rows), kk = p.k * p.k, cg = p.c / p.groups, og = p.o / p.groups;
    const across = ceilDiv(p.ow, tw), down = ceilDiv(p.oh, th);
    return {
      c: p.c, h: p.h, w: p.w, o: p.o, oh: p.oh, ow: p.ow, cg, og, pad: p.pad, across, down, tiles: p.n * across * down,
      // strides of the weight: per output channel, per input channel, first tap, per tap
      wo: p.flip ? kk : cg * kk, wc: p.flip ? og * kk : kk, w0: p.flip ? kk - 1 : 0, wt: p.flip ? -1 : 1,
    };
  },
  grid: (p, d) => {
    const { th, tw, channels } = forwardTile(p, rows);
    return [ceilDiv(p.n * ceilDiv(p.oh, th) * ceilDiv(p.ow, tw), d.lanes), ceilDiv(p.o / p.groups, channels), p.groups];
  },
  code: (p, d) => {
    const S = d.lanes, { th, tw, channels, whole } = forwardTile(p, rows);
    const { k, stride, dilation } = p, groups = ceilDiv(channels, S), vector = rows !== 'scalar';
    const free = rows === 'scalar' && p.pad === 0 && p.ow % tw === 0 && p.oh % th === 0; // no tile reaches over an edge
    // Columns count from `start`: the tile's first column where vec4f are loaded, else the first that it reads.
    const column = (x: number, s: number) => x * stride + s * dilation - (vector ? (k - 1) / 2 : 0);
    const offsets = [...new Set(range(tw).flatMap(x => range(k).map(s => column(x, s))))].sort((a, b) => a - b);
    const rowOf = (y: number, r: number) => (whole ? y * stride + r * dilation : y);
    const rowKeys = [...new Set(range(th).flatMap(y => (whole ? range(k) : [0]).map(r => rowOf(y, r))))];
    const address = (row: number) => {
      const h = whole ? `top + ${row}` : `top + ${row * stride} + r * ${dilation}`;
      return `let h${row} = ${h}; let ok${row} = u32(h${row}) < u32(H); let e${row} = base + clamp(h${row}, 0, H - 1) * W;`;
    };
    const taps = whole ? range(k * k).map(t => ({ r: Math.floor(t / k), s: t % k, at: `${t}` })) : range(k).map(s => ({ r: 0, s,
      at: `(r * ${k} + ${s})` }));
    const type = vector ? 'vec4f' : 'f32';
    const body = `
${rowKeys.map(row => `    ${address(row)}\n${loadRow('x', String(row), offsets, rows, tw * stride, free)}`).join('\n')}
${taps.map((t, i) => unroll(groups, g => `    let w${g}_${i} = weight[w${g} + ${t.at} * op.wt];`)).join('\n')}
${range(channels).map(i => taps.map((t, j) => `    { let a = subgroupBroadcast(w${Math.floor(i / S)}_${j}, ${i % S}u); ${range(th).map(y => range(tw).map(x =>
      `c${i}_${y}_${x} += a * x${rowOf(y, t.r)}_${id(column(x, t.s))};`).join(' ')).join(' ')} }`).join('\n')).join('\n')}`;
    const store = vector
      ? (i: number, y: number) =>
        unroll(tw / 4, q => `{ let at = u32(out + ${4 * q}) / 4; y[at] = finish(vec4f(${range(4).map(j => `c${i}_${y}_${4 * q + j}`).join(', ')}), at); }`, ' ')
      : (i: number, y: number) =>
        unroll(tw, x => `if (column + ${x} < op.ow) { let at = u32(out + ${x}); y[at] = finish(c${i}_${y}_${x}, at); }`, ' ');
    return finish(p.epilogue, type) + wgsl`
@compute @workgroup_size(${S})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) index : u32) {
  let lane = i32(index); let H = op.h; let W = op.w;
  let tile = i32(group.x) * ${S} + lane;
  let t = min(tile, op.tiles - 1);
  let tw = t % op.across; let th = t / op.across % op.down; let n = t / (op.across * op.down);
  let o0 = i32(group.y) * ${channels};                      // first output channel within the group
  let column = tw * ${tw}; let row = th * ${th};            // first output of this lane's tile
  let start = column * ${stride}${vector ? '' : ' - op.pad'}; let top = row * ${stride} - op.pad;
  ${unroll(groups, g => `var w${g} = i32(group.z) * op.og * op.cg * ${k * k} + min(o0 + ${g * S} + lane, op.og - 1) * op.wo + op.w0;`)}
  ${p.bias ? unroll(groups, g => `let bias${g} = bias[i32(group.z) * op.og + min(o0 + ${g * S} + lane, op.og - 1)];`) : ''}
  ${range(channels).map(i => range(th).map(y => range(tw).map(x => `var c${i}_${y}_${x} = ${p.bias ? `subgroupBroadcast(bias${Math.floor(i / S)}, ${i % S}u)` : '0.0'};`).join(' ')).join(' ')).join('\n  ')}
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
    ${unroll(groups, g => `w${g} += op.wc;`, ' ')}
  }
  if (tile < op.tiles) {
${range(channels).map(i => `    if (o0 + ${i} < op.og) {\n${range(th).map(y => `      if (row + ${y} < op.oh) { let out = ((n * op.o + i32(group.z) * op.og + o0 + ${i}) * op.oh + row + ${y}) * op.ow + column; ${store(i, y)} }`).join('\n')}\n    }`).join('\n')}
  }
}`;
  },
});

/** Outputs of one lane of the strided input gradient: `rows` x `cols` of dx, from half as many of dy (stride 2). */
const BACK = { rows: 2, cols: 8, channels: 8 };

/**
 * The input gradient for stride 2: which taps an input gets depends on the parity of its row and column alone, so a tile of 2 x 8
 * inputs is unrolled with the taps of each known while the code is made.
 */
export const backwardInputLanes = (rows: 'vec4' | 'scalar'): Variant<Conv> => ({
  name: `lanes ${rows}`,
  fits: (p, d) => d.lanes > 0 && p.stride === 2 && p.dilation === 1 && p.k <= 5
    && (rows === 'scalar' || (p.ow % 4 === 0 && p.w === 2 * p.ow && p.h === 2 * p.oh && p.pad <= 2)),
  ...(rows !== 'scalar' && { vec4: ['dy', 'dx', 'e0', 'e1'] }),
  sizes: p => {
    const across = ceilDiv(p.w, BACK.cols), down = ceilDiv(p.h, BACK.rows);
    return { c: p.c, h: p.h, w: p.w, o: p.o, oh: p.oh, ow: p.ow, cg: p.c / p.groups, og: p.o / p.groups, across, down,
      tiles: p.n * across * down };
  },
  grid: (p, d) => [ceilDiv(p.n * ceilDiv(p.w, BACK.cols) * ceilDiv(p.h, BACK.rows), d.lanes), ceilDiv(p.c / p.groups, BACK.channels),
    p.groups],
  code: (p, d) => {
    const S = d.lanes, { k, pad } = p, groups = ceilDiv(BACK.channels, S), vector = rows === 'vec4';
    /** Taps that an input at parity position `a` gets, with the offset of the output that they come from. */
    const taps = (a: number) => range(k).filter(r => (a + pad - r) % 2 === 0).map(r => ({ r, offset: (a + pad - r) / 2 }));
    const rowOffsets = [...new Set(range(BACK.rows).flatMap(a => taps(a).map(t => t.offset)))];
    const offsets = [...new Set(range(BACK.cols).flatMap(a => taps(a).map(t => t.offset)))].sort((a, b) => a - b);
    const sum = (y: number, x: number) =>
      taps(y).flatMap(r => taps(x).map(s => `u${r.r * k + s.r} * x${id(r.offset)}_${id(s.offset)}`)).join(' + ');
    const store = vector
      ? (i: number, y: number) =>
        unroll(BACK.cols / 4, q =>
        `{ let at = u32(out + ${4 * q}) / 4; dx[at] = finish(vec4f(${range(4).map(j => `c${i}_${y}_${4 * q + j}`).join(', ')}), at); }`, ' ')
      : (i: number, y: number) =>
        unroll(BACK.cols, x => `if (column + ${x} < op.w) { let at = u32(out + ${x}); dx[at] = finish(c${i}_${y}_${x}, at); }`, ' ');
    return finish(p.epilogue, vector ? 'vec4f' : 'f32') + wgsl`
@compute @workgroup_size(${S})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) index : u32) {
  let lane = i32(index); let H = op.oh; let W = op.ow;       // the image read here is dy
  let tile = i32(group.x) * ${S} + lane;
  let t = min(tile, op.tiles - 1);
  let tw = t % op.across; let th = t / op.across % op.down; let n = t / (op.across * op.down);
  let c0 = i32(group.y) * ${BACK.channels};
  let column = tw * ${BACK.cols}; let row = th * ${BACK.rows};
  let start = column / 2; let top = row / 2;
  ${unroll(groups, g => `var w${g} = (i32(group.z) * op.og * op.cg + min(c0 + ${g * S} + lane, op.cg - 1)) * ${k * k};`)}
  ${range(BACK.channels).map(i => range(BACK.rows).map(y => range(BACK.cols).map(x => `var c${i}_${y}_${x} = 0.0;`).join(' ')).join(' ')).join('\n  ')}
  var base = (n * op.o + i32(group.z) * op.og) * H * W + start;
  for (var o = 0; o < op.og; o++) {
${rowOffsets.map(r => `    let h${id(r)} = top + ${r}; let ok${id(r)} = u32(h${id(r)}) < u32(H); let e${id(r)} = base + clamp(h${id(r)}, 0, H - 1) * W;\n${loadRow('dy', id(r), offsets, rows, 4)}`).join('\n')}
${range(k * k).map(t => unroll(groups, g => `    let w${g}_${t} = weight[w${g} + ${t}];`)).join('\n')}
${range(BACK.channels).map(i => `    { ${range(k * k).map(t => `let u${t} = subgroupBroadcast(w${Math.floor(i / S)}_${t}, ${i % S}u);`).join(' ')}
      ${range(BACK.rows).map(y => range(BACK.cols).map(x => (sum(y, x) ? `c${i}_${y}_${x} += ${sum(y, x)};` : '')).join(' ')).join(' ')} }`).join('\n')}
    base += H * W;
    ${unroll(groups, g => `w${g} += op.cg * ${k * k};`, ' ')}
  }
  if (tile < op.tiles) {
${range(BACK.channels).map(i => `    if (c0 + ${i} < op.cg) {\n${range(BACK.rows).map(y => `      if (row + ${y} < op.h) { let out = ((n * op.c + i32(group.z) * op.cg + c0 + ${i}) * op.h + row + ${y}) * op.w + column; ${store(i, y)} }`).join('\n')}\n    }`).join('\n')}
  }
}`;
  },
});
