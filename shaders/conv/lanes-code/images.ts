/** WGSL of `lanes images`, a convolution of lanes.ts. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { Conv } from '../shape.ts';
import { finish } from '../../kernel/epilogue.ts';
import type { Profile } from '../../kernel/kernel.ts';
import { addTo, declareSums } from '../../kernel/sums.ts';
import { range, unroll } from '../../kernel/wgsl.ts';

/**
 * A convolution of small images on a software adapter: a lane has an image, and one row of outputs of it. Which columns a tap reaches is
 * then known while the code is made and which rows it reaches is the same in all lanes, so that nothing is multiplied by the zeros around
 * the image: in the input gradient of a 5x5 kernel over 14x14 pixels these are half of all products. For 3x3 with a padding of 2 on images 2 wide:
 *
 * ```wgsl
 * for (var c = 0; c < op.cg; c++) {
 *   for (var r = first; r < last; r++) {
 *     let at = plane + (top + r) * 2;
 *     let x0 = x[at + 0]; let x1 = x[at + 1];
 *     let w0 = weight[filters + (r * 3 + 0) * op.wt]; let w1 = weight[filters + (r * 3 + 1) * op.wt]; …
 *     {
 *       let a0 = subgroupBroadcast(w0, 0u); let a1 = subgroupBroadcast(w1, 0u); let a2 = subgroupBroadcast(w2, 0u);
 *       sums[0] = sums[0] + a2 * x0; sums[1] = sums[1] + a1 * x0 + a2 * x1; sums[2] = sums[2] + a0 * x0 + a1 * x1; …
 *     }
 * ```
 */
export function imagesCode(p: Conv, d: Profile, channels: number): string {
  const S = d.lanes;
  const { w, ow } = p;
  const [kh, kw] = p.k;
  const left = p.pad[1];
  const held = 'min(o0 + lane, op.og - 1)'; // the channel whose weights a lane holds
  /** WGSL: the products of a row of taps for channel `i`, all inside the image. */
  const multiply = (i: number) => {
    const products = (x: number) =>
      range(kw)
        .filter(s => x + s - left >= 0 && x + s - left < w)
        .map(s => `a${s} * x${x + s - left}`);
    return `      {
        ${unroll(kw, s => `let a${s} = subgroupBroadcast(w${s}, ${i}u);`, ' ')}
        ${unroll(ow, x => addTo(i * ow + x, products(x)), ' ')}
      }`;
  };
  return (
    finish(p.epilogue, 'f32') +
    wgsl`
@compute @workgroup_size(${S})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) index : u32) {
  let lane = i32(index);
  let n = i32(group.x) / op.oh * ${S} + lane; let row = i32(group.x) % op.oh;
  let o0 = i32(group.y) * ${channels}; let top = row - op.pad;
  var filters = i32(group.z) * op.og * op.cg * ${kh * kw} + ${held} * op.wo + op.w0;
  var plane = (n * op.c + i32(group.z) * op.cg) * op.h * ${w};
  ${p.bias ? `let biases = bias[i32(group.z) * op.og + ${held}];` : ''}
${declareSums(channels * ow, { start: p.bias && (sum => `subgroupBroadcast(biases, ${Math.floor(sum / ow)}u)`) })}
  let first = max(0, -top); let last = min(${kh}, op.h - top); // taps that reach the image
  for (var c = 0; c < op.cg; c++) {
    for (var r = first; r < last; r++) {
      let at = plane + (top + r) * ${w};
      ${unroll(w, column => `let x${column} = x[at + ${column}];`, ' ')}
      ${unroll(kw, s => `let w${s} = weight[filters + (r * ${kw} + ${s}) * op.wt];`, ' ')}
${unroll(channels, multiply)}
    }
    plane += op.h * ${w};
    filters += op.wc;
  }
  for (var o = o0; o < min(o0 + ${channels}, op.og); o++) {
    let first = (o - o0) * ${ow};
    let out = ((n * op.o + i32(group.z) * op.og + o) * op.oh + row) * ${ow};
    for (var sum = first; sum < first + ${ow}; sum++) { let at = u32(out + sum - first); y[at] = finish(sums[sum], at); }
  }
}`
  );
}
