/** The WGSL of fractional max pooling (fractional.ts). */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { LoopParts } from '../kernel/define.ts';
import { cutsLength, OFFSET_BITS, ownerAt, type FractionalPool } from './fractional-cuts.ts';

/** The cuts of a sample along an axis. */
export function cuts(p: FractionalPool): string {
  const words = (more: string) => (p.fixed ? `vec4u(${2 ** 31}u)` : `philox(vec4u(i, op.step, ${p.layer}u, ${more}), vec2u(op.seed, 0u))`);
  return wgsl`
    let size = select(${p.w}u, ${p.h}u, i % 2u == 0u);
    let out = select(${p.ow}u, ${p.oh}u, i % 2u == 0u);
    let at = i * ${cutsLength(p)}u;
    let u = ${words('0u')}.x >> ${32 - OFFSET_BITS}u;
    let unit = out << ${OFFSET_BITS}u;
    let first = (size * u + unit - 1u) / unit;
    var twos = size - out;
    var row = 0u;
    for (var j = 0u; j < out; j++) {
      #if ${p.random && !p.fixed}
      let left = out - j;
      let two = f32(${words('1u + j')}.x >> 8u) * ${1 / 2 ** 24} * f32(left) < f32(twos);
      let next = row + select(1u, 2u, two);
      if (two) { twos -= 1u; }
      #else
      let next = select((size * (((j + 1u) << ${OFFSET_BITS}u) + u) + unit - 1u) / unit - first, size, j + 1u == out);
      #endif
      cuts[at + j] = row;
      for (; row < next; row++) { cuts[at + ${ownerAt(p)}u + row] = j; }
    }
    cuts[at + out] = size;`;
}

const sizes = (p: FractionalPool) => `
const H = ${p.h}u; const W = ${p.w}u;
const OH = ${p.oh}u; const OW = ${p.ow}u;
const LENGTH = ${cutsLength(p)}u; const MORE = ${p.overlapping ? 1 : 0}u;
`;

/** The maximum of a region. */
export const forward = (p: FractionalPool): LoopParts => ({
  declared: sizes(p),
  each: `
    let plane = i / (OH * OW);
    let rows = plane / ${p.c}u * 2u * LENGTH + i / OW % OH;
    let columns = (plane / ${p.c}u * 2u + 1u) * LENGTH + i % OW;
    let bottom = min(cuts[rows + 1u] + MORE, H);
    let left = cuts[columns]; let right = min(cuts[columns + 1u] + MORE, W);
    var best = cuts[rows] * W + left; var value = x[plane * H * W + best];
    for (var r = cuts[rows]; r < bottom; r++) {
      for (var c = left; c < right; c++) {
        let v = x[(plane * H + r) * W + c];
        let nan = (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u; // beats all
        if (v > value || nan) { value = v; best = r * W + c; }
      }
    }
    y[i] = finish(value, i);
    argmax[i] = best;`,
});

/** The gradient of an input. */
export const backward = (p: FractionalPool): LoopParts => ({
  declared: sizes(p),
  each: `
    let plane = i / (H * W); let row = i / W % H; let column = i % W;
    let rows = plane / ${p.c}u * 2u * LENGTH; let columns = rows + LENGTH;
    let oy = cuts[rows + ${ownerAt(p)}u + row]; let ox = cuts[columns + ${ownerAt(p)}u + column];
    let above = select(0u, MORE, (cuts[rows + oy] == row) & (oy > 0u));
    let before = select(0u, MORE, (cuts[columns + ox] == column) & (ox > 0u));
    var sum = 0.0;
    for (var a = oy - above; a <= oy; a++) {
      for (var b = ox - before; b <= ox; b++) {
        let source = (plane * OH + a) * OW + b;
        if (argmax[source] == row * W + column) { sum += dy[source]; }
      }
    }
    dx[i] = finish(sum, i);`,
});
