/** WGSL of pooling by a thread for each window whose taps all lie inside the image and are few: they are written out, without loops and bounds. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { LoopParts } from '../kernel/define.ts';
import { areaOf } from '../kernel/pair.ts';
import { unroll } from '../kernel/wgsl.ts';
import { behind, cells, type Pool } from './shape.ts';

/** WGSL of the sizes of images. */
export const sizesOf = (p: Pool) => `
const H = ${p.h}; const W = ${p.w};
const OH = ${p.oh}; const OW = ${p.ow};
`;

/**
 * WGSL that takes one value of the window. The first of equals wins, and a NaN (by its bits: WGSL may assume there is none) beats all, as
 * in PyTorch.
 */
export const visit = (p: Pool, at: string) =>
  p.max
    ? `{ let v = x[base + ${at}]; if ((v > value) | ((bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u)) { value = v; best = ${at}; } }`
    : `value += x[base + ${at}];`;

/** WGSL that stores the maximum of a window and where it stood, or its sum over `divisor`. */
export const stored = (p: Pool, divisor: string) => `
    let out = plane * OH * OW + at;
    y[out] = finish(value${p.max ? '' : ` / ${divisor}`}, out);
    ${p.max ? 'argmax[out] = u32(best);' : ''}`;

/** A value of y. */
export const forward = (p: Pool): LoopParts => ({
  declared: sizesOf(p),
  each: `
    let base = i32(plane) * H * W;
    let corner = i32(at) / OW * ${p.stride[0]} * W + i32(at) % OW * ${p.stride[1]};
    var value = x[base + corner]; var best = corner;
    ${unroll(areaOf(p.k) - 1, i => visit(p, `corner + ${Math.floor((i + 1) / p.k[1])} * W + ${(i + 1) % p.k[1]}`))}
    ${stored(p, `${areaOf(p.k)}.0`)}`,
});

/** The values of dx in a window, which it shares with no other, or zeros in what is left of one at an edge. */
export function backward(p: Pool): LoopParts {
  const [down, across] = cells(p);
  const [edgeRow, edgeColumn] = [down > p.oh, across > p.ow];
  const all = (conditions: readonly (string | false)[]) => conditions.filter(Boolean).join(' & ');
  const isWindow = all([edgeRow && '(oy < OH)', edgeColumn && '(ox < OW)']);
  const gradient = `dy[window]${p.max ? '' : ` / ${areaOf(p.k)}.0`}`;
  const fill = (r: number, c: number) => {
    const exists = all([edgeRow && r >= behind(p, 0) && '(oy < OH)', edgeColumn && c >= behind(p, 1) && '(ox < OW)']);
    return `${exists && `if (${exists}) `}{
      let inside = corner + ${r} * W + ${c};
      let out = plane * H * W + u32(inside);
      dx[out] = finish(${p.max ? 'select(0.0, g, best == inside)' : 'g'}, out);
    }`;
  };
  return {
    declared: sizesOf(p),
    each: wgsl`
    let oy = i32(at) / ${across}; let ox = i32(at) % ${across};
    let window = plane * OH * OW + u32(${edgeRow ? 'min(oy, OH - 1)' : 'oy'} * OW + ${edgeColumn ? 'min(ox, OW - 1)' : 'ox'});
    let corner = oy * ${p.k[0]} * W + ox * ${p.k[1]};
    let g = ${isWindow ? `select(0.0, ${gradient}, ${isWindow})` : gradient};
    ${p.max ? 'let best = i32(argmax[window]);' : ''}
    ${unroll(areaOf(p.k), i => fill(Math.floor(i / p.k[1]), i % p.k[1]))}`,
  };
}
