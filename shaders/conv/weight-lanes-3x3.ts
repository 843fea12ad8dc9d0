/** Weight gradients of 3 x 3 kernels for software adapters: a lane holds all taps of one input channel; see weight-lanes.ts. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { ConvWeight } from './shape.ts';
import { broadcastDy, channelsOf, head, heldChannel, sizes } from './weight-lanes.ts';
import { isSoftware, type Variant } from '../kernel/kernel.ts';
import { ceilDiv } from '../kernel/loops.ts';
import { areBoth } from '../kernel/pair.ts';
import { range, unroll, XYZW } from '../kernel/wgsl.ts';

/** 3 x 3 as it mostly is: a lane holds one input channel, and the nine taps of each of the subgroup's output channels. */
const threeByThree = (p: ConvWeight, stride: number) =>
  areBoth(p.k, 3) && areBoth(p.pad, 1) && areBoth(p.dilation, 1) && areBoth(p.stride, stride) && p.c / p.groups >= 8;

const startTaps = (S: number, channels: number) => `
  let c0 = i32(group.x) * ${S}; let o0 = i32(group.y) * ${channels};
  let plane = part * op.cg + min(c0 + lane, op.cg - 1);
  ${unroll(channels, i => unroll(9, t => `var c${i}_${t} = 0.0;`, ' '))}`;

/** WGSL: output channel `i` times what `value` gives for each tap. */
const multiplyTaps = (i: number, dy: string, taps: readonly number[], value: (tap: number) => string) =>
  `{ let a = ${dy}; ${taps.map(t => `c${i}_${t} += a * ${value(t)};`).join(' ')} }`;

const storeTaps = (channels: number) => `
  if (c0 + lane < op.cg) {${unroll(
    channels,
    i => `
    if (o0 + ${i} < op.og) {
      let at = ((slice * op.o + part * op.og + o0 + ${i}) * op.cg + c0 + lane) * 9;
      ${unroll(9, t => `dweight[at + ${t}] = c${i}_${t};`)}
    }`,
  )}
  }
}`;

/**
 * 3 x 3 of stride 1 or 2: a lane holds one input channel and slides along its rows, four outputs at a time. For stride 1 and one output
 * channel, `c{channel}_{tap}` being a sum:
 *
 * ```wgsl
 * for (var q = 0; q < OW / 4; q++) {
 *   let more = q + 1 < OW / 4; let following = select(q, q + 1, more);
 *   next0 = select(vec4f(0.0), x[x0 + following], ok0 & more);
 *   …
 *   let d0 = dy[dy0 + q];
 *   { let a = subgroupBroadcast(d0.x, 0u); c0_0 += a * before0; c0_1 += a * now0_0.x; c0_2 += a * now0_0.y; c0_3 += a * before1; …
 *   { let a = subgroupBroadcast(d0.y, 0u); c0_0 += a * now0_0.x; c0_1 += a * now0_0.y; c0_2 += a * now0_0.z; …
 *   …
 *   before0 = now0_0.w; now0_0 = next0;
 * ```
 */
export const backwardWeightChannels: Variant<ConvWeight> = {
  name: 'lanes channels',
  needs: ['subgroups'],
  fits: (p, d) =>
    isSoftware(d) && p.stride[0] <= 2 && threeByThree(p, p.stride[0]) && p.w % 4 === 0 && p.ow % 4 === 0 && p.w === p.ow * p.stride[0],
  vec4: ['x', 'dy'],
  sizes,
  grid: (p, d) => [ceilDiv(p.c / p.groups, d.lanes), ceilDiv(p.o / p.groups, channelsOf(p, 16)), p.split * p.groups],
  code: (p, d) => {
    const S = d.lanes;
    const stride = p.stride[0];
    const channels = channelsOf(p, 16);
    const holders = ceilDiv(channels, S);
    const carried = stride === 1; // stride 2 with padding 1 never reads the next strip
    // Column `o` relative to the first of this strip of 4 * stride: from the strip before, this one or the next.
    const column = (r: number, o: number) => {
      if (o < 0) return `before${r}`;
      return o < 4 * stride ? `now${r}_${Math.floor(o / 4)}.${XYZW[o % 4]}` : `next${r}.${XYZW[o - 4 * stride]}`;
    };
    const startRow = (r: number) => `
      let h${r} = y * ${stride} + ${r} - 1;
      let ok${r} = u32(h${r}) < u32(H);
      let x${r} = ((n * op.c + plane) * H + clamp(h${r}, 0, H - 1)) * W / 4;
      var before${r} = 0.0;
      ${carried ? `var now${r}_0 = select(vec4f(0.0), x[x${r}], ok${r}); var next${r} = vec4f(0.0);` : ''}`;
    const loadStrip = (r: number) =>
      unroll(stride, v => `let now${r}_${v} = select(vec4f(0.0), x[x${r} + q * ${stride} + ${v}], ok${r});`, ' ');
    const multiply = (i: number, j: number) =>
      multiplyTaps(i, broadcastDy(i, S, `.${XYZW[j]}`), range(9), t => column(Math.floor(t / 3), j * stride + (t % 3) - 1));
    return (
      head(S) +
      wgsl`
  ${startTaps(S, channels)}
  for (var n = first; n < last; n++) {
    for (var y = 0; y < op.oh; y++) {
      ${unroll(3, startRow)}
      ${unroll(holders, g => `let dy${g} = ((n * op.o + part * op.og + ${heldChannel(g, S)}) * op.oh + y) * OW / 4;`)}
      for (var q = 0; q < OW / 4; q++) {
        #if ${carried}
        let more = q + 1 < OW / 4; let following = select(q, q + 1, more);
        ${unroll(3, r => `next${r} = select(vec4f(0.0), x[x${r} + following], ok${r} & more);`)}
        #else
        ${unroll(3, loadStrip)}
        #endif
        ${unroll(holders, g => `let d${g} = dy[dy${g} + q];`)}
        ${unroll(channels, i => unroll(4, j => multiply(i, j)))}
        ${unroll(3, r => `before${r} = now${r}_${stride - 1}.w;${carried ? ` now${r}_0 = next${r};` : ''}`)}
      }
    }
  }
${storeTaps(channels)}`
    );
  },
};

/**
 * 3 x 3 of stride 1 on images 4 or 8 wide: three whole rows are held and slide down the image, so that x is loaded once. For images 4 wide
 * and one output channel, `row{0 … 2}_{vec4}` being the rows:
 *
 * ```wgsl
 * for (var y = 0; y < H; y++) {
 *   let more = y + 1 < H; let following = select(y, y + 1, more) * 1;
 *   row2_0 = select(vec4f(0.0), x[x0 + following + 0], more);
 *   let d0_0 = dy[dy0 + y * 1 + 0];
 *   { let a = subgroupBroadcast(d0_0.x, 0u); c0_1 += a * row0_0.x; c0_2 += a * row0_0.y; c0_4 += a * row1_0.x; …
 *   { let a = subgroupBroadcast(d0_0.y, 0u); c0_0 += a * row0_0.x; c0_1 += a * row0_0.y; c0_2 += a * row0_0.z; …
 *   …
 *   row0_0 = row1_0; row1_0 = row2_0;
 * }
 * ```
 */
export const backwardWeightRows: Variant<ConvWeight> = {
  name: 'lanes rows',
  needs: ['subgroups'],
  fits: (p, d) => isSoftware(d) && threeByThree(p, 1) && p.oh === p.h && p.ow === p.w && (p.w === 8 || p.w === 4),
  vec4: ['x', 'dy'],
  sizes,
  grid: (p, d) => [ceilDiv(p.c / p.groups, d.lanes), ceilDiv(p.o / p.groups, channelsOf(p, 64 / p.w)), p.split * p.groups],
  code: (p, d) => {
    const S = d.lanes;
    const vec4s = p.w / 4;
    const channels = channelsOf(p, 64 / p.w);
    const holders = ceilDiv(channels, S);
    const placeOf = (column: number) => `${Math.floor(column / 4)}.${XYZW[column % 4]}`;
    const multiply = (i: number, pixel: number) => {
      const columnOf = (tap: number) => pixel + (tap % 3) - 1;
      const taps = range(9).filter(t => columnOf(t) >= 0 && columnOf(t) < p.w);
      return multiplyTaps(i, broadcastDy(i, S, `_${placeOf(pixel)}`), taps, t => `row${Math.floor(t / 3)}_${placeOf(columnOf(t))}`);
    };
    return (
      head(S) +
      wgsl`
  ${startTaps(S, channels)}
  for (var n = first; n < last; n++) {
    let x0 = (n * op.c + plane) * H * ${vec4s};
    ${unroll(holders, g => `let dy${g} = (n * op.o + part * op.og + ${heldChannel(g, S)}) * H * ${vec4s};`)}
    ${unroll(vec4s, q => `var row0_${q} = vec4f(0.0); var row1_${q} = x[x0 + ${q}]; var row2_${q} = vec4f(0.0);`)}
    for (var y = 0; y < H; y++) {
      let more = y + 1 < H; let following = select(y, y + 1, more) * ${vec4s};
      ${unroll(vec4s, q => `row2_${q} = select(vec4f(0.0), x[x0 + following + ${q}], more);`)}
      ${unroll(holders, g => unroll(vec4s, q => `let d${g}_${q} = dy[dy${g} + y * ${vec4s} + ${q}];`, ' '))}
      ${unroll(channels, i => unroll(p.w, pixel => multiply(i, pixel)))}
      ${unroll(vec4s, q => `row0_${q} = row1_${q}; row1_${q} = row2_${q};`)}
    }
  }
${storeTaps(channels)}`
    );
  },
};
