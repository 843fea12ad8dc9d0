/** WGSL of the weight gradients of weight-lanes-1x1.ts. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { ConvWeight } from '../shape.ts';
import { storeColumns } from './columns.ts';
import { broadcastDy, heldChannel, SLICE } from './weight.ts';
import type { Profile } from '../../kernel/kernel.ts';
import { ceilDiv } from '../../kernel/loops.ts';
import { unroll, XYZW } from '../../kernel/wgsl.ts';

/**
 * A product of dy and x, in both of which what is summed lies in a row: a lane loads four pixels of its input channels as vec4f, and of the
 * output channel whose dy it holds for all. With one channel of either, `v{j}` being what it holds of x, `c{output channel}_{j}` a sum:
 *
 * ```wgsl
 * for (var round = 0; round < rounds; round++) {
 *   let d0 = dy[dy0 / 4];
 *   let v0 = x[x0 / 4];
 *   { let a = subgroupBroadcast(d0.x, 0u); c0_0 += a * v0.x; }
 *   { let a = subgroupBroadcast(d0.y, 0u); c0_0 += a * v0.y; }
 *   …
 *   left -= 4;
 *   let ends = left == 0;
 *   …
 *   dy0 += dyStep;
 *   x0 += xStep;
 * }
 * ```
 *
 * One loop goes over all pixels of the images: those of 2x2 are four, for which a loop of their own would cost as much as they do.
 */
export function code1x1(
  vec4: boolean,
  p: ConvWeight,
  { lanes: S }: Profile,
  { channels, perLane }: { readonly channels: number; readonly perLane: number },
): string {
  const holders = ceilDiv(channels, S);
  const parts = vec4 ? XYZW.map(part => `.${part}`) : [''];
  const at = (start: string) => (vec4 ? `${start} / 4` : start);
  const multiply = (i: number, part: string) =>
    `      { let a = ${broadcastDy(i, S, part)}; ${unroll(perLane, j => `c${i}_${j} += a * v${j}${part};`, ' ')} }`;
  return wgsl`
@compute @workgroup_size(${S})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) index : u32) {
  let lane = i32(index);${SLICE}
  let c0 = i32(group.x) * ${perLane * S} + lane; let o0 = i32(group.y) * ${channels};
  ${unroll(channels, i => unroll(perLane, j => `var c${i}_${j} = 0.0;`, ' '))}
  ${unroll(holders, g => `var dy${g} = (first * op.o + part * op.og + ${heldChannel(g, S)}) * op.size;`, ' ')}
  ${unroll(perLane, j => `var x${j} = (first * op.c + part * op.cg + min(c0 + ${j * S}, op.cg - 1)) * op.size;`, ' ')}
  let rounds = (last - first) * op.size / ${parts.length};
  var left = op.size; // pixels of the image at hand
  for (var round = 0; round < rounds; round++) {
    ${unroll(holders, g => `let d${g} = dy[${at(`dy${g}`)}];`, ' ')}
    ${unroll(perLane, j => `let v${j} = x[${at(`x${j}`)}];`, ' ')}
${unroll(channels, i => parts.map(part => multiply(i, part)).join('\n'))}
    left -= ${parts.length};
    let ends = left == 0;
    left = select(left, op.size, ends);
    let dyStep = ${parts.length} + select(0, (op.o - 1) * op.size, ends); let xStep = ${parts.length} + select(0, (op.c - 1) * op.size, ends);
    ${unroll(holders, g => `dy${g} += dyStep;`, ' ')}
    ${unroll(perLane, j => `x${j} += xStep;`, ' ')}
  }
${storeColumns(p, channels, perLane, 'op.cg', j => `c0 + ${j * S}`)}
}`;
}
