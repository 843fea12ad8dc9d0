/** WGSL of the weight gradients by pixels; see weight-lanes-columns.ts. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { ConvWeight } from '../shape.ts';
import { head, storeWeight } from './weight.ts';
import type { Profile } from '../../kernel/kernel.ts';
import { declareSums } from '../../kernel/sums.ts';
import { range, unroll, XYZW } from '../../kernel/wgsl.ts';

/**
 * One input channel a group (grey images, depthwise convolutions), stride 1: there are too few columns to fill the lanes, so a lane takes
 * strips of four pixels, holds all taps of some output channels, and the lanes are added up at the end. For 3x3 and one output channel:
 *
 * ```wgsl
 * let x0 = select(vec4f(0.0), x[e0], ok0);
 * let h0_m1 = select(0.0, x[e0 - 1].w, ok0 & (q > 0)); let h0_4 = select(0.0, x[e0 + 1].x, ok0 & (q + 1 < across));
 * …
 * let d = dy[dy0 + min(0, op.og - 1 - o0) * op.oh * across + t];
 * sums[0] += d.x * h0_m1 + d.y * x0.x + d.z * x0.y + d.w * x0.z;
 * sums[1] += d.x * x0.x + d.y * x0.y + d.z * x0.z + d.w * x0.w;
 * sums[2] += d.x * x0.y + d.y * x0.z + d.z * x0.w + d.w * h0_4;
 * …
 * let total = subgroupAdd(sums[sum]);
 * if (lane == 0) { dweight[at + sum - first] = total; }
 * ```
 */
export function pixelsCode(p: ConvWeight, d: Profile, channels: number): string {
  const S = d.lanes;
  const k = p.k[0];
  const pad = p.pad[0];
  const taps = k * k;
  // Column `o` relative to the first of this strip of four; those outside it are loaded by themselves.
  const column = (r: number, o: number) => (o >= 0 && o < 4 ? `x${r}.${XYZW[o]}` : `h${r}_${o < 0 ? `m${-o}` : o}`);
  const outside = [...range(pad).map(i => i - pad), ...range(pad).map(i => 4 + i)];
  const loadOutside = (r: number, o: number) => {
    const [neighbour, exists] = o < 0 ? ['- 1', '(q > 0)'] : ['+ 1', '(q + 1 < across)'];
    return `let ${column(r, o)} = select(0.0, x[e${r} ${neighbour}].${XYZW[(o + 4) % 4]}, ok${r} & ${exists});`;
  };
  const loadRow = (r: number) => `
      let h${r} = y + ${r - pad};
      let ok${r} = u32(h${r}) < u32(H);
      let e${r} = plane + clamp(h${r}, 0, H - 1) * across + q;
      let x${r} = select(vec4f(0.0), x[e${r}], ok${r});
      ${outside.map(o => loadOutside(r, o)).join(' ')}`;
  const multiply = (i: number, tap: number) => {
    const product = (j: number) => `d.${XYZW[j]} * ${column(Math.floor(tap / k), j + (tap % k) - pad)}`;
    return `sums[${i * taps + tap}] += ${unroll(4, product, ' + ')};`;
  };
  return (
    head(S) +
    wgsl`
  let o0 = i32(group.y) * ${channels}; let across = OW / 4;
${declareSums(channels * taps)}
  for (var n = first; n < last; n++) {
    let plane = (n * op.c + part) * H * across;
    let dy0 = (n * op.o + part * op.og + o0) * op.oh * across;
    for (var t = lane; t < op.oh * across; t += ${S}) {
      let y = t / across; let q = t % across;
      ${unroll(k, loadRow)}
      ${unroll(
        channels,
        i => `
      {
        let d = dy[dy0 + min(${i}, op.og - 1 - o0) * op.oh * across + t];
        ${unroll(taps, tap => multiply(i, tap))}
      }`,
      )}
    }
  }
  for (var o = o0; o < min(o0 + ${channels}, op.og); o++) {
    let first = (o - o0) * ${taps};
    let at = (slice * op.o + part * op.og + o) * ${taps};
    for (var sum = first; sum < first + ${taps}; sum++) {
      let total = subgroupAdd(sums[sum]);
      if (lane == 0) { ${storeWeight(p, 'at + sum - first', 'total')} }
    }
  }
}`
  );
}
