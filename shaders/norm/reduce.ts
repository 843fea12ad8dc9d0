import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { accumulated, accumulates, type Gradient } from '../kernel/gradient.ts';
import { variants, type Variant } from '../kernel/kernel.ts';
import { total } from '../kernel/total.ts';
import { ceilDiv } from '../kernel/loops.ts';

/** out[c] = the sum of x [n, c, hw] over n and hw: the gradient of a bias. */
export interface ChannelSum {
  n: number;
  c: number;
  hw: number;
  gradient?: Gradient;
}

/** One subgroup per channel; `quads` reads four values at a time. */
const subgroup = (quads: boolean): Variant<ChannelSum> => ({
  name: quads ? 'lanes vec4' : 'lanes',
  fits: (p, d) => d.lanes > 0 && p.hw > 1 && (!quads || p.hw % 4 === 0),
  needs: ['subgroups'],
  ...(quads && { vec4: ['x'] }),
  grid: p => [p.c, 1, 1],
  code: (p, d) => {
    const size = p.hw / (quads ? 4 : 1);
    const type = quads ? 'vec4f' : 'f32';
    return wgsl`
@compute @workgroup_size(${d.lanes})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
  var total = ${type}(0.0);
  for (var n = 0u; n < ${p.n}u; n++) {
    let base = (n * ${p.c}u + group.x) * ${size}u;
    for (var i = lane; i < ${size}u; i += ${d.lanes}u) { total += x[base + i]; }
  }
  let v = subgroupAdd(${quads ? 'dot(total, vec4f(1.0))' : 'total'});
  if (lane == 0u) { out[group.x] = ${accumulated(p.gradient, 'out[group.x]')}; }
}`;
  },
});

/** out [c] from x [n, c, hw], written as a gradient (see gradient.ts). */
export const channelSum = variants({
  name: 'channel_sum',
  bindings: { x: 'read', out: 'write' },
  step: p => accumulates(p.gradient),
  variants: [
    subgroup(true),
    subgroup(false),
    {
      name: 'tree',
      fits: (p, d) => !d.lanes && p.hw > 1 && d.maxWorkgroup >= 256,
      grid: p => [p.c, 1, 1],
      code: (p, d) => wgsl`
${total(d, 256).declared}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) { // one workgroup per channel
  var own = 0.0;
  for (var i = lane; i < ${p.n * p.hw}u; i += 256u) {
    own += x[(i / ${p.hw}u * ${p.c}u + group.x) * ${p.hw}u + i % ${p.hw}u];
  }
  ${total(d, 256).of('own')}
  if (lane == 0u) { let v = total; out[group.x] = ${accumulated(p.gradient, 'out[group.x]')}; }
}`,
    },
    {
      name: 'plain',
      grid: (p, d) => [ceilDiv(p.c, d.lanes || 64), 1, 1],
      code: (p, d) => wgsl`
@compute @workgroup_size(${d.lanes || 64})
fn main(@builtin(global_invocation_id) id : vec3u) { // one thread per channel
  let c = id.x;
  if (c >= ${p.c}u) { return; }
  var v = 0.0;
  for (var n = 0u; n < ${p.n}u; n++) {
    for (var i = 0u; i < ${p.hw}u; i++) { v += x[(n * ${p.c}u + c) * ${p.hw}u + i]; }
  }
  out[c] = ${accumulated(p.gradient, 'out[c]')};
}`,
    },
  ],
});
