import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { takesMoments, takesNorm } from './joins.ts';
import { imagesLanes } from './images-lanes.ts';
import { backwardInputLanes } from './input-lanes.ts';
import { forwardLanes } from './lanes.ts';
import { filterSize, type Conv, type ConvWeight } from './shape.ts';
import { backwardWeightChannels, backwardWeightRows } from './weight-lanes-3x3.ts';
import { backwardWeightColumns, backwardWeightPixels } from './weight-lanes.ts';
import { kernel } from '../kernel/define.ts';
import { finish } from '../kernel/epilogue.ts';
import { isSoftware, type Profile } from '../kernel/kernel.ts';
import { ceilDiv, planes } from '../kernel/loops.ts';
import { areaOf, areBoth, declared, namesOf, type Pair } from '../kernel/pair.ts';
import { fitsVec4 } from '../kernel/wgsl.ts';
import { MOMENT_COLUMNS } from '../product/product.ts';
import { tiled } from '../product/tiled.ts';

const flops = (p: Conv) => 2 * p.n * p.o * p.oh * p.ow * filterSize(p);

/** Sizes as WGSL constants, for the variants that are cheap to compile; CG and OG are channels of one group, KK taps. */
const constants = (p: Conv) => `
const N = ${p.n};
const C = ${p.c}; const H = ${p.h}; const W = ${p.w};
const O = ${p.o}; const OH = ${p.oh}; const OW = ${p.ow};
${declared('K', p.k)} const KK = ${areaOf(p.k)}; ${declared('STRIDE', p.stride)} ${declared('PAD', p.pad)} ${declared('DIL', p.dilation)}
const CG = ${p.c / p.groups}; const OG = ${p.o / p.groups};
`;

/** The names of its constants for rows and for columns. */
function axesOf(p: Conv) {
  const [k, stride, pad, dil] = [namesOf('K', p.k), namesOf('STRIDE', p.stride), namesOf('PAD', p.pad), namesOf('DIL', p.dilation)];
  const axis = (i: 0 | 1) => ({ k: k[i], stride: stride[i], pad: pad[i], dil: dil[i] });
  return [axis(0), axis(1)] as const;
}

/** Whether the input is read as it lies, four pixels at a time. */
const pointwise = (p: Conv): boolean =>
  areBoth(p.k, 1) && areBoth(p.stride, 1) && areBoth(p.pad, 0) && p.h === p.oh && p.w === p.ow && fitsVec4(p.h * p.w);

/** WGSL: the place in `weight` of tap `tap` from channel `c` to channel `o` of `group`. */
const weightAt = (p: Conv) => (p.flip ? '((group * CG + c) * OG + o) * KK + KK - 1 - tap' : '((group * OG + o) * CG + c) * KK + tap');

/** WGSL: returns the value of channel `c` that tap `tap` meets at output pixel `at`, counted over the batch; zero outside the image. */
function returnUnfolded(p: Conv): string {
  const [h, w] = axesOf(p);
  return `
  let h = at / OW % OH * ${h.stride} - ${h.pad} + tap / ${w.k} * ${h.dil};
  let w = at % OW * ${w.stride} - ${w.pad} + tap % ${w.k} * ${w.dil};
  if (u32(h) >= u32(H) || u32(w) >= u32(W)) { return 0.0; }
  return x[((at / (OH * OW) * C + c) * H + h) * W + w];`;
}

/** The reference: a thread for each of the `size` values of each plane. */
const oneEach = (count: number, size: number) => planes({ count, size, threads: 64, perThread: 1 });

export const conv = kernel({
  name: 'conv',
  unrolled: true,
  bindings: { x: 'read', weight: 'read', bias: 'read?', y: 'write', partial: 'write f32?' },
  epilogue: 'y',
  joins: [takesNorm, takesMoments],
  flops,
  variants: [
    forwardLanes('shuffle'),
    forwardLanes('vec4'),
    imagesLanes,
    forwardLanes('scalar'),
    ...tiled<Conv>({
      // implicit GEMM: rows are output channels, columns pixels, depth input channels and taps
      shape: p => ({ m: p.o / p.groups, n: p.n * p.oh * p.ow, k: filterSize(p), batch: p.groups }),
      along: () => ({ a: 'k', b: 'n' }),
      vec4: p => ({ b: pointwise(p), y: fitsVec4(p.oh * p.ow) }),
      bindings: { b: ['x'], y: ['y'] },
      moments: p => p.moments ?? false,
      code: (p, { y }) => {
        const bias = p.bias ? ' + bias[o]' : '';
        return (
          constants(p) +
          wgsl`
fn loadA(m : u32, k : u32) -> f32 {
  let group = i32(batch); let o = i32(m);
  let c = i32(k) / KK; let tap = i32(k) % KK;
  return weight[${weightAt(p)}];
}
${
  pointwise(p)
    ? wgsl`
fn loadB(k : u32, pixel : u32) -> vec4f {
  let c = i32(batch) * CG + i32(k); let at = i32(pixel);
  return x[((at / (OH * OW) * C + c) * (OH * OW) + at % (OH * OW)) / 4];
}`
    : wgsl`
fn loadB(k : u32, pixel : u32) -> f32 {
  let c = i32(batch) * CG + i32(k) / KK; let tap = i32(k) % KK; let at = i32(pixel);
  ${returnUnfolded(p)}
}`
}
${finish(p.epilogue, y.type)}
fn store(m : u32, pixel : u32, sum : ${y.type}) {
  let o = batch * u32(OG) + m;
  let at = ((pixel / u32(OH * OW) * u32(O) + o) * u32(OH * OW) + pixel % u32(OH * OW))${y.index};
  y[at] = finish(sum${bias}, at);
}
#if ${p.moments ?? false}
fn record(m : u32, pixel : u32, mean : f32, squares : f32) {
  let o = batch * u32(OG) + m; let at = (pixel / ${MOMENT_COLUMNS}u * u32(O) + o) * 2u;
  partial[at] = mean${bias};
  partial[at + 1u] = squares;
}
#endif`
        );
      },
    }),
    {
      fits: (p: Conv) => !p.moments,
      over: p => oneEach(p.n * p.o, p.oh * p.ow),
      body: p => {
        const [h, w] = axesOf(p);
        return {
          declared: constants(p),
          each: `
  let pixel = i32(at);
  let n = i32(plane) / O; let group = i32(plane) % O / OG; let o = i32(plane) % OG;
  let top = pixel / OW * ${h.stride} - ${h.pad}; let left = pixel % OW * ${w.stride} - ${w.pad};
  var v = ${p.bias ? 'bias[plane % O]' : '0.0'};
  for (var c = 0; c < CG; c++) {
    for (var tap = 0; tap < KK; tap++) {
      let h = top + tap / ${w.k} * ${h.dil}; let w = left + tap % ${w.k} * ${w.dil};
      if (h >= 0 && h < H && w >= 0 && w < W) {
        v += x[((n * C + group * CG + c) * H + h) * W + w] * weight[${weightAt(p)}];
      }
    }
  }
  let out = plane * OH * OW + at;
  y[out] = finish(v, out);`,
        };
      },
    },
  ],
});

/** Whether the input gradient is itself a convolution (`inputGradient`); else it is `convBackwardInput`. */
export const gradientIsConv = (p: Conv): boolean => areBoth(p.stride, 1) && Math.min(...padsOfGradient(p)) >= 0;

/** What of the taps lies before the first row and column of dy where its convolution begins. */
const padsOfGradient = ({ k: [kh, kw], pad: [top, left], dilation: [dh, dw] }: Conv): Pair => [dh * (kh - 1) - top, dw * (kw - 1) - left];

/** The convolution of dy [n, o, oh, ow] that gives dx [n, c, h, w] where gradientIsConv. */
export const inputGradient = (p: Conv): Conv => ({
  ...p,
  c: p.o,
  h: p.oh,
  w: p.ow,
  o: p.c,
  oh: p.h,
  ow: p.w,
  pad: padsOfGradient(p),
  bias: false,
  flip: true,
  epilogue: undefined,
});

/**
 * dx [n, c, h, w] from dy [n, o, oh, ow] for any stride, with bias [c] where p.bias. Each input gathers from the outputs that it went into.
 */
export const convBackwardInput = kernel({
  name: 'conv_backward_input',
  unrolled: true,
  bindings: { dy: 'read', weight: 'read', bias: 'read?', dx: 'write' },
  epilogue: 'dx',
  flops,
  variants: [
    backwardInputLanes('vec4'),
    backwardInputLanes('scalar'),
    ...tiled<Conv>({
      // rows are input channels, columns pixels of dx, depth output channels and taps
      shape: p => ({ m: p.c / p.groups, n: p.n * p.h * p.w, k: (p.o / p.groups) * areaOf(p.k), batch: p.groups }),
      along: () => ({ a: 'k', b: 'n' }),
      vec4: p => ({ y: fitsVec4(p.h * p.w) }),
      bindings: { y: ['dx'] },
      code: (p, { y }) => {
        const [h, w] = axesOf(p);
        return (
          constants(p) +
          wgsl`
fn loadA(m : u32, k : u32) -> f32 {
  let group = i32(batch); let c = i32(m);
  let o = i32(k) / KK; let tap = i32(k) % KK;
  return weight[((group * OG + o) * CG + c) * KK + tap];
}
fn loadB(k : u32, pixel : u32) -> f32 {
  let o = i32(batch) * OG + i32(k) / KK; let tap = i32(k) % KK; let at = i32(pixel);
  let h = at / W % H + ${h.pad} - tap / ${w.k} * ${h.dil};
  let w = at % W + ${w.pad} - tap % ${w.k} * ${w.dil};
  if (h < 0 || w < 0 || h % ${h.stride} != 0 || w % ${w.stride} != 0 || h / ${h.stride} >= OH || w / ${w.stride} >= OW) { return 0.0; }
  return dy[((at / (H * W) * O + o) * OH + h / ${h.stride}) * OW + w / ${w.stride}];
}
${finish(p.epilogue, y.type)}
fn store(m : u32, pixel : u32, sum : ${y.type}) {
  let at = ((pixel / u32(H * W) * u32(C) + batch * u32(CG) + m) * u32(H * W) + pixel % u32(H * W))${y.index};
  dx[at] = finish(sum${p.bias ? ' + bias[batch * u32(CG) + m]' : ''}, at);
}`
        );
      },
    }),
    {
      over: (p: Conv) => oneEach(p.n * p.c, p.h * p.w),
      body: p => {
        const [h, w] = axesOf(p);
        return {
          declared: constants(p),
          each: `
  let pixel = i32(at);
  let n = i32(plane) / C; let group = i32(plane) % C / CG; let c = i32(plane) % CG;
  var v = ${p.bias ? 'bias[i32(plane) % C]' : '0.0'};
  for (var tap = 0; tap < KK; tap++) {
    let h = pixel / W + ${h.pad} - tap / ${w.k} * ${h.dil}; let w = pixel % W + ${w.pad} - tap % ${w.k} * ${w.dil};
    if (h >= 0 && w >= 0 && h % ${h.stride} == 0 && w % ${w.stride} == 0 && h / ${h.stride} < OH && w / ${w.stride} < OW) {
      for (var o = 0; o < OG; o++) {
        v += dy[((n * O + group * OG + o) * OH + h / ${h.stride}) * OW + w / ${w.stride}] * weight[((group * OG + o) * CG + c) * KK + tap];
      }
    }
  }
  let out = plane * H * W + at;
  dx[out] = finish(v, out);`,
        };
      },
    },
  ],
});

/** Slices of the batch (or, on a GPU, of all pixels) whose weight gradients are summed apart, so that small layers fill the device. */
export function splits(p: Conv, d: Profile): number {
  const [tileRows, tileColumns, enoughTiles] = isSoftware(d) ? [16, 5 * d.lanes, 16] : [64, 64, 512];
  const tiles = p.groups * ceilDiv(p.o / p.groups, tileRows) * ceilDiv(filterSize(p), tileColumns);
  const wanted = ceilDiv(enoughTiles, tiles);
  const fitBinding = Math.floor(d.maxBinding / 4 / (p.o * filterSize(p)));
  const worthwhile = isSoftware(d) ? p.n : ceilDiv(p.n * p.oh * p.ow, 256);
  return Math.max(1, Math.min(wanted, fitBinding, worthwhile, 64));
}

/** Partial weight gradients dweight [split, o, c / groups, k, k] from x [n, c, h, w] and dy [n, o, oh, ow]; `sumSlices` adds them up. */
export const convBackwardWeight = kernel({
  name: 'conv_backward_weight',
  bindings: { x: 'read', dy: 'read', dweight: 'write' },
  flops,
  variants: [
    backwardWeightRows,
    backwardWeightChannels,
    backwardWeightPixels,
    backwardWeightColumns(true),
    backwardWeightColumns(false),
    ...tiled<ConvWeight>({
      // rows are output channels, columns input channels and taps, depth pixels; one dispatch row of z per slice
      shape: p => ({ m: p.o / p.groups, n: filterSize(p), k: p.n * p.oh * p.ow, batch: p.groups }),
      split: p => p.split,
      along: () => ({ a: 'k', b: 'k' }),
      vec4: p => ({ y: fitsVec4(filterSize(p)) }),
      bindings: { y: ['dweight'] },
      code: (p, { y }) =>
        constants(p) +
        wgsl`
fn loadA(m : u32, pixel : u32) -> f32 {
  let at = i32(pixel);
  return dy[(at / (OH * OW) * O + i32(batch) * OG + i32(m)) * (OH * OW) + at % (OH * OW)];
}
fn loadB(pixel : u32, n : u32) -> f32 {
  let at = i32(pixel); let c = i32(batch) * CG + i32(n) / KK; let tap = i32(n) % KK;
  ${returnUnfolded(p)}
}
fn store(m : u32, n : u32, sum : ${y.type}) {
  dweight[(((slice * ${p.groups}u + batch) * u32(OG) + m) * u32(CG * KK) + n)${y.index}] = sum;
}`,
    }),
    {
      over: (p: ConvWeight) => oneEach(p.split, p.o * filterSize(p)),
      body: p => {
        const [h, w] = axesOf(p);
        return {
          declared: constants(p),
          each: `
  let slice = i32(plane);
  let weight = i32(at);
  let o = weight / (CG * KK); let c = o / OG * CG + weight / KK % CG;
  let r = weight / ${w.k} % ${h.k} * ${h.dil} - ${h.pad}; let s = weight % ${w.k} * ${w.dil} - ${w.pad};
  var sum = 0.0;
  for (var n = slice * N / ${p.split}; n < (slice + 1) * N / ${p.split}; n++) {
    for (var pixel = 0; pixel < OH * OW; pixel++) {
      let h = pixel / OW * ${h.stride} + r; let w = pixel % OW * ${w.stride} + s;
      if (h >= 0 && h < H && w >= 0 && w < W) {
        sum += x[((n * C + c) * H + h) * W + w] * dy[(n * O + o) * OH * OW + pixel];
      }
    }
  }
  dweight[slice * O * CG * KK + weight] = sum;`,
        };
      },
    },
  ],
});
