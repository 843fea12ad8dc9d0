import { kernel } from '../kernel/define.ts';
import type { Epilogue } from '../kernel/epilogue.ts';
import { values } from '../kernel/loops.ts';
import { fitsVec4 } from '../kernel/wgsl.ts';

/** `planes` planes of `size` values. */
export interface PlaneMean {
  planes: number;
  size: number;
  epilogue?: readonly Epilogue[];
}

/** y [planes] = the mean of each plane of x [planes, size]. A thread for each plane. */
export const planeMean = kernel({
  name: 'plane_mean',
  bindings: { x: 'read', y: 'write' },
  epilogue: 'y',
  vec4: { of: ['x'], where: (p: PlaneMean) => fitsVec4(p.size) },
  sizes: ({ size }) => ({ size }), // drivers unroll a loop whose end they know, and this one is not worth compiling many times over
  over: (p: PlaneMean, d) => values(p.planes, d),
  body: (p, d) => `
    let size = u32(op.size)${d.index};
    var sum = ${d.type}(0.0);
    for (var at = 0u; at < size; at++) { sum += x[i * size + at]; }
    y[i] = finish(${d.sum('sum')} * ${1 / p.size}, i);`,
});

/** dx [planes, size]: dy [planes] / size everywhere in its plane. */
export const planeMeanBackward = kernel({
  name: 'plane_mean_backward',
  bindings: { dy: 'read', dx: 'write' },
  epilogue: 'dx',
  vec4: { of: ['dx'], where: (p: PlaneMean) => fitsVec4(p.size) },
  over: (p: PlaneMean, d) => values((p.planes * p.size) / d.width, d),
  body: (p, d) => `
    dx[i] = finish(${d.type}(dy[i / ${p.size / d.width}u] * ${1 / p.size}), i);`,
});
