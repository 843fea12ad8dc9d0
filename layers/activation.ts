/** Activations. Every export takes its parameters and gives a layer of the input's shape. */
import { check, kindOf, onlyOptions, show, type Known } from '../engine/check.ts';
import type { Layer } from '../engine/graph.ts';
import { AT_LEAST_0, isWithin, POSITIVE } from '../engine/range.ts';
import type { Tensor } from '../engine/tensor.ts';
import { product } from '../shaders/kernel/shape.ts';
import { onnxNode, type OnnxForm, type OnnxGraph } from '../engine/onnx.ts';
import { float } from '../shaders/kernel/wgsl.ts';
import { logSoftmaxBackward, logSoftmaxForward, softmaxBackward, softmaxForward } from '../shaders/norm/softmax.ts';
import { mapInto, mapped, summed } from './broadcast.ts';
import { constant } from './init.ts';

/**
 * y = f(x) elementwise; dx = dy * df. Both are WGSL over vec4f; `f` sees `v` = x, `df` sees `v` = dy and `a` = y or x, as `from` says. Both
 * pass NaN on: where v is compared, the false branch keeps it; what a built-in function may drop goes through `keep(v, …)`.
 */
interface Activation {
  f: string;
  df: string;
  from: 'x' | 'y';
  onnx: OnnxForm;
}

const activation =
  ({ f, df, from, onnx }: Activation): Layer =>
  (g, x) => {
    const y = g.map(f, x);
    return g.record([x], y, dy => [g.map(df, dy, from === 'y' ? y : x)], { onnx });
  };

/** max(x, 0) (Nair & Hinton 2010). The derivative at 0 is 0, as in PyTorch. */
export const relu = (): Layer =>
  activation({ f: 'select(v, zero, v <= zero)', df: 'select(v, zero, a <= zero)', from: 'y', onnx: onnxNode('Relu') });

/** x, or slope x below 0 (Maas 2013); slope 0.01 or what is given, at least 0. */
export const leakyRelu = (slope = 0.01): Layer => {
  check(isWithin(slope, AT_LEAST_0), `leakyRelu: slope is ${kindOf(slope)}, expected at least 0`);
  return activation({
    f: `select(v * ${float(slope)}, v, v > zero)`,
    df: `select(v * ${float(slope)}, v, a > zero)`,
    from: 'y',
    onnx: onnxNode('LeakyRelu', { alpha: { float: slope } }),
  });
};

/** x, or alpha (exp(rate x) - 1) below 0. */
const exponential = (operator: 'Elu' | 'Celu', alpha: number, rate = 1): Layer => {
  check(isWithin(alpha, POSITIVE), `${operator.toLowerCase()}: alpha is ${kindOf(alpha)}, expected above 0`);
  return activation({
    f: `select(v, expm1(v * ${float(rate)}) * ${float(alpha)}, v <= zero)`,
    df: `v * select((a + ${float(alpha)}) * ${float(rate)}, one, a > zero)`,
    from: 'y',
    onnx: onnxNode(operator, { alpha: { float: alpha } }),
  });
};

/** x, or alpha (exp(x) - 1) below 0 (Clevert 2015); alpha above 0. */
export const elu = (alpha = 1): Layer => exponential('Elu', alpha);

/** x, or alpha (exp(x / alpha) - 1) below 0 (Barron 2017): elu with a slope of 1 at 0; alpha above 0. */
export const celu = (alpha = 1): Layer => exponential('Celu', alpha, 1 / alpha);

/** min(max(x, 0), 6) (Howard et al. 2017). The derivative at 0 and 6 is 0, as in PyTorch. */
export const relu6 = (): Layer =>
  activation({
    f: 'keep(v, clamp(v, zero, one * 6.0))',
    df: 'select(v, zero, (a <= zero) | (a >= one * 6.0))',
    from: 'y',
    onnx: (o, x) => o.node('Clip', [x, o.floats(0), o.floats(6)]),
  });

/** relu6(x + 3) / 6 (Howard et al. 2019). */
export const hardsigmoid = (): Layer =>
  activation({
    f: 'keep(v, clamp(v + 3.0, zero, one * 6.0) / 6.0)',
    df: 'select(zero, v / 6.0, (a > zero) & (a < one))',
    from: 'y',
    onnx: onnxNode('HardSigmoid', { alpha: { float: 1 / 6 }, beta: { float: 0.5 } }),
  });

/** x relu6(x + 3) / 6 (Howard et al. 2019). The derivative at -3 and 3 is that of what lies between, as in PyTorch. */
export const hardswish = (): Layer =>
  activation({
    f: 'v * clamp(v + 3.0, zero, one * 6.0) / 6.0',
    df: 'select(select(v * (a / 3.0 + 0.5), v, a > one * 3.0), zero, a < one * -3.0)',
    from: 'x',
    onnx: onnxNode('HardSwish'),
  });

/** 1 / (1 + exp(-x)). */
export const sigmoid = (): Layer =>
  activation({ f: 'keep(v, one / (one + exp(-v)))', df: 'v * a * (one - a)', from: 'y', onnx: onnxNode('Sigmoid') });

/** WGSL: its value. */
const sigmoidOf = (x: string) => `(one / (one + exp(-${x})))`;

/** x / (1 + exp(-x)), swish (Ramachandran et al. 2017). */
export const silu = (): Layer =>
  activation({
    f: `v * ${sigmoidOf('v')}`,
    df: `v * ${sigmoidOf('a')} * (one + a * (one - ${sigmoidOf('a')}))`,
    from: 'x',
    onnx: (o, x) => o.node('Mul', [x, o.node('Sigmoid', [x])]),
  });

/** exp(2 x) - 1, which overflows nowhere: beyond 10 tanh is 1 in 24 bits. */
const GROWN = 'expm1(clamp(2.0 * v, one * -20.0, one * 20.0))';

/** WGSL's own has an absolute error of up to 1e-5, and some drivers' loses all digits near 0. */
export const tanh = (): Layer =>
  activation({ f: `keep(v, ${GROWN} / (${GROWN} + 2.0))`, df: 'v * (one - a * a)', from: 'y', onnx: onnxNode('Tanh') });

/** log(1 + exp(x)) (Dugas 2000). */
export const softplus = (): Layer =>
  activation({
    f: 'keep(v, max(v, zero) + log1p(exp(-abs(v))))',
    df: 'v * keep(a, -expm1(-a))',
    from: 'y',
    onnx: onnxNode('Softplus'),
  });

/** WGSL: tanh(log(1 + exp(x))): beyond 20 it is 1, and exp(x) squared would overflow. */
function tanhOfSoftplus(x: string): string {
  const e = `exp(min(${x}, one * 20.0))`;
  return `(${e} * (${e} + 2.0) / (${e} * (${e} + 2.0) + 2.0))`;
}

/** x tanh(log(1 + exp(x))) (Misra 2019). */
export const mish = (): Layer => {
  const t = tanhOfSoftplus('a');
  return activation({
    f: `v * ${tanhOfSoftplus('v')}`,
    df: `v * (${t} + a * (one - ${t} * ${t}) * ${sigmoidOf('a')})`,
    from: 'x',
    onnx: (o, x) => o.node('Mul', [x, o.node('Tanh', [o.node('Softplus', [x])])]),
  });
};

/** From here on the tail is 0 in f32, and x times it is NaN for an infinite x. */
const BEYOND = 20;

/** ONNX: x (1 + y) / 2. */
const halfOfOnePlus = (o: OnnxGraph, x: string, y: string): string =>
  o.node('Mul', [o.node('Mul', [x, o.floats(0.5)]), o.node('Add', [y, o.floats(1)])]);

/** x times the normal distribution function (Hendrycks & Gimpel 2016), as PyTorch's default. */
export const gelu = (): Layer =>
  activation({
    f: `select(max(v, zero) - abs(v) * tail(v), v, v > one * ${BEYOND}.0)`,
    df: `v * (select(tail(a), one - tail(a), a > zero) + a * exp(-0.5 * a * a) * ${1 / Math.sqrt(2 * Math.PI)})`,
    from: 'x',
    onnx: (o, x) => halfOfOnePlus(o, x!, o.node('Erf', [o.node('Mul', [x, o.floats(Math.SQRT1_2)])])),
  });

const SLOPE = 2 * Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** WGSL: (1 + tanh(u)) / 2 written as a logistic function, which no argument overflows. */
const logistic = (x: string) => `(one / (one + exp(-${SLOPE} * (${x} + ${CUBIC} * ${x} * ${x} * ${x}))))`;

/** Its paper's tanh form, as PyTorch's approximate='tanh'. */
export const geluTanh = (): Layer =>
  activation({
    f: `v * ${logistic('v')}`,
    df: `v * ${logistic('a')} * (one + a * (one - ${logistic('a')}) * ${SLOPE} * (one + ${3 * CUBIC} * a * a))`,
    from: 'x',
    onnx: (o, x) => {
      const cubic = o.node('Add', [o.node('Mul', [o.node('Mul', [x, x]), o.floats(CUBIC)]), o.floats(1)]);
      return halfOfOnePlus(o, x!, o.node('Tanh', [o.node('Mul', [o.node('Mul', [x, o.floats(SLOPE / 2)]), cubic])]));
    },
  });

/** exp(x) / sum of exp(x) over the classes or channels. [n, c, …] -> the same. A loss on logits needs none before it. */
export const softmax = (): Layer => overChannels('Softmax', softmaxForward, softmaxBackward);

/** x - log of the sum of exp(x) over the classes or channels, as torch.nn.LogSoftmax. [n, c, …] -> the same; the loss `nll` goes with it. */
export const logSoftmax = (): Layer => overChannels('LogSoftmax', logSoftmaxForward, logSoftmaxBackward);

const overChannels =
  (operator: string, forward: typeof softmaxForward, backward: typeof softmaxBackward): Layer =>
  (g, x) => {
    const p = { n: x.shape[0]!, c: x.shape[1]!, hw: product(x.shape.slice(2)) };
    const y = g.tensor(x.shape);
    g.run(forward, p, { x, y });
    return g.record([x], y, dy => [g.gradientOf(x, dx => g.run(backward, p, { y, dy, dx }))], { onnx: onnxNode(operator, { axis: 1 }) });
  };

/** As of torch.nn.PReLU. */
export interface PreluOptions {
  perChannel?: boolean;
  init?: number;
}

const PRELU: Known<PreluOptions> = { perChannel: 'boolean', init: {} };

/**
 * x, or a learned slope times x below 0 (He et al. 2015), as torch.nn.PReLU: one slope, or one for each channel. [n, c, …] -> the same;
 * weight [1] or [c], which begins at `init`.
 */
export const prelu =
  (options: PreluOptions = {}): Layer =>
  (g, x) => {
    onlyOptions(g.who('prelu'), options, PRELU);
    const { perChannel = false, init = 0.25 } = options;
    check(x.shape.length >= 2, `${g.who('prelu')}: input is ${show(x.shape)}, expected [batch, channels, …]`);
    const c = x.shape[1]!;
    const ofChannels = [c, ...x.shape.slice(2).map(() => 1)];
    const shape = perChannel ? ofChannels : ofChannels.map(() => 1);
    const weight = g.param('weight', [perChannel ? c : 1], constant(init));
    const slope = g.view(weight.value, shape);
    const y = mapped(g, x.shape, 'select(v * a, v, v > zero)', { v: x, a: slope });
    const backward = (dy: Tensor) => {
      const dslope = g.view(weight.grad, shape);
      const gradient = g.gradient(weight.grad);
      const channels = perChannel ? dslope : g.tensor(ofChannels); // one workgroup for all values would take long
      summed(g, x.shape, 'select(v * a, zero, a > zero)', { v: dy, a: x }, channels, perChannel ? gradient : undefined);
      if (!perChannel) summed(g, ofChannels, 'v', { v: channels }, dslope, gradient);
      return [g.gradientOf(x, dx => mapInto(g, 'select(v * b, v, a > zero)', { v: dy, a: x, b: slope }, dx))];
    };
    const onnx: OnnxForm = (o, x) => o.node('PRelu', [x, o.node('Reshape', [o.weight(weight.value), o.integers(shape)])]);
    return g.record([x], y, backward, { weight, onnx });
  };
