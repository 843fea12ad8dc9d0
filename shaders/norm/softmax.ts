/** Softmax, its logarithm and their gradients: one thread takes a row, and goes over it two or three times. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { kernel } from '../kernel/define.ts';
import type { Bindings } from '../kernel/kernel.ts';
import { values } from '../kernel/loops.ts';
import { keeping, logarithms } from '../kernel/nan.ts';

/** x [n, c, hw]: softmax over c. */
export interface Softmax {
  n: number;
  c: number;
  hw: number;
}

/** WGSL: a loop over the values `at` of the row that begins at `first`. */
const loop = (p: Softmax, body: string) => wgsl`
    for (var j = 0u; j < ${p.c}u; j++) {
      let at = first + j * ${p.hw}u;
      ${body}
    }`;
const first = (p: Softmax) => `let first = i / ${p.hw}u * ${p.c * p.hw}u + i % ${p.hw}u;`;
/** WGSL: where the row begins, and the largest of its values. */
const look = (p: Softmax) => `
    ${first(p)}
    var largest = x[first];
    ${loop(p, 'largest = max(largest, x[at]);')}`;

/** A kernel of one thread per row. */
const ofRows = <B extends Bindings>(name: string, bindings: B, each: (p: Softmax) => string) =>
  kernel({
    name,
    bindings,
    over: (p: Softmax, d) => values(p.n * p.hw, d),
    body: p => ({ declared: keeping('f32') + logarithms('f32'), each: each(p) }),
  });
const FORWARD = { x: 'read', y: 'write' } as const;
const BACKWARD = { y: 'read', dy: 'read', dx: 'write' } as const;

/** y = exp(x - max) / sum. */
export const softmaxForward = ofRows(
  'softmax_forward',
  FORWARD,
  p => wgsl`
    ${look(p)}
    var sum = 0.0;
    ${loop(p, 'let e = exp_of(x[at] - largest); y[at] = e; sum += e;')}
    ${loop(p, 'y[at] = y[at] / sum;')}`,
);

/** y = x - max - log(sum of exp(x - max)). */
export const logSoftmaxForward = ofRows(
  'log_softmax_forward',
  FORWARD,
  p => wgsl`
    ${look(p)}
    var sum = 0.0;
    ${loop(p, 'sum += exp_of(x[at] - largest);')}
    let log = log_of(sum);
    ${loop(p, 'y[at] = x[at] - largest - log;')}`,
);

/** dx = dy - exp(y) sum(dy). */
export const logSoftmaxBackward = ofRows(
  'log_softmax_backward',
  BACKWARD,
  p => wgsl`
    ${first(p)}
    var sum = 0.0;
    ${loop(p, 'sum += dy[at];')}
    ${loop(p, 'dx[at] = dy[at] - exp_of(y[at]) * sum;')}`,
);

/** dx = y (dy - sum(dy y)). */
export const softmaxBackward = ofRows(
  'softmax_backward',
  BACKWARD,
  p => wgsl`
    ${first(p)}
    var sum = 0.0;
    ${loop(p, 'sum += dy[at] * y[at];')}
    ${loop(p, 'dx[at] = y[at] * (dy[at] - sum);')}`,
);
