/** WGSL of the convolutions of lanes.ts. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { isVector, type Rows } from '../lane-tiles.ts';
import { isInside, padsOf, type Conv } from '../shape.ts';
import { findColumns, id, loadRow, sorted, storeSums, type RowLoad } from './rows.ts';
import { finish } from '../../kernel/epilogue.ts';
import type { Profile } from '../../kernel/kernel.ts';
import { ceilDiv } from '../../kernel/loops.ts';
import { addTo, declareSums } from '../../kernel/sums.ts';
import { range, unroll } from '../../kernel/wgsl.ts';

/** The outputs of one lane (th x tw), the channels of one subgroup, and whether all taps of a channel are unrolled. */
export interface ForwardTile {
  readonly th: number;
  readonly tw: number;
  readonly channels: number;
  readonly whole: boolean;
  /** Whether a lane has all of an image: which taps reach over its edges is known then. */
  readonly isImage: boolean;
}

const isWithin = (at: number, size: number) => at >= 0 && at < size;

/**
 * The convolution. For 3x3 on images of one row of four pixels and four output channels, `lanes shuffle`: `x{row}_{column}` is what a lane
 * reads, `w{holder}_{tap}` a weight of the channel that it holds, `a{tap}` one of the channel whose sums follow.
 *
 * ```wgsl
 * let h0 = top + 0;
 * let ok0 = u32(h0) < u32(H); let row0 = clamp(h0, 0, H - 1) * W;
 * …
 * for (var c = 0; c < op.cg; c++) {
 *   let e0 = base + row0;
 *   let v0_0 = select(vec4f(0.0), x[e0 / 4 + 0], ok0);
 *   let x0_m1 = select(subgroupShuffleUp(v0_0.w, 1u), 0.0, tw == 0);
 *   let x0_0 = v0_0.x;
 *   …
 *   let w0_0 = weight[w0 + 0 * op.wt];
 *   …
 *   {
 *     let a0 = subgroupBroadcast(w0_0, 0u); let a1 = subgroupBroadcast(w0_1, 0u); let a2 = subgroupBroadcast(w0_2, 0u); …
 *     sums[0] = sums[0] + a0 * x0_m1 + a1 * x0_0 + a2 * x0_1 + …
 *     sums[1] = sums[1] + a0 * x0_0 + a1 * x0_1 + a2 * x0_2 + …
 *     …
 *   }
 *   {
 *     let a0 = subgroupBroadcast(w0_0, 1u); let a1 = subgroupBroadcast(w0_1, 1u); let a2 = subgroupBroadcast(w0_2, 1u); …
 *     sums[4] = sums[4] + a0 * x0_m1 + a1 * x0_0 + a2 * x0_1 + …
 * ```
 */
export function forwardCode(rows: Rows, p: Conv, d: Profile, { th, tw, channels, whole, isImage }: ForwardTile): string {
  const S = d.lanes;
  const [kh, kw] = p.k;
  const [sh, sw] = p.stride;
  const [dh, dw] = p.dilation;
  const pads = padsOf(p);
  const vector = isVector(rows);
  const haloed = rows !== 'scalar';
  const holders = ceilDiv(channels, S); // a lane holds the weights of so many channels
  const held = (g: number) => `min(o0 + ${g * S} + lane, op.og - 1)`;
  const broadcast = (name: string, i: number, suffix = '') => `subgroupBroadcast(${name}${Math.floor(i / S)}${suffix}, ${i % S}u)`;

  // Columns count from `start`: the tile's first column where those around it are its halo, else the first that it reads.
  const column = (x: number, s: number) => x * sw + s * dw - (haloed ? (kw - 1) / 2 : 0);
  const isThere = (y: number, x: number, r: number, s: number) =>
    !isImage || (isWithin(y * sh + r * dh - p.pad[0], p.h) && isWithin(x * sw + s * dw - p.pad[1], p.w));
  const load: RowLoad = {
    buffer: 'x',
    rows,
    step: tw * sw,
    offsets: sorted(
      range(tw).flatMap(x =>
        range(kw)
          .filter(s => !isImage || isWithin(x * sw + s * dw - p.pad[1], p.w))
          .map(s => column(x, s)),
      ),
    ),
    free: !haloed && (isImage || (isInside(p) && p.ow % tw === 0 && p.oh % th === 0)),
  };
  // Rows go by their distance from `top`, or, within the loop over r, by the row of the tile that reads them.
  const rowOf = (y: number, r: number) => (whole ? y * sh + r * dh : y);
  const rowKeys = [...new Set(range(th).flatMap(y => (whole ? range(kh) : [0]).map(r => rowOf(y, r))))].filter(
    row => !isImage || isWithin(row - p.pad[0], p.h),
  );
  const findRow = (row: number) => `
    let h${row} = ${whole ? `top + ${row}` : `top + ${row * sh} + r * ${dh}`};
    let ok${row} = u32(h${row}) < u32(H); let row${row} = clamp(h${row}, 0, H - 1) * W;`;
  const findRows = rowKeys.map(findRow).join('');
  const readRow = (row: number) => `
    let e${row} = base + row${row};
${loadRow(String(row), load)}`;
  const isUsed = (t: number) => range(th * tw).some(i => isThere(Math.floor(i / tw), i % tw, Math.floor(t / kw), t % kw));
  const taps = whole
    ? range(kh * kw)
        .filter(isUsed)
        .map(t => ({ r: Math.floor(t / kw), s: t % kw, at: `${t}` }))
    : range(kw).map(s => ({ r: 0, s, at: `(r * ${kw} + ${s})` }));
  const multiply = (i: number) => {
    const products = (y: number, x: number) =>
      taps.flatMap(({ r, s }, tap) => (isThere(y, x, r, s) ? [`a${tap} * x${rowOf(y, r)}_${id(column(x, s))}`] : []));
    return `    {
      ${unroll(taps.length, tap => `let a${tap} = ${broadcast('w', i, `_${tap}`)};`, ' ')}
      ${unroll(th, y => unroll(tw, x => addTo((i * th + y) * tw + x, products(y, x)), '\n      '), '\n      ')}
    }`;
  };
  const body = `
${rowKeys.map(readRow).join('\n')}
${taps.map((t, tap) => unroll(holders, g => `    let w${g}_${tap} = weight[w${g} + ${t.at} * op.wt];`)).join('\n')}
${unroll(channels, multiply)}`;

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
  let start = column * ${sw}${haloed ? '' : ` - ${pads.left}`}; let top = row * ${sh} - ${pads.top};
  ${unroll(holders, g => `var w${g} = i32(group.z) * op.og * op.cg * ${kh * kw} + ${held(g)} * op.wo + op.w0;`)}
  ${p.bias ? unroll(holders, g => `let bias${g} = bias[i32(group.z) * op.og + ${held(g)}];`) : ''}
${declareSums(channels * th * tw, { start: p.bias && (sum => broadcast('bias', Math.floor(sum / (th * tw)))) })}
  ${findColumns(load)}${whole ? findRows : ''}
  var base = (n * op.c + i32(group.z) * op.cg) * H * W + start;
  for (var c = 0; c < op.cg; c++) {
    #if ${whole}
${body}
    #else
    for (var r = 0; r < ${kh}; r++) {
${findRows}
${body}
    }
    #endif
    base += H * W;
    ${unroll(holders, g => `w${g} += op.wc;`, ' ')}
  }
  if (tile < op.tiles) {
    for (var o = o0; o < min(o0 + ${channels}, op.og); o++) {
      let first = (o - o0) * ${th * tw};${storeSums({
        buffer: 'y',
        width: tw,
        height: th,
        vector,
        columns: 'op.ow',
        rows: 'op.oh',
        plane: '(n * op.o + i32(group.z) * op.og + o)',
      })}
    }
  }
}`
  );
}
