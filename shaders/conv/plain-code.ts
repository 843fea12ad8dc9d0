/** WGSL of the references of conv.ts, a thread for each value. */
import { axesOf, constants } from './constants.ts';
import type { Conv, ConvWeight } from './shape.ts';
import type { LoopParts } from '../kernel/define.ts';
import { accumulated } from '../kernel/gradient.ts';

/** WGSL: the place in `weight` of tap `tap` from channel `c` to channel `o` of `group`. */
const weightAt = (p: Conv) => (p.flip ? '((group * CG + c) * OG + o) * KK + KK - 1 - tap' : '((group * OG + o) * CG + c) * KK + tap');

/** A value of y. */
export function forward(p: Conv): LoopParts {
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
}

/** A value of dx. */
export function backwardInput(p: Conv): LoopParts {
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
}

/** A value of a slice of dweight. */
export function backwardWeight(p: ConvWeight): LoopParts {
  const [h, w] = axesOf(p);
  return {
    declared: constants(p),
    each: `
  let slice = i32(plane);
  let weight = i32(at);
  let o = weight / (CG * KK); let c = o / OG * CG + weight / KK % CG;
  let r = weight / ${w.k} % ${h.k} * ${h.dil} - ${h.pad}; let s = weight % ${w.k} * ${w.dil} - ${w.pad};
  var v = 0.0;
  for (var n = slice * N / ${p.split}; n < (slice + 1) * N / ${p.split}; n++) {
    for (var pixel = 0; pixel < OH * OW; pixel++) {
      let h = pixel / OW * ${h.stride} + r; let w = pixel % OW * ${w.stride} + s;
      if (h >= 0 && h < H && w >= 0 && w < W) {
        v += x[((n * C + c) * H + h) * W + w] * dy[(n * O + o) * OH * OW + pixel];
      }
    }
  }
  let out = slice * O * CG * KK + weight;
  dweight[out] = ${accumulated(p.gradient, 'dweight[out]')};`,
  };
}
