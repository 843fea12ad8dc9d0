import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { kernel, type Target } from '../kernel/define.ts';
import type { Epilogue } from '../kernel/epilogue.ts';
import { isSoftware } from '../kernel/kernel.ts';
import { planes, threads } from '../kernel/loops.ts';
import { unroll } from '../kernel/wgsl.ts';

/**
 * Pooling of `planes` (batch x channels) images h x w into oh x ow: windows of k x k, `stride` apart, over `pad` columns and rows of
 * padding.
 */
export interface Pool {
  max: boolean;
  planes: number;
  h: number;
  w: number;
  oh: number;
  ow: number;
  k: number;
  stride: number;
  pad: number;
  epilogue?: readonly Epilogue[];
}

const constants = (p: Pool) => `
const H = ${p.h}; const W = ${p.w};
const OH = ${p.oh}; const OW = ${p.ow};
const K = ${p.k}; const STRIDE = ${p.stride}; const PAD = ${p.pad};
`;

/** The `size` values of each plane. */
const over = (p: Pool, size: number, d: Target) =>
  planes({ count: p.planes, size, threads: threads(d), perThread: isSoftware(d) ? 32 : 1 });

/** Whether all windows lie inside the image and are small: then their loads are written out, which spares loops and bounds. */
const unrolls = (p: Pool) => p.pad === 0 && p.k <= 3 && (p.oh - 1) * p.stride + p.k <= p.h && (p.ow - 1) * p.stride + p.k <= p.w;

/**
 * WGSL that takes one value of the window. The first of equals wins, and a NaN (by its bits: WGSL may assume there is none) beats all, as
 * in PyTorch.
 */
const visit = (p: Pool, at: string) =>
  p.max
    ? `{ let v = x[base + ${at}]; if ((v > value) | ((bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u)) { value = v; best = ${at}; } }`
    : `value += x[base + ${at}];`;

/** Whether windows tile the image, so that each input lies in one. */
const tiles = (p: Pool) => p.k === p.stride && p.pad === 0 && p.h === p.oh * p.k && p.w === p.ow * p.k;

/** y [planes, oh, ow] from x [planes, h, w]; `argmax` [planes, oh, ow] is where in its plane each maximum stood. */
export const poolForward = kernel({
  name: 'pool_forward',
  bindings: { x: 'read', y: 'write', argmax: 'write u32?' },
  epilogue: 'y',
  over: (p: Pool, d) => over(p, p.oh * p.ow, d),
  body: p => ({
    declared: constants(p),
    each: wgsl`
    let base = i32(plane) * H * W;
    let top = i32(at) / OW * STRIDE - PAD; let left = i32(at) % OW * STRIDE - PAD;
    #if ${unrolls(p)}
    var value = x[base + top * W + left]; var best = top * W + left;
    ${unroll(p.k * p.k - 1, i => visit(p, `top * W + left + ${Math.floor((i + 1) / p.k)} * W + ${(i + 1) % p.k}`))}
    #else
    ${p.max ? 'var best = max(top, 0) * W + max(left, 0); var value = x[base + best];' : 'var value = 0.0;'}
    for (var r = max(top, 0); r < min(top + K, H); r++) {
      for (var c = max(left, 0); c < min(left + K, W); c++) {
        ${visit(p, 'r * W + c')}
      }
    }
    #endif
    let out = plane * OH * OW + at;
  #if ${p.max}
    y[out] = finish(value, out);
    argmax[out] = u32(best);
  #else
    y[out] = finish(value / f32(K * K), out); // the padding counts, as in PyTorch
  #endif`,
  }),
});

/** WGSL: a thread fills the window `at` of a plane, which it shares with no other. */
const fillWindow = (p: Pool) => wgsl`
    let window = plane * OH * OW + at;
    let corner = at / OW * K * W + at % OW * K;
    let g = dy[window]${p.max ? '' : ' / f32(K * K)'};
    ${p.max ? 'let best = argmax[window];' : ''}
    ${unroll(
      p.k * p.k,
      i => `{
      let inside = corner + ${Math.floor(i / p.k)} * W + ${i % p.k};
      let out = plane * H * W + inside;
      dx[out] = finish(${p.max ? 'select(0.0, g, best == inside)' : 'g'}, out);
    }`,
    )}`;

/** WGSL: an input `at` of a plane gathers from the windows that it is in. */
const gatherFromWindows = (p: Pool) => wgsl`
    let row = i32(at) / W + PAD; let column = i32(at) % W + PAD;
    var sum = 0.0;
    for (var oy = select(0, (row - K) / STRIDE + 1, row >= K); oy <= min(row / STRIDE, OH - 1); oy++) {
      for (var ox = select(0, (column - K) / STRIDE + 1, column >= K); ox <= min(column / STRIDE, OW - 1); ox++) {
        let window = plane * OH * OW + u32(oy * OW + ox);
    #if ${p.max}
        if (argmax[window] == at) { sum += dy[window]; }
    #else
        sum += dy[window] / f32(K * K);
    #endif
      }
    }
    let out = plane * H * W + at;
    dx[out] = finish(sum, out);`;

/** dx [planes, h, w] from dy [planes, oh, ow]. */
export const poolBackward = kernel({
  name: 'pool_backward',
  bindings: { dy: 'read', argmax: 'read u32?', dx: 'write' },
  epilogue: 'dx',
  over: (p: Pool, d) => over(p, tiles(p) ? p.oh * p.ow : p.h * p.w, d),
  body: p => ({ declared: constants(p), each: tiles(p) ? fillWindow(p) : gatherFromWindows(p) }),
});
