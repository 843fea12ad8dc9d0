/** WGSL of the weight gradients of whole images; see weight-lanes-3x3.ts. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { ConvWeight } from '../shape.ts';
import { broadcastDy, head, heldChannel } from './weight.ts';
import { multiplyTaps, startTaps, storeTaps } from './channels.ts';
import type { Profile } from '../../kernel/kernel.ts';
import { ceilDiv } from '../../kernel/loops.ts';
import { range, unroll, XYZW } from '../../kernel/wgsl.ts';

/**
 * A lane holds an image of its input channel, and of the output channel whose dy it holds for all: which taps meet the image is known for each
 * pixel, so that nothing is multiplied by the zeros around it. For 3x3 on images of 2x2 and one output channel:
 *
 * ```wgsl
 * for (var n = first; n < last; n++) {
 *   let v0 = x[(n * op.c + plane) * 1 + 0];
 *   let d0_0 = dy[(n * op.o + part * op.og + min(o0 + 0 + lane, op.og - 1)) * 1 + 0];
 *   {
 *     let a0 = subgroupBroadcast(d0_0.x, 0u); let a1 = subgroupBroadcast(d0_0.y, 0u); …
 *     sums[0] = sums[0] + a3 * v0.x;
 *     sums[1] = sums[1] + a2 * v0.x + a3 * v0.y;
 *     …
 *   }
 *   …
 * }
 * ```
 */
export function imageCode(vec4: boolean, p: ConvWeight, d: Profile, channels: number): string {
  const S = d.lanes;
  const [, kw] = p.k;
  const width = vec4 ? 4 : 1;
  const pixels = p.oh * p.ow;
  const loadsOfX = (p.h * p.w) / width;
  const loadsOfDy = pixels / width;
  const holders = ceilDiv(channels, S);
  const placeOf = (at: number) => (vec4 ? `${at >> 2}.${XYZW[at % 4]}` : `${at}`);
  const reached = (tap: number) =>
    range(pixels).flatMap(pixel => {
      const h = Math.floor(pixel / p.ow) * p.stride[0] - p.pad[0] + Math.floor(tap / kw);
      const w = (pixel % p.ow) * p.stride[1] - p.pad[1] + (tap % kw);
      return h >= 0 && h < p.h && w >= 0 && w < p.w ? [{ pixel, x: `v${placeOf(h * p.w + w)}` }] : [];
    });
  const multiply = (i: number) => multiplyTaps(p, i, pixels, pixel => broadcastDy(i, S, `_${placeOf(pixel)}`), reached);
  return (
    head(S) +
    wgsl`
  ${startTaps(p, S, channels)}
  for (var n = first; n < last; n++) {
    ${unroll(loadsOfX, q => `let v${q} = x[(n * op.c + plane) * ${loadsOfX} + ${q}];`)}
    ${unroll(holders, g => unroll(loadsOfDy, q => `let d${g}_${q} = dy[(n * op.o + part * op.og + ${heldChannel(g, S)}) * ${loadsOfDy} + ${q}];`))}
    ${unroll(channels, multiply)}
  }
${storeTaps(p, channels)}`
  );
}
