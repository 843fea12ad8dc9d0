/** Pooling and its gradient. */
import { kernel, type Target } from '../kernel/define.ts';
import { isSoftware } from '../kernel/kernel.ts';
import { planes, threads } from '../kernel/loops.ts';
import { areaOf } from '../kernel/pair.ts';
import { inLanes } from './lanes.ts';
import { cells, tiles, unrolls, type Pool } from './shape.ts';
import * as writtenOut from './written-out.ts';

/** The WGSL of windows that overlap or reach beyond the image, which few nets take. */
const any = () => import('./plain-code.ts');

/** The `size` values of each plane. */
const over = (p: Pool, size: number, d: Target) =>
  planes({ count: p.planes, size, threads: threads(d), perThread: isSoftware(d) ? 32 : 1 });

/** y [planes, oh, ow] from x [planes, h, w]; `argmax` [planes, oh, ow] is where in its plane each maximum stood. */
export const poolForward = kernel({
  name: 'pool_forward',
  bindings: { x: 'read', y: 'write', argmax: 'write u32?' },
  epilogue: 'y',
  variants: [
    inLanes('y'),
    { over: (p: Pool, d) => over(p, p.oh * p.ow, d), body: async p => (unrolls(p) ? writtenOut : await any()).forward(p) },
  ],
});

/** dx [planes, h, w] from dy [planes, oh, ow]. */
export const poolBackward = kernel({
  name: 'pool_backward',
  bindings: { dy: 'read', argmax: 'read u32?', dx: 'write' },
  epilogue: 'dx',
  variants: [
    inLanes('dx'),
    {
      over: (p: Pool, d) => over(p, tiles(p) ? areaOf(cells(p)) : p.h * p.w, d),
      body: async p => (tiles(p) ? writtenOut : await any()).backward(p),
    },
  ],
});
