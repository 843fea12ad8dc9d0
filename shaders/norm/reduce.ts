import { kernel } from '../kernel/define.ts';
import { accumulated, accumulates, type Gradient } from '../kernel/gradient.ts';
import { isSoftware } from '../kernel/kernel.ts';
import { items, rows } from '../kernel/loops.ts';
import { total } from '../kernel/total.ts';
import { fitsVec4 } from '../kernel/wgsl.ts';

/** out[c] = the sum of x [n, c, hw] over n and hw: the gradient of a bias. */
export interface ChannelSum {
  n: number;
  c: number;
  hw: number;
  gradient?: Gradient;
}

/** Threads for a channel on a GPU. */
const TREE = 256;

/** out [c] from x [n, c, hw], written as a gradient (see gradient.ts). */
export const channelSum = kernel({
  name: 'channel_sum',
  bindings: { x: 'read', out: 'write' },
  step: (p: ChannelSum) => accumulates(p.gradient),
  variants: [
    {
      name: 'lanes', // a subgroup for each channel
      fits: (p, d) => isSoftware(d) && p.hw > 1,
      needs: ['subgroups'],
      vec4: { of: ['x'], where: (p: ChannelSum) => fitsVec4(p.hw) },
      over: (p, d) => rows(p.c, d.lanes),
      body: (p, d) => `
  var own = ${d.type}(0.0);
  for (var n = 0u; n < ${p.n}u; n++) {
    let base = (n * ${p.c}u + row) * ${p.hw / d.width}u;
    for (var i = lane; i < ${p.hw / d.width}u; i += ${d.lanes}u) { own += x[base + i]; }
  }
  ${total(d, d.lanes).of(d.sum('own'))}
  ${storeTotal(p)}`,
    },
    {
      name: 'tree',
      fits: (p, d) => !isSoftware(d) && p.hw > 1 && d.maxWorkgroup >= TREE,
      over: p => rows(p.c, TREE),
      body: (p, d) => ({
        declared: total(d, TREE).declared,
        each: `
  var own = 0.0;
  for (var i = lane; i < ${p.n * p.hw}u; i += ${TREE}u) {
    own += x[(i / ${p.hw}u * ${p.c}u + row) * ${p.hw}u + i % ${p.hw}u];
  }
  ${total(d, TREE).of('own')}
  ${storeTotal(p)}`,
      }),
    },
    {
      over: (p, d) => items(p.c, d),
      body: p => `
  var v = 0.0;
  for (var n = 0u; n < ${p.n}u; n++) {
    for (var at = 0u; at < ${p.hw}u; at++) { v += x[(n * ${p.c}u + i) * ${p.hw}u + at]; }
  }
  out[i] = ${accumulated(p.gradient, 'out[i]')};`,
    },
  ],
});

const storeTotal = (p: ChannelSum) => `if (lane == 0u) { let v = total; out[row] = ${accumulated(p.gradient, 'out[row]')}; }`;
