/** WGSL of the weight gradients of weight-lanes-3x3.ts. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { ConvWeight } from '../shape.ts';
import { broadcastDy, head, heldChannel } from './weight.ts';
import { multiplyTaps, startTaps, storeTaps } from './channels.ts';
import type { Profile } from '../../kernel/kernel.ts';
import { ceilDiv } from '../../kernel/loops.ts';
import { range, unroll, XYZW } from '../../kernel/wgsl.ts';

/**
 * 3 x 3 of stride 1 on images of at most 8 columns: three whole rows are held and slide down the image, so that x is loaded once. For images
 * 4 wide, as vec4f, and one output channel, `row{0 … 2}_{vec4}` being the rows:
 *
 * ```wgsl
 * for (var y = 0; y < H; y++) {
 *   let more = y + 1 < H; let following = select(y, y + 1, more) * 1;
 *   row2_0 = select(vec4f(0.0), x[x0 + following + 0], more);
 *   let d0_0 = dy[dy0 + y * 1 + 0];
 *   {
 *     let a0 = subgroupBroadcast(d0_0.x, 0u); let a1 = subgroupBroadcast(d0_0.y, 0u); …
 *     sums[0] = sums[0] + a1 * row0_0.x + a2 * row0_0.y + a3 * row0_0.z;
 *     sums[1] = sums[1] + a0 * row0_0.x + a1 * row0_0.y + a2 * row0_0.z + a3 * row0_0.w;
 *     …
 *   }
 *   …
 *   row0_0 = row1_0; row1_0 = row2_0;
 * }
 * ```
 */
export function rowsCode(vec4: boolean, p: ConvWeight, d: Profile, channels: number): string {
  const S = d.lanes;
  const loads = vec4 ? p.w / 4 : p.w; // of a row
  const zero = vec4 ? 'vec4f(0.0)' : '0.0';
  const holders = ceilDiv(channels, S);
  const placeOf = (column: number) => (vec4 ? `${Math.floor(column / 4)}.${XYZW[column % 4]}` : `${column}`);
  const reached = (t: number) =>
    range(p.w)
      .map(pixel => ({ pixel, column: pixel + (t % 3) - 1 }))
      .filter(({ column }) => column >= 0 && column < p.w)
      .map(({ pixel, column }) => ({ pixel, x: `row${Math.floor(t / 3)}_${placeOf(column)}` }));
  const multiply = (i: number) => multiplyTaps(p, i, p.w, pixel => broadcastDy(i, S, `_${placeOf(pixel)}`), reached);
  return (
    head(S) +
    wgsl`
  ${startTaps(p, S, channels)}
  for (var n = first; n < last; n++) {
    let x0 = (n * op.c + plane) * H * ${loads};
    ${unroll(holders, g => `let dy${g} = (n * op.o + part * op.og + ${heldChannel(g, S)}) * H * ${loads};`)}
    ${unroll(loads, q => `var row0_${q} = ${zero}; var row1_${q} = x[x0 + ${q}]; var row2_${q} = ${zero};`)}
    for (var y = 0; y < H; y++) {
      let more = y + 1 < H; let following = select(y, y + 1, more) * ${loads};
      ${unroll(loads, q => `row2_${q} = select(${zero}, x[x0 + following + ${q}], more);`)}
      ${unroll(holders, g => unroll(loads, q => `let d${g}_${q} = dy[dy${g} + y * ${loads} + ${q}];`, ' '))}
      ${unroll(channels, multiply)}
      ${unroll(loads, q => `row0_${q} = row1_${q}; row1_${q} = row2_${q};`)}
    }
  }
${storeTaps(p, channels)}`
  );
}
