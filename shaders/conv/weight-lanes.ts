/**
 * Weight gradients for software adapters (S = lanes of one subgroup = one workgroup): dweight[o][c][tap] = sum over pixels of
 * dy[o][pixel] x[c][pixel + tap], for the images of one slice. dy is held one output channel per lane and broadcast.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { filterSize, isInside, padsOf, sizesOf, type ConvWeight } from './shape.ts';
import { isSoftware, type Variant } from '../kernel/kernel.ts';
import { ceilDiv, evenShare } from '../kernel/loops.ts';
import { areaOf, areBoth, isSquare } from '../kernel/pair.ts';
import { range, unroll, XYZW } from '../kernel/wgsl.ts';

export const sizes = (p: ConvWeight) => ({
  n: p.n,
  ...sizesOf(p),
  ...padsOf(p).sizes,
  split: p.split,
});

export const head = (S: number) => `
@compute @workgroup_size(${S})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) index : u32) {
  let lane = i32(index); let H = op.h; let W = op.w; let OW = op.ow;
  let slice = i32(group.z) % op.split; let part = i32(group.z) / op.split; // slice of the batch, group of channels
  let first = slice * op.n / op.split; let last = (slice + 1) * op.n / op.split;`;

/** WGSL: the output channel, within its group, of which a lane holds dy number `g`. */
export const heldChannel = (g: number, S: number) => `min(o0 + ${g * S} + lane, op.og - 1)`;

/** WGSL: dy of output channel `i`, from the lane that holds it in `d{holder}` and what `part` adds to that name. */
export const broadcastDy = (i: number, S: number, part: string) => `subgroupBroadcast(d${Math.floor(i / S)}${part}, ${i % S}u)`;

/** Output channels of one subgroup. */
export const channelsOf = (p: ConvWeight, most: number) => evenShare(p.o / p.groups, most);

/** Columns (c, r, s) of the unfolded input: all of them, and how many a lane holds. */
const columnsOf = (p: ConvWeight, S: number) => {
  const columns = filterSize(p);
  return { columns, perLane: evenShare(ceilDiv(columns, S), 7) };
};

/**
 * Any kernel, stride and dilation: a lane holds the columns (c, r, s) of the unfolded input, which it gathers pixel by pixel;
 * a gather costs no more than a contiguous load there. With `vec4` dy is read four pixels at a time, here for 2x2 with one column a lane:
 *
 * ```wgsl
 * var dy0 = ((n * op.o + part * op.og + min(o0 + 0 + lane, op.og - 1)) * op.oh + y) * OW;
 * for (var column = 0; column < OW; column += 4) {
 *   let d0 = dy[dy0 / 4];
 *   {
 *     let v0 = select(0.0, x[x0 + 0], u32(w0 + 0) < limit0);
 *     { let a = subgroupBroadcast(d0.x, 0u); c0_0 += a * v0; }
 *   }
 *   …
 *   x0 += 4; w0 += 4;
 *   dy0 += 4;
 * }
 * ```
 */
export const backwardWeightColumns = (vec4: boolean): Variant<ConvWeight> => ({
  name: `lanes columns${vec4 ? ' vec4' : ''}`,
  needs: ['subgroups'],
  fits: (p, d) => isSoftware(d) && (!vec4 || p.ow % 4 === 0),
  ...(vec4 && { vec4: ['dy'] }),
  sizes,
  grid: (p, d) => {
    const { columns, perLane } = columnsOf(p, d.lanes);
    return [ceilDiv(columns, d.lanes * perLane), ceilDiv(p.o / p.groups, channelsOf(p, 16)), p.split * p.groups];
  },
  code: (p, d) => {
    const S = d.lanes;
    const [kh, kw] = p.k;
    const [sh, sw] = p.stride;
    const [dh, dw] = p.dilation;
    const { top, left } = padsOf(p);
    const { perLane } = columnsOf(p, S);
    const channels = channelsOf(p, 16);
    const holders = ceilDiv(channels, S);
    const pixels = vec4 ? 4 : 1; // more would unroll past the instruction cache
    const inside = isInside(p);
    const declareColumn = (j: number) => `
  let q${j} = i32(group.x) * ${perLane * S} + ${j * S} + lane;
  let at${j} = min(q${j}, columns - 1);
  let r${j} = at${j} / ${kw} % ${kh} * ${dh} - ${top};
  let s${j} = at${j} % ${kw} * ${dw} - ${left};
  let plane${j} = part * op.cg + at${j} / ${kh * kw};`;
    const startRow = (j: number) => `
      let h${j} = y * ${sh} + r${j};
      var x${j} = ((n * op.c + plane${j}) * H + h${j}) * W + s${j};
      ${inside ? '' : `let limit${j} = select(0u, u32(W), u32(h${j}) < u32(H)); var w${j} = s${j};`}`;
    const loadDy = (g: number) =>
      vec4 ? `        let d${g} = dy[dy${g} / 4];` : unroll(pixels, pixel => `        let d${g}_${pixel} = dy[dy${g} + ${pixel}];`);
    const loadX = (j: number, pixel: number) => {
      const value = `x[x${j} + ${pixel * sw}]`;
      return `          let v${j} = ${inside ? value : `select(0.0, ${value}, u32(w${j} + ${pixel * sw}) < limit${j})`};`;
    };
    const multiply = (i: number, pixel: number) => {
      const dy = broadcastDy(i, S, vec4 ? `.${XYZW[pixel]}` : `_${pixel}`);
      return `          { let a = ${dy}; ${unroll(perLane, j => `c${i}_${j} += a * v${j};`, ' ')} }`;
    };
    return (
      head(S) +
      wgsl`
  let columns = op.cg * ${kh * kw}; let o0 = i32(group.y) * ${channels};
  ${unroll(perLane, declareColumn)}
  ${unroll(channels, i => unroll(perLane, j => `var c${i}_${j} = 0.0;`, ' '))}
  for (var n = first; n < last; n++) {
    for (var y = 0; y < op.oh; y++) {
      ${unroll(perLane, startRow)}
      ${unroll(holders, g => `var dy${g} = ((n * op.o + part * op.og + ${heldChannel(g, S)}) * op.oh + y) * OW;`)}
      for (var column = 0; column < OW; column += ${pixels}) {
${unroll(holders, loadDy)}
${unroll(
  pixels,
  pixel => `
        {
${unroll(perLane, j => loadX(j, pixel))}
${unroll(channels, i => multiply(i, pixel))}
        }`,
)}
        ${unroll(perLane, j => `x${j} += ${pixels * sw};${inside ? '' : ` w${j} += ${pixels * sw};`}`)}
        ${unroll(holders, g => `dy${g} += ${pixels};`)}
      }
    }
  }
${unroll(
  perLane,
  j => `
  if (q${j} < columns) {${unroll(
    channels,
    i => `
    if (o0 + ${i} < op.og) { dweight[(slice * op.o + part * op.og + o0 + ${i}) * columns + q${j}] = c${i}_${j}; }`,
  )}
  }`,
)}
}`
    );
  },
});

/** Output channels of one subgroup in the form for single channels: at most 150 sums are held. */
const pixelChannels = (p: ConvWeight) => channelsOf(p, Math.max(1, Math.floor(150 / areaOf(p.k))));

/**
 * One input channel a group (grey images, depthwise convolutions), stride 1: there are too few columns to fill the lanes, so a lane takes
 * strips of four pixels, holds all taps of some output channels, and the lanes are added up at the end. For 3x3 and one output channel:
 *
 * ```wgsl
 * let x0 = select(vec4f(0.0), x[e0], ok0);
 * let h0_m1 = select(0.0, x[e0 - 1].w, ok0 & (q > 0)); let h0_4 = select(0.0, x[e0 + 1].x, ok0 & (q + 1 < across));
 * …
 * let d = dy[dy0 + min(0, op.og - 1 - o0) * op.oh * across + t];
 * c0_0 += d.x * h0_m1 + d.y * x0.x + d.z * x0.y + d.w * x0.z;
 * c0_1 += d.x * x0.x + d.y * x0.y + d.z * x0.z + d.w * x0.w;
 * c0_2 += d.x * x0.y + d.y * x0.z + d.z * x0.w + d.w * h0_4;
 * …
 * { let sum = subgroupAdd(c0_0); if (lane == 0) { dweight[at + 0] = sum; } }
 * ```
 */
export const backwardWeightPixels: Variant<ConvWeight> = {
  name: 'lanes pixels',
  needs: ['subgroups'],
  fits: (p, d) =>
    isSoftware(d) &&
    p.c === p.groups &&
    areBoth(p.stride, 1) &&
    areBoth(p.dilation, 1) &&
    isSquare(p.k) &&
    p.k[0] % 2 === 1 &&
    p.k[0] <= 5 &&
    areBoth(p.pad, (p.k[0] - 1) / 2) &&
    p.ow === p.w &&
    p.w % 4 === 0,
  vec4: ['x', 'dy'],
  sizes,
  grid: p => [1, ceilDiv(p.o / p.groups, pixelChannels(p)), p.split * p.groups],
  code: (p, d) => {
    const S = d.lanes;
    const k = p.k[0];
    const pad = p.pad[0];
    const taps = k * k;
    const channels = pixelChannels(p);
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
      return `c${i}_${tap} += ${unroll(4, product, ' + ')};`;
    };
    return (
      head(S) +
      wgsl`
  let o0 = i32(group.y) * ${channels}; let across = OW / 4;
  ${unroll(channels, i => unroll(taps, t => `var c${i}_${t} = 0.0;`, ' '))}
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
${unroll(
  channels,
  i => `
  if (o0 + ${i} < op.og) {
    let at = (slice * op.o + part * op.og + o0 + ${i}) * ${taps};
    ${unroll(taps, t => `{ let sum = subgroupAdd(c${i}_${t}); if (lane == 0) { dweight[at + ${t}] = sum; } }`)}
  }`,
)}
}`
    );
  },
};
