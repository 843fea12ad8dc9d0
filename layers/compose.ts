/** Layers made of layers: one after another, side by side, around a shortcut. */
import { check, images, kindOf, onlyOptions, show, type Known } from '../engine/check.ts';
import type { Graph, Layer } from '../engine/graph.ts';
import { COUNT, isWithin, SHARE } from '../engine/range.ts';
import type { Tensor } from '../engine/tensor.ts';
import { product, type Shape } from '../shaders/kernel/shape.ts';
import { onnxNode } from '../engine/onnx.ts';
import { readPart, subsample, subsampleBackward, writePart } from '../shaders/move/copy.ts';
import { float } from '../shaders/kernel/wgsl.ts';
import { dropSample, type DropSample } from '../shaders/move/noise.ts';
import { applied, appliedBeside } from './applied.ts';
import { add } from './broadcast.ts';
import { reshape } from './geometry.ts';

/** Layers by the name of their scope; an array gives PyTorch's numeric names. */
export type Layers = Readonly<Record<string, Layer>> | readonly Layer[];

/** Layers and their names. Throws where a layer stands in place of a list, after which `nn.Sequential(a, b)` of PyTorch has more of them. */
function listed(who: string, layers: Layers): [name: string, layer: Layer][] {
  check(
    typeof layers === 'object' && layers !== null,
    `${who}: it got ${kindOf(layers)} where a list of layers goes`,
    'give one, as [relu(), flatten()]',
  );
  return Object.entries(layers);
}

/** What a layer of a list makes of x, in the scope of its name. */
const within = (who: string, [name, layer]: readonly [string, Layer], g: Graph, x: Tensor): Tensor => applied(who, name, layer, g, x, true);

/** Layers one after another; the keys name their parameters as in a PyTorch state dict (`conv1.weight`). */
export function sequential(layers: Layers): Layer {
  const all = listed('sequential', layers);
  const layer: Layer = (g, x) => all.reduce((t, each) => within('sequential', each, g, t), x);
  return Object.assign(layer, { stages: Object.fromEntries(all) });
}

/** A layer under a name of its own, where it stands outside `sequential`. */
export const named =
  (name: string, layer: Layer): Layer =>
  (g, x) => {
    check(typeof name === 'string' && name, `${g.who('named')}: the name is ${kindOf(name)}`, "give a text, as 'conv1'");
    return within('named', [name, layer], g, x);
  };

/** [n, c, h, w] -> [n, c h w]: the same values under another shape, at no cost (dense layers flatten by themselves). */
export const flatten = (): Layer => (g, x) => reshape(g, x, [x.shape[0]!, product(x.shape.slice(1))]);

/** [n, …] -> [n, ...shape]: the same values under another shape, at no cost, as torch.nn.Unflatten(1, shape) after flatten. */
export const unflatten =
  (shape: Shape): Layer =>
  (g, x) => {
    const isShape = Array.isArray(shape) && shape.every(size => isWithin(size, COUNT));
    check(
      isShape,
      `${g.who('unflatten')}: the shape is ${Array.isArray(shape) ? show(shape) : kindOf(shape)}`,
      'give a list, as [1, 28, 28]',
    );
    const size = product(x.shape.slice(1));
    check(
      product(shape) === size,
      `${g.who('unflatten')}: ${show(shape)} holds ${product(shape)} values, a sample has ${size} (input ${show(x.shape)})`,
    );
    return reshape(g, x, [x.shape[0]!, ...shape]);
  };

/** a + b, of one shape. */
function sumOf(g: Graph, a: Tensor, b: Tensor): Tensor {
  check(
    show(a.shape) === show(b.shape),
    `${g.who('add')}: the two sides are ${show(a.shape)} and ${show(b.shape)}`,
    "give both one shape (a shortcut needs the body's channels and stride)",
  );
  return add(g, a, b);
}

/** x * factor. */
export const scale =
  (factor: number): Layer =>
  (g, x) => {
    check(Number.isFinite(factor), `${g.who('scale')}: the factor is ${kindOf(factor)}`, 'give a number');
    const times = `v * ${float(factor)}`;
    if (factor === 1) return x;
    return g.record([x], g.map(times, x), dy => [g.map(times, dy)], { onnx: (o, x) => o.node('Mul', [x, o.floats(factor)]) });
  };

/** body(x) + shortcut(x), the identity without one (He et al. 2015). Parameters are named as those of body and shortcut themselves. */
export const residual =
  (body: Layer, shortcut: Layer = (_, x) => x): Layer =>
  (g, x) => {
    const [a, b] = appliedBeside('residual', { body, shortcut }, g, x);
    return sumOf(g, a!, b!);
  };

/**
 * He et al.'s shortcut A to `o` channels: every `stride`-th row and column, with zeros before and after the channels. [n, c, h, w] ->
 * [n, o, ceil(h / stride), ceil(w / stride)]; no parameters.
 */
export const zeroPadShortcut =
  (o: number, stride = 1): Layer =>
  (g, x) => {
    const [n, c, h, w] = images(g.who('zeroPadShortcut'), x.shape);
    check(
      o >= c,
      `${g.who('zeroPadShortcut')}: ${o} channels are fewer than the input's ${c} (input ${show(x.shape)})`,
      'zeros can only be added',
    );
    check(isWithin(stride, COUNT), `${g.who('zeroPadShortcut')}: stride is ${kindOf(stride)}`, 'give a whole number of at least 1');
    if (o === c && stride === 1) return x;
    const oh = Math.ceil(h / stride);
    const ow = Math.ceil(w / stride);
    const p = { n, c, h, w, o, oh, ow, stride, before: Math.floor((o - c) / 2) };
    const y = g.tensor([n, o, oh, ow]);
    g.run(subsample, p, { x, y });
    return g.record([x], y, dy => [g.gradientOf(x, dx => g.run(subsampleBackward, p, { dy, dx }))], {
      onnx: (to, x) => {
        const [starts, ends, axes, steps] = [
          [0, 0],
          [h, w],
          [2, 3],
          [stride, stride],
        ].map(to.integers);
        const few = stride > 1 ? to.node('Slice', [x, starts, ends, axes, steps]) : x;
        return to.node('Pad', [few, to.integers([0, p.before, 0, 0, 0, o - c - p.before, 0, 0])]);
      },
    });
  };

/** The outputs of layers on one input. */
const outputsOf = (who: string, branches: Layers, g: Graph, x: Tensor): Tensor[] =>
  listed(who, branches).map(each => within(who, each, g, x));

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

/** The outputs of several layers on one input, side by side along the channels: [n, c1, …], [n, c2, …] -> [n, c1 + c2, …]. */
export const concat =
  (branches: Layers): Layer =>
  (g, x) =>
    cat(g, outputsOf('concat', branches, g, x));

/** As concat, of layers that have no scopes of their own: their parameters are named as by the layers themselves. */
export const beside =
  (...branches: readonly Layer[]): Layer =>
  (g, x) =>
    cat(g, appliedBeside('beside', branches, g, x));

/** Tensors one after another along an axis behind the batch, as torch.cat. Along the channels: [n, c1, …], [n, c2, …] -> [n, c1 + c2, …]. */
export function cat(g: Graph, parts: readonly Tensor[], axis = 1): Tensor {
  const first = parts[0];
  check(first, `${g.who('concat')}: no branches`, 'give at least one');
  const along = (size: number) => first.shape.map((old, i) => (i === axis ? size : old));
  const odd = parts.find(t => show(t.shape) !== show(along(t.shape[axis]!)));
  check(
    !odd,
    `${g.who('concat')}: branches of ${show(first.shape)} and ${show(odd?.shape ?? [])}`,
    `they may differ in ${axis === 1 ? 'channels' : `axis ${axis}`} alone`,
  );

  const sizes = parts.map(t => t.shape[axis]!);
  const n = product(first.shape.slice(0, axis));
  const inner = product(first.shape.slice(axis + 1));
  const whole = sum(sizes) * inner;
  const y = g.tensor(along(sum(sizes)));
  const place = (i: number) => ({ size: sizes[i]! * inner, at: sum(sizes.slice(0, i)) * inner });
  parts.forEach((t, i) => {
    const { size, at } = place(i);
    g.run(writePart, { n, size, source: size, start: 0, dest: whole, offset: at }, { x: t, y });
  });
  const backward = (dy: Tensor) =>
    parts.map((t, i) => {
      const { size, at } = place(i);
      return g.gradientOf(t, dx => g.run(readPart, { n, size, source: whole, start: at, dest: size, offset: 0 }, { x: dy, y: dx }));
    });
  return g.record(parts, y, backward, { onnx: onnxNode('Concat', { axis }) });
}

/** The mean of the outputs of several layers on one input: an ensemble trained as one net. */
export const mean =
  (branches: Layers): Layer =>
  (g, x) => {
    const outputs = outputsOf('mean', branches, g, x);
    check(outputs.length, `${g.who('mean')}: no branches`, 'give at least one');
    return scale(1 / outputs.length)(
      g,
      outputs.reduce((sum, t) => sumOf(g, sum, t)),
    );
  };

/** Of what stochastic depth drops, and what is done to the rest. */
export interface DepthOptions {
  perSample?: boolean;
  rescale?: boolean;
}

const DEPTH: Known<DepthOptions> = { perSample: 'boolean', rescale: 'boolean' };

/**
 * Stochastic depth (Huang et al. 2016) for the body of a residual block: with probability p its output is zero, for the whole batch or
 * (`perSample`) for each sample by itself; evaluation multiplies it by 1 - p, or training what is left by 1 / (1 - p) with `rescale`, as
 * torchvision's. A static graph computes the body either way.
 */
export const stochasticDepth =
  (body: Layer, p: number, options: DepthOptions = {}): Layer =>
  (g, x) => {
    onlyOptions(g.who('stochasticDepth'), options, DEPTH);
    const { perSample = false, rescale = false } = options;
    check(isWithin(p, SHARE), `${g.who('stochasticDepth')}: p is ${kindOf(p)}, expected 0 <= p < 1`);
    const out = applied('stochasticDepth', 'body', body, g, x);
    if (!g.training || p === 0) return rescale ? out : scale(1 - p)(g, out);
    const n = out.shape[0]!;
    return droppedSamples(g, out, {
      n,
      size: out.size / n,
      p,
      layer: g.stream('depth'),
      perSample,
      scale: rescale ? 1 / (1 - p) : 1,
    });
  };

/** What is dropped of x is dropped of its gradient too. */
export function droppedSamples(g: Graph, x: Tensor, params: DropSample): Tensor {
  const drop = (t: Tensor) => {
    const y = g.tensor(t.shape);
    g.run(dropSample, params, { x: t, y });
    return y;
  };
  return g.record([x], drop(x), dy => [drop(dy)]);
}
