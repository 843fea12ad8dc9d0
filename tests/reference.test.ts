import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { activations, celu, elu, erf, leakyRelu, logSoftmax, softmax } from './reference/activation.ts';
import {
  conv2d,
  conv2dBackward,
  convTranspose2d,
  numericGradient,
  outSize,
  pairOf,
  same,
  type Conv,
  type Edges,
  type Numbers,
} from './reference/linear.ts';
import * as loss from './reference/loss.ts';
import * as norm from './reference/norm.ts';
import { philox4x32, philoxAnswers } from './reference/philox.ts';
import { padded } from './reference/pad.ts';
import * as pool from './reference/pool.ts';
import { rnn } from './reference/recurrent.ts';
import { readOperations, type OperationCase } from './vectors/read.ts';
import { vectorUniform } from './vectors/weights.ts';

type Case = OperationCase;
const cases = readOperations();

type Outputs = Record<string, Numbers>;
/** The reference of each operation: (inputs, case) -> outputs by name. */
const references: Record<string, (x: Record<string, Numbers>, v: Case) => Outputs> = {
  conv2d: (x, v) => ({ y: conv2d(x.x!, x.weight!, x.bias, convOf(v)) }),
  conv1d: (x, v) => ({ y: conv2d(x.x!, x.weight!, x.bias, convOf(v)) }),
  convTranspose2d: (x, v) => ({ y: convTranspose2d(x.x!, x.weight!, x.bias, transposedOf(v)) }),
  maxPool: (x, v) => ({ y: pool.maxPool(x.x!, poolOf(v)).y }),
  avgPool: (x, v) => ({ y: pool.avgPool(x.x!, poolOf(v)) }),
  maxPool1d: (x, v) => ({ y: pool.maxPool(x.x!, poolOf(v)).y }),
  avgPool1d: (x, v) => ({ y: pool.avgPool(x.x!, poolOf(v)) }),
  globalAvgPool: (x, v) => ({ y: pool.globalAvgPool(x.x!, planesOf(v)) }),
  adaptiveAvgPool: (x, v) => ({ y: pool.adaptiveAvgPool(x.x!, { ...planesOf(v), oh: v.options.oh!, ow: v.options.ow! }) }),
  adaptiveMaxPool: (x, v) => ({ y: pool.adaptiveMaxPool(x.x!, { ...planesOf(v), oh: v.options.oh!, ow: v.options.ow! }).y }),
  constant: padOf,
  reflect: padOf,
  replicate: padOf,
  circular: padOf,
  add: (x, v) => ({ y: repeated(x, v, (a, b) => a + b) }),
  multiply: (x, v) => ({ y: repeated(x, v, (a, b) => a * b) }),
  fractionalMaxPool: (x, v) => {
    const s = planesOf(v);
    const { oh = 0, ow = 0, k = 0 } = v.options;
    const u = v.given.samples!; // columns first, then rows
    const intervals = (at: number, size: number, out: number) => (p: number) => pool.fractionalIntervals(u[2 * p + at]!, size, out, k);
    return { y: pool.fractionalMaxPool(x.x!, s, intervals(1, s.h, oh), intervals(0, s.w, ow)).y };
  },
  rnn: (x, v) => {
    const [n, steps, c] = v.inputs.x!.shape as [number, number, number];
    return { y: rnn(x.x!, x, { n, steps, c, hidden: x.bias_hh_l0!.length }) };
  },
  batchNorm: (x, v): Outputs => {
    const s = imagesOf(v);
    const affine = { weight: x.weight, bias: x.bias };
    const start = { mean: x.running_mean!, var: x.running_var! };
    if (!v.options.training) return { y: norm.batchNorm(x.x!, s, affine, start, false).y };
    const first = norm.batchNorm(x.x!, s, affine, start, true);
    const second = norm.batchNorm(x.x2!, s, affine, first, true);
    const evaluated = norm.batchNorm(x.x!, s, affine, second, false).y;
    return { y2: second.y, y: first.y, running_mean: second.mean, running_var: second.var, eval: evaluated };
  },
  layerNorm: (x, v) => ({ y: norm.layerNorm(x.x!, { size: product(v.inputs.weight!.shape) }, x) }),
  groupNorm: (x, v) => ({ y: norm.groupNorm(x.x!, { ...imagesOf(v), groups: v.options.groups! }, x) }),
  instanceNorm: (x, v) => ({ y: norm.instanceNorm(x.x!, imagesOf(v), x) }),
  lrn: (x, v) => ({ y: norm.lrn(x.x!, { ...imagesOf(v), ...v.options } as norm.Images & { size: number }) }),
  prelu: (x, v) => {
    const slopes = x.weight!.length; // one for all, or one for each channel
    const area = product(v.inputs.x!.shape.slice(2));
    return { y: Array.from(x.x!, (u, i) => leakyRelu(x.weight![Math.floor(i / area) % slopes]).f(u)) };
  },
  softmax: x => ({ y: softmax(x.x!, 7) }),
  logSoftmax: x => ({ y: logSoftmax(x.x!, 7) }),
  crossEntropy: (x, v) => {
    const { smoothing = 0 } = v.options;
    const { labels, targets } = v.given;
    const rows = labels ? loss.oneHot(labels, 10, smoothing) : targets!.map(t => t * (1 - smoothing) + smoothing / 10);
    return { y: [loss.crossEntropy(x.logits!, weighed(rows, v), 10)] };
  },
  nll: (x, v) => {
    const rows = weighed(loss.oneHot(v.given.labels!, 10), v);
    return { y: [-rows.reduce((sum, t, i) => sum + t * x.logits![i]!, 0) / v.given.labels!.length] };
  },
  hinge: (x, v) => {
    const rows = v.given.labels!.map(
      (label, i) => weightOf(v, label) * loss.hinge(Array.from(x.logits!).slice(10 * i, 10 * i + 10), [label], 10),
    );
    return { y: [rows.reduce((a, b) => a + b) / rows.length] };
  },
  bceWithLogits: (x, v) => {
    const classes = x.logits!.length / in4(v.inputs.logits!.shape)[0]!;
    const column = (of: Numbers, c: number) => Array.from(of).filter((_, i) => i % classes === c);
    const means = Array.from({ length: classes }, (_, c) => {
      return weightOf(v, c) * loss.bceWithLogits(column(x.logits!, c), column(v.given.targets!, c));
    });
    return { y: [means.reduce((a, b) => a + b) / classes] };
  },
  mse: (x, v) => ({ y: [loss.mse(x.logits!, v.given.targets!)] }),
  mae: (x, v) => ({ y: [loss.mae(x.logits!, v.given.targets!)] }),
  jensenShannon: x => ({ y: [loss.jensenShannon([x.a!, x.b!, x.c!], 6)] }),
};
const weightOf = (v: Case, c: number): number => v.given.classWeights?.[c] ?? 1;

/**
 * Target rows [n, 10] times the weights of classes, without those that have no label, as torch.nn.CrossEntropyLoss takes its mean: of class
 * numbers over the weights of the labels, of soft targets over the rows.
 */
function weighed(rows: Numbers, v: Case): Float64Array {
  const n = rows.length / 10;
  const labels = v.given.labels ?? Array<number>(n).fill(0);
  const total = v.given.labels ? labels.reduce((sum, label) => sum + (label < 0 ? 0 : weightOf(v, label)), 0) : n;
  return Float64Array.from(rows, (t, i) => (labels[Math.floor(i / 10)]! < 0 ? 0 : (t * weightOf(v, i % 10) * n) / total));
}
const activationOf = ({ op, options }: Case) =>
  ({ ...activations, leakyRelu: leakyRelu(options.slope), elu: elu(options.alpha), celu: celu(options.alpha) })[op];

const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
/** A signal is an image of one row, a filter of signals one row of taps. */
const in4 = (shape: readonly number[]) => (shape.length === 3 ? [...shape.slice(0, 2), 1, shape[2]!] : shape);
function imagesOf(v: Case): norm.Images {
  const [n = 0, c = 0, h = 0, w = 0] = in4(v.inputs.x!.shape);
  return { n, c, h, w };
}
function planesOf(v: Case) {
  const { n, c, h, w } = imagesOf(v);
  return { planes: n * c, h, w };
}
/** The options of a case as rows and columns, and its padding as what the references take. */
function geometryOf(v: Case): Record<string, any> {
  if (v.inputs.x!.shape.length === 3) {
    const { k, pad, stride, dilation = 1, ...rest } = v.options;
    return { ...rest, k: [1, k], pad: [0, pad], stride: [1, stride], dilation: [1, dilation] };
  }
  const { pad } = v.options;
  return typeof pad === 'object' && !Array.isArray(pad)
    ? { ...v.options, pad: { top: 0, bottom: 0, left: 0, right: 0, ...pad } }
    : v.options;
}
const poolOf = (v: Case) => ({ ...planesOf(v), ...geometryOf(v) }) as pool.Pool;
function convOf(v: Case): Conv {
  const [o = 0, , kh = 0, kw = 0] = in4(v.inputs.weight!.shape);
  const { h, w } = imagesOf(v);
  const s = geometryOf(v);
  const pad = s.pad === 'same' ? same([h, w], [kh, kw], s.stride, s.dilation) : s.pad;
  return { ...imagesOf(v), o, kh, kw, ...s, pad };
}
/** The convolution from y to x. */
function transposedOf(v: Case): Conv {
  const x = imagesOf(v);
  const [, og = 0, kh = 0, kw = 0] = v.inputs.weight!.shape;
  const { stride, pad, dilation, groups, outputPad } = v.options;
  const size = (i: 0 | 1, size: number, k: number) => {
    const [s = 0, p = 0, d = 0, more = 0] = [stride, pad, dilation, outputPad].map(sides => pairOf(sides)[i]);
    return (size - 1) * s - 2 * p + d * (k - 1) + 1 + more;
  };
  return { n: x.n, c: og * groups, h: size(0, x.h, kh), w: size(1, x.w, kw), o: x.c, kh, kw, stride, pad, dilation, groups };
}
function padOf(x: Record<string, Numbers>, v: Case): Outputs {
  const { h, w } = imagesOf(v);
  return { y: padded(x.x!, [h, w], v.options.pad as Edges, v.op) };
}
/** f of x and other, each repeated where its size is 1 and the other's is not. */
function repeated(x: Record<string, Numbers>, v: Case, f: (a: number, b: number) => number): Float64Array {
  const rank = Math.max(v.inputs.x!.shape.length, v.inputs.other!.shape.length);
  const sizesOf = (name: string) => [...Array<number>(rank).fill(1), ...v.inputs[name]!.shape].slice(-rank);
  const shape = sizesOf('x').map((size, d) => Math.max(size, sizesOf('other')[d]!));
  const at = (name: string, i: number) => {
    let place = 0;
    for (const [d, size] of sizesOf(name).entries()) {
      const index = Math.floor(i / product(shape.slice(d + 1))) % shape[d]!;
      place = place * size + (size === 1 ? 0 : index);
    }
    return x[name]![place]!;
  };
  return Float64Array.from({ length: product(shape) }, (_, i) => f(at('x', i), at('other', i)));
}

function close(seen: Numbers, expected: Numbers, tolerance: number, what: string): void {
  assert.is(seen.length, expected.length, `${what}: length`);
  const scale = Math.max(1, ...Array.from(expected, Math.abs));
  for (let i = 0; i < seen.length; i++) {
    const error = Math.abs(seen[i]! - expected[i]!);
    const limit = tolerance * scale;
    assert.ok(error <= limit, `${what}[${i}] is ${seen[i]}, expected ${expected[i]} (error ${error.toExponential(1)}, tolerance ${limit})`);
  }
}

for (const v of cases) {
  test(`the reference agrees with PyTorch: ${v.name}`, () => {
    const inputs = Object.fromEntries(
      Object.entries(v.inputs).map(([name, { shape, scale, offset }]) => [
        name,
        vectorUniform(`${v.name}/${name}`, product(shape)).map(u => offset + scale * u),
      ]),
    );
    const activation = activationOf(v);
    const f = (x: Record<string, Numbers>): Outputs => (activation ? { y: Array.from(x.x!, activation.f) } : references[v.op]!(x, v));
    const outputs = f(inputs);
    assert.equal(Object.keys(outputs), Object.keys(v.outputs));
    for (const [name, { data }] of Object.entries(v.outputs)) close(outputs[name]!, data, 2e-8, name);

    const [first, { shape }] = Object.entries(v.outputs)[0]!;
    const dy = shape.length ? vectorUniform(`${v.name}/dy`, product(shape)) : [1];
    for (const [name, gradient] of Object.entries(v.gradients)) {
      const weighted = (y: Numbers) => Array.from(y).reduce((a, v, i) => a + v * dy[i]!, 0);
      const numeric = numericGradient(at => weighted(f({ ...inputs, [name]: at })[first]!), inputs[name]!);
      close(numeric, gradient, v.name.includes('large') ? 1e-5 : 1e-7, `d${name}`);
    }
    if (activation) {
      close(
        Array.from(inputs.x!, (x, i) => activation.df(x) * dy[i]!),
        v.gradients.x!,
        1e-8,
        'df',
      );
    }
    if (v.op === 'conv2d' || v.op === 'conv1d') {
      const { dx, dweight, dbias } = conv2dBackward(inputs.x!, inputs.weight!, dy, convOf(v));
      close(dx, v.gradients.x!, 1e-8, 'dx');
      close(dweight, v.gradients.weight!, 1e-8, 'dweight');
      if (v.gradients.bias) close(dbias, v.gradients.bias, 1e-8, 'dbias');
    }
  });
}

test('erf to 15 digits', () => {
  // the C library's; 2.5 is where the series hands over to the continued fraction
  const known = [
    [0.1, 0.1124629160182849],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [2.499, 0.9995908642442554],
    [2.501, 0.9995952208294163],
    [3, 0.9999779095030014],
    [5, 0.9999999999984626],
    [-1, -0.8427007929497149],
  ] as const;
  for (const [x, y] of known) assert.ok(Math.abs(erf(x) - y) < 1e-15, `erf(${x}) = ${erf(x)}`);
});

test('Philox gives the known answers of Random123', () => {
  for (const { counter, key, out } of philoxAnswers) assert.equal(philox4x32(counter, key), out);
});

test('output sizes', () => {
  assert.is(outSize(28, 5, 1, 2), 28);
  assert.is(outSize(7, 3, 2, 0, 2), 2);
});

test.run();
