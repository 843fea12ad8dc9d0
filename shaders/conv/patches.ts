import { kernel } from '../kernel/define.ts';
import { values } from '../kernel/loops.ts';
import { areaOf } from '../kernel/pair.ts';
import type { Conv } from './shape.ts';

/** y [n, c kh kw (+ 1), oh, ow]: what of x the taps of each output multiply, and where there is a bias a last row of ones (im2col). */
export const patches = kernel({
  name: 'patches',
  bindings: { x: 'read', y: 'write' },
  over: (p: Conv, d) => values(p.n * (p.c * areaOf(p.k) + (p.bias ? 1 : 0)) * p.oh * p.ow, d),
  body: ({ c, h, w, oh, ow, k, stride, pad, dilation, bias }) => `
    let pixel = i32(i % ${oh * ow}u);
    let tap = i32(i / ${oh * ow}u % ${c * areaOf(k) + (bias ? 1 : 0)}u);
    let image = i32(i / ${oh * ow * (c * areaOf(k) + (bias ? 1 : 0))}u);
    let channel = tap / ${areaOf(k)};
    let row = pixel / ${ow} * ${stride[0]} - ${pad[0]} + tap / ${k[1]} % ${k[0]} * ${dilation[0]};
    let column = pixel % ${ow} * ${stride[1]} - ${pad[1]} + tap % ${k[1]} * ${dilation[1]};
    var v = select(0.0, 1.0, channel == ${c});
    if (channel < ${c} && row >= 0 && row < ${h} && column >= 0 && column < ${w}) {
      v = x[((image * ${c} + channel) * ${h} + row) * ${w} + column];
    }
    y[i] = v;`,
});
