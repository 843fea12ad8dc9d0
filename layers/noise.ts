/**
 * Layers that draw random numbers while training. Each number is a function of (seed, step, layer, element): backward draws it again, and a
 * run repeats. Evaluation leaves values as they are unless it says otherwise.
 */
import { check, kindOf, onlyOptions, type Known } from '../engine/check.ts';
import type { Graph, Layer } from '../engine/graph.ts';
import type { OnnxForm } from '../engine/onnx.ts';
import { AT_LEAST_0, isWithin, SHARE } from '../engine/range.ts';
import type { Param, Tensor } from '../engine/tensor.ts';
import { product } from '../shaders/kernel/shape.ts';
import { sumSlices } from '../shaders/kernel/sum-slices.ts';
import { elementwise } from '../shaders/kernel/elementwise.ts';
import { float } from '../shaders/kernel/wgsl.ts';
import { matmul } from '../shaders/product/matmul.ts';
import { addNormal, dropElements, whiteoutBackward, whiteoutDeviation, whiteoutScale } from '../shaders/move/noise.ts';
import { choose } from '../shaders/move/steps.ts';
import { applied } from './applied.ts';
import { add } from './broadcast.ts';
import { droppedSamples, residual, scale } from './compose.ts';
import { dense, weighted } from './dense.ts';
import { channelsOf } from './geometry.ts';
import type { WeightTransform } from './weight.ts';

const checkP = (layer: string, p: number) => check(isWithin(p, SHARE), `${layer}: p is ${kindOf(p)}, expected 0 <= p < 1`);
const checkStd = (layer: string, std: number) => check(isWithin(std, AT_LEAST_0), `${layer}: std is ${kindOf(std)}, expected at least 0`);

/** What is zeroed in x with probability p is zeroed in its gradient; the rest is multiplied by `factor`. */
function dropped(g: Graph, x: Tensor, p: number, factor = 1 / (1 - p)): Tensor {
  const drop = dropping(g, g.stream(), p, factor);
  return g.record([x], drop(x), dy => [drop(dy)]);
}

/** The same values of tensors of one size are dropped. */
const dropping = (g: Graph, layer: number, p: number, factor: number) => (t: Tensor) => {
  const y = g.tensor(t.shape);
  g.run(elementwise, dropElements(t.size, p, layer, factor), { v: t, y });
  return y;
};

/**
 * Inverted dropout (Srivastava 2014), as torch.nn.Dropout: zeroes values with probability p and scales the rest by 1 / (1 - p); nothing
 * when evaluating.
 */
export const dropout =
  (p: number): Layer =>
  (g, x) => {
    checkP('dropout', p);
    return !g.training || p === 0 ? x : dropped(g, x, p);
  };

/** Dropout as Hinton et al. (2012) had it: zeroes values with probability p; evaluation multiplies all by 1 - p. */
export const vanillaDropout =
  (p: number): Layer =>
  (g, x) => {
    checkP('vanillaDropout', p);
    return p === 0 ? x : g.training ? dropped(g, x, p, 1) : scale(1 - p)(g, x);
  };

/** Of tensors of one size what `choose` takes in this step. */
function chosen(
  g: Graph,
  { v, a }: { v?: Tensor; a?: Tensor },
  { factor = 1, ...choice }: { p: number; layer: number; factor?: number },
): Tensor {
  const { shape, size } = (v ?? a)!;
  const y = g.tensor(shape);
  g.run(choose, { ...choice, n: size, factor, of: v && a ? 'both' : v ? 'v' : 'a' }, { v, a, y });
  return y;
}

/**
 * Zoneout (Krueger et al. 2016): with probability p a value of `next` does not come about, and that of `previous` stays; evaluation takes
 * what is expected, p previous + (1 - p) next. Of one shape. `name` tells calls within one layer apart. A mask of one step of many has the
 * pipeline of the others.
 */
export function zoneout(g: Graph, previous: Tensor, next: Tensor, p: number, name = 'zoneout'): Tensor {
  checkP('zoneout', p);
  if (p === 0) return next;
  if (!g.training) {
    const onnx: OnnxForm = (o, was, is) => o.node('Add', [o.node('Mul', [was, o.floats(p)]), o.node('Mul', [is, o.floats(1 - p)])]);
    const backward = (dy: Tensor) => [g.map(`v * ${float(p)}`, dy), g.map(`v * ${float(1 - p)}`, dy)];
    return g.record([previous, next], g.map(`v * ${float(1 - p)} + a * ${float(p)}`, next, previous), backward, { onnx });
  }
  const choice = { p, layer: g.stream(name) };
  return g.record([previous, next], chosen(g, { v: next, a: previous }, choice), dy => [
    chosen(g, { a: dy }, choice),
    chosen(g, { v: dy }, choice),
  ]);
}

/**
 * A residual block whose units keep what the shortcut gives with probability p, in place of shortcut(x) + body(x) (see zoneout): stochastic
 * depth unit by unit.
 */
export const zonedOut = (body: Layer, p: number, shortcut: Layer = (_, x) => x): Layer => {
  checkP('zoneout', p);
  if (p === 0) return residual(body, shortcut);
  return (g, x) => {
    const previous = applied('zonedOut', 'shortcut', shortcut, g, x);
    return zoneout(g, previous, residual(body, () => previous)(g, x), p);
  };
};

/** Dropout, as `dropout`, at one of many steps of a layer: `name` tells them apart, and all of them share a pipeline. */
export function droppedStep(g: Graph, x: Tensor, p: number, name: string): Tensor {
  checkP('dropout', p);
  if (!g.training || p === 0) return x;
  const choice = { p, layer: g.stream(name), factor: 1 / (1 - p) };
  return g.record([x], chosen(g, { v: x }, choice), dy => [chosen(g, { v: dy }, choice)]);
}

/**
 * Zeroes whole channels with probability p, as torch.nn.Dropout1d and Dropout2d (Tompson 2015); the rest is scaled by 1 / (1 - p). [n, c, …] ->
 * the same.
 */
export const spatialDropout =
  (p: number): Layer =>
  (g, x) => {
    checkP('spatialDropout', p);
    const [n, c, size] = channelsOf(g.who('spatialDropout'), x.shape);
    if (!g.training || p === 0) return x;
    return droppedSamples(g, x, { n: n * c, size, p, layer: g.stream(), perSample: true, scale: 1 / (1 - p) });
  };

/** Whether there is noise in evaluation too. */
export interface NoiseOptions {
  evaluating?: boolean;
}

const NOISE: Known<NoiseOptions> = { evaluating: 'boolean' };

/** x + N(0, std^2). With `evaluating` noise is added then too, the same in each evaluation unless that is for gradients (EnResNet: Wang et al. 2019). */
export const gaussianNoise =
  (std: number, options: NoiseOptions = {}): Layer =>
  (g, x) => {
    onlyOptions(g.who('gaussianNoise'), options, NOISE);
    const { evaluating = false } = options;
    checkStd('gaussianNoise', std);
    if (std === 0 || (!g.training && !evaluating)) return x;
    const y = g.tensor(x.shape);
    g.run(addNormal, { n: x.size, std, layer: g.stream(), fixed: !g.differentiates, add: true }, { x, y });
    return g.record([x], y, dy => [dy], {
      onnx: (o, x) => o.node('Add', [x, o.node('RandomNormalLike', [x], { scale: { float: std } })]), // drawn anew in each run
    });
  };

/** Writes `dw` as the gradient of a parameter. */
const writeGradient = (g: Graph, { value, grad }: Param, dw: Tensor): void =>
  g.run(sumSlices, { size: value.size, count: 1, gradient: g.gradient(grad) }, { slices: dw, out: grad });

/**
 * For `through` of dense and conv2d. DropConnect (Wan 2013): zeroes weights with probability p and scales the rest by 1 / (1 - p). One mask
 * serves the batch (the paper draws one for each sample), and evaluation uses the mean weight.
 */
export const dropConnect =
  (p: number): WeightTransform =>
  (g, weight) => {
    checkP('dropConnect', p);
    if (!g.training || p === 0) return undefined;
    const drop = dropping(g, g.stream('weight'), p, 1 / (1 - p));
    return { value: drop(weight.value), backward: dw => writeGradient(g, weight, drop(dw)) };
  };

/** For `through` of dense and conv2d: weights with N(0, std^2) added at each step (Graves 2011). */
export const weightNoise =
  (std: number): WeightTransform =>
  (g, weight) => {
    checkStd('weightNoise', std);
    if (!g.training || std === 0) return undefined;
    const { value: w } = weight;
    const value = g.tensor(w.shape);
    g.run(addNormal, { n: w.size, std, layer: g.stream('weight'), fixed: false, add: true }, { x: w, y: value });
    return { value, backward: dw => writeGradient(g, weight, dw) };
  };

/** Of shakeout, by its paper's names. */
export interface ShakeoutOptions {
  tau?: number;
  c?: number;
  bias?: boolean;
}

const SHAKEOUT: Known<ShakeoutOptions> = { tau: SHARE, c: {}, bias: 'boolean' };

/**
 * A dense layer with shakeout (Kang, Li & Tao 2016): where a unit's r is 0 (probability tau) its weights become -c sign(w), else
 * (w + c tau sign(w)) / (1 - tau); w x on average, with L0, L1 and L2 terms as its price. sign(w) counts as constant in the gradient.
 * [n, …] -> [n, out].
 */
export const shakeout =
  (out: number, options: ShakeoutOptions = {}): Layer =>
  (g, x0) => {
    onlyOptions(g.who('shakeout'), options, SHAKEOUT);
    const { tau = 0.3, c = 0.1, bias = true } = options;
    if (!g.training || tau === 0) return dense(out, { bias })(g, x0);
    // r w x + c (r - 1) sign(w) x, r = 0 or 1 / (1 - tau): two products of a dropped input
    const n = x0.shape[0]!;
    const size = product(x0.shape.slice(1));
    const x = g.view(x0, [n, size]);
    const r = dropped(g, x0, tau);
    const rx = g.view(r, [n, size]);
    const { y, weight } = weighted(g, r, out, { bias });
    const less = g.map(`(a - v) * ${float(c)}`, x, rx);
    const sign = g.map('sign(v)', weight.value);
    const shaken = g.tensor([n, out]);
    g.run(matmul, { m: n, n: out, k: size, tb: true }, { a: less, b: sign, y: shaken });
    g.record([r, x0], shaken, dy => {
      const product = g.tensor([n, size]);
      g.run(matmul, { m: n, n: size, k: out }, { a: dy, b: sign, y: product });
      const d = g.map(`v * ${float(c)}`, product);
      return [g.view(d, x0.shape), g.view(g.map('-v', d), x0.shape)];
    });
    return add(g, y, shaken);
  };

/** Of whiteout, by its paper's names. */
export interface WhiteoutOptions {
  sigma?: number;
  gamma?: number;
  lambda?: number;
  bias?: boolean;
}

const WHITEOUT: Known<WhiteoutOptions> = { sigma: AT_LEAST_0, gamma: { min: 0, below: 2 }, lambda: AT_LEAST_0, bias: 'boolean' };

/**
 * A dense layer with whiteout (Li & Liu 2016): each input of each unit gets additive noise N(0, sigma^2 |w|^-gamma + lambda), which on the
 * unit's sum is N(0, sum of w^2 (sigma^2 |w|^-gamma + lambda)), drawn as such for each sample. [n, …] -> [n, out].
 */
export const whiteout =
  (out: number, options: WhiteoutOptions = {}): Layer =>
  (g, x) => {
    onlyOptions(g.who('whiteout'), options, WHITEOUT);
    const { sigma = 0.1, gamma = 1, lambda = 0, bias = true } = options;
    if (!g.training) return dense(out, { bias })(g, x);
    const n = x.shape[0]!;
    const c = product(x.shape.slice(1));
    const p = { n, o: out, c, sigma, gamma, lambda };
    const z = g.tensor([n, out]);
    const deviation = g.tensor([out]);
    const noise = g.tensor([n, out]);
    const { y, weight } = weighted(g, x, out, { bias });
    g.run(addNormal, { n: n * out, std: 1, layer: g.stream(), fixed: false, add: false }, { y: z });
    g.run(whiteoutDeviation, p, { weight: weight.value, deviation });
    g.run(whiteoutScale, p, { z, deviation, y: noise });
    const sum = g.sum(y, noise);
    return g.record([y], sum, dy => {
      const { value, grad } = weight;
      g.run(whiteoutBackward, { ...p, gradient: g.gradient(grad) }, { weight: value, z, dy, deviation, dweight: grad });
      return [dy];
    });
  };
