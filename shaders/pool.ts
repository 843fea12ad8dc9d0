import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { epilogueBindings, finish, type Epilogue } from './epilogue.ts';
import { ceilDiv, kernel, MAX_GRID, type Grid } from './kernel.ts';

/** Pooling of `planes` (batch x channels) images h x w into oh x ow: windows of k x k, `stride` apart, over `pad` columns and rows of padding. */
export interface Pool {
  max: boolean; planes: number; h: number; w: number; oh: number; ow: number; k: number; stride: number; pad: number;
  epilogue?: readonly Epilogue[];
}

const constants = (p: Pool) => `
const H = ${p.h}; const W = ${p.w}; const OH = ${p.oh}; const OW = ${p.ow}; const K = ${p.k}; const STRIDE = ${p.stride}; const PAD = ${p.pad};
`;
/** One workgroup column per plane, its threads along the plane: no division by the plane's size. */
const planeGrid = (planes: number, size: number, threads: number, perThread: number): Grid => [ceilDiv(size, threads * perThread), Math.min(planes, MAX_GRID), ceilDiv(planes, MAX_GRID)];
const THREADS = 64;
const threads = (lanes: number) => lanes || THREADS;
const perThread = (lanes: number) => (lanes ? 32 : 1);

/** The loop over a plane's outputs (or inputs): `at` within the plane, `plane`. */
const overPlane = (p: { planes: number }, size: number, lanes: number, body: string) => wgsl`
@compute @workgroup_size(${threads(lanes)})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
  let plane = i32(group.y + group.z * ${MAX_GRID}u);
  if (plane >= ${p.planes}) { return; }
  let start = i32(group.x) * ${threads(lanes) * perThread(lanes)};
  let end = min(start + ${threads(lanes) * perThread(lanes)}, ${size});
  for (var at = start + i32(lane); at < end; at += ${threads(lanes)}) {
${body}
  }
}`;

/** y [planes, oh, ow] from x [planes, h, w]; `argmax` [planes, oh, ow] is where in its plane each maximum stood. */
export const poolForward = kernel({
  name: 'pool_forward',
  bindings: { x: 'read', y: 'write', argmax: 'write u32?', ...epilogueBindings },
  epilogue: 'y',
  grid: (p: Pool, d) => planeGrid(p.planes, p.oh * p.ow, threads(d.lanes), perThread(d.lanes)),
  code: (p, d) => constants(p) + finish(p.epilogue, 'f32') + overPlane(p, p.oh * p.ow, d.lanes, wgsl`
    let base = plane * H * W;
    let top = at / OW * STRIDE - PAD; let left = at % OW * STRIDE - PAD;
    var value : f32 = ${p.max ? '-3.4028234e38' : '0.0'};
    var best = 0;
    for (var r = max(top, 0); r < min(top + K, H); r++) {
      for (var c = max(left, 0); c < min(left + K, W); c++) {
        let v = x[base + r * W + c];
  #if ${p.max}
        // The first of equals wins, and a NaN (by its bits: WGSL may assume there is none) beats all, as in PyTorch.
        if (v > value || (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u) { value = v; best = r * W + c; }
  #else
        value += v;
  #endif
      }
    }
    let out = u32(plane * OH * OW + at);
  #if ${p.max}
    y[out] = finish(value, out);
    argmax[out] = u32(best);
  #else
    y[out] = finish(value / f32(K * K), out); // the padding counts, as in PyTorch
  #endif`),
});

/** dx [planes, h, w] from dy [planes, oh, ow]. Each input gathers from the windows that it lies in. */
export const poolBackward = kernel({
  name: 'pool_backward',
  bindings: { dy: 'read', argmax: 'read u32?', dx: 'write', ...epilogueBindings },
  epilogue: 'dx',
  grid: (p: Pool, d) => planeGrid(p.planes, p.h * p.w, threads(d.lanes), perThread(d.lanes)),
  code: (p, d) => constants(p) + finish(p.epilogue, 'f32') + overPlane(p, p.h * p.w, d.lanes, wgsl`
    let row = at / W + PAD; let column = at % W + PAD;
    var sum = 0.0;
  #if ${p.k === p.stride && p.h + 2 * p.pad === p.oh * p.k && p.w + 2 * p.pad === p.ow * p.k}
    let source = plane * OH * OW + row / K * OW + column / K; // windows tile the image: each input lies in one
    #if ${p.max}
    sum = select(0.0, dy[source], argmax[source] == u32(at));
    #else
    sum = dy[source] / f32(K * K);
    #endif
  #else
    for (var oy = select(0, (row - K) / STRIDE + 1, row >= K); oy <= min(row / STRIDE, OH - 1); oy++) {
      for (var ox = select(0, (column - K) / STRIDE + 1, column >= K); ox <= min(column / STRIDE, OW - 1); ox++) {
        let source = plane * OH * OW + oy * OW + ox;
    #if ${p.max}
        if (argmax[source] == u32(at)) { sum += dy[source]; }
    #else
        sum += dy[source] / f32(K * K);
    #endif
      }
    }
  #endif
    let out = u32(plane * H * W + at);
    dx[out] = finish(sum, out);`),
});
