/** WGSL of the input gradient of lanes.ts. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { Conv } from '../shape.ts';
import { findColumns, id, loadRow, sorted, storeSums, type RowLoad } from './rows.ts';
import { finish } from '../../kernel/epilogue.ts';
import type { Profile } from '../../kernel/kernel.ts';
import { ceilDiv } from '../../kernel/loops.ts';
import { areaOf } from '../../kernel/pair.ts';
import { declareSums } from '../../kernel/sums.ts';
import { range, unroll } from '../../kernel/wgsl.ts';

/** Outputs of one lane and channels of one subgroup. */
export interface InputTile {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
}

/**
 * The input gradient for stride 2: which taps an input gets depends on the parity of its row and column alone, so a tile of 2 x 8
 * inputs is unrolled with the taps of each known while the code is made. For 3x3, `lanes vec4`: `u{tap}` is a weight of the channel whose
 * sums follow, `x{row}_{column}` of dy.
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
 *   sums[0] += u4 * x0_0; sums[1] += u3 * x0_1 + u5 * x0_0; sums[2] += u4 * x0_1; sums[3] += u3 * x0_2 + u5 * x0_1; …
 * ```
 */
export function inputCode(rows: RowLoad['rows'], p: Conv, d: Profile, tile: InputTile): string {
  const S = d.lanes;
  const taps = areaOf(p.k);
  const vector = rows === 'vec4';
  const holders = ceilDiv(tile.channels, S); // a lane holds the weights of so many channels
  const held = (g: number) => `min(c0 + ${g * S} + lane, op.cg - 1)`;
  /** Taps along an axis that an input at position `a` of its tile gets, with the offset of the output that they come from. */
  const reached = (axis: 0 | 1, a: number) =>
    range(p.k[axis])
      .filter(r => (a + p.pad[axis] - r) % 2 === 0)
      .map(r => ({ r, offset: (a + p.pad[axis] - r) / 2 }));
  const offsetsOf = (axis: 0 | 1, size: number) => range(size).flatMap(a => reached(axis, a).map(t => t.offset));
  const load: RowLoad = { buffer: 'dy', rows, step: 4, offsets: sorted(offsetsOf(1, tile.columns)) };
  const readRow = (row: number) => `
    let h${id(row)} = top + ${row};
    let ok${id(row)} = u32(h${id(row)}) < u32(H);
    let e${id(row)} = base + clamp(h${id(row)}, 0, H - 1) * W;
${loadRow(id(row), load)}`;
  const products = (y: number, x: number) =>
    reached(0, y)
      .flatMap(r => reached(1, x).map(s => `u${r.r * p.k[1] + s.r} * x${id(r.offset)}_${id(s.offset)}`))
      .join(' + ');
  const bias = (i: number) => `subgroupBroadcast(bias${Math.floor(i / S)}, ${i % S}u)`;
  const sumOf = (i: number, y: number, x: number) => (i * tile.rows + y) * tile.columns + x;
  const add = (i: number, y: number, x: number) => products(y, x) && `sums[${sumOf(i, y, x)}] += ${products(y, x)};`;

  return (
    finish(p.epilogue, vector ? 'vec4f' : 'f32') +
    wgsl`
@compute @workgroup_size(${S})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) index : u32) {
  let lane = i32(index); let H = op.oh; let W = op.ow;       // the image read here is dy
  let tile = i32(group.x) * ${S} + lane;
  let t = min(tile, op.tiles - 1);
  let tw = t % op.across; let th = t / op.across % op.down; let n = t / (op.across * op.down);
  let c0 = i32(group.y) * ${tile.channels};
  let column = tw * ${tile.columns}; let row = th * ${tile.rows};
  let start = column / 2; let top = row / 2; ${findColumns(load)}
  ${unroll(holders, g => `var w${g} = (i32(group.z) * op.og * op.cg + ${held(g)}) * ${taps};`)}${
    p.bias ? unroll(holders, g => `\n  let bias${g} = bias[i32(group.z) * op.cg + ${held(g)}];`) : ''
  }
${declareSums(sumOf(tile.channels, 0, 0), { start: p.bias && (sum => bias(Math.floor(sum / sumOf(1, 0, 0)))) })}
  var base = (n * op.o + i32(group.z) * op.og) * H * W + start;
  for (var o = 0; o < op.og; o++) {
${[...new Set(offsetsOf(0, tile.rows))].map(readRow).join('\n')}
${unroll(taps, t => unroll(holders, g => `    let w${g}_${t} = weight[w${g} + ${t}];`))}
${unroll(
  tile.channels,
  i => `
    {
      ${unroll(taps, t => `let u${t} = subgroupBroadcast(w${Math.floor(i / S)}_${t}, ${i % S}u);`, ' ')}
      ${unroll(tile.rows, y => unroll(tile.columns, x => add(i, y, x), ' '), ' ')}
    }`,
)}
    base += H * W;
    ${unroll(holders, g => `w${g} += op.cg * ${taps};`, ' ')}
  }
  if (tile < op.tiles) {
    for (var c = c0; c < min(c0 + ${tile.channels}, op.cg); c++) {
      let first = (c - c0) * ${sumOf(1, 0, 0)};${storeSums({
        buffer: 'dx',
        width: tile.columns,
        height: tile.rows,
        vector,
        columns: 'op.w',
        rows: 'op.h',
        plane: '(n * op.c + i32(group.z) * op.cg + c)',
      })}
    }
  }
}`
  );
}
