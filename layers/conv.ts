import { check, images, onlyOptions, show, type Known } from '../engine/check.ts';
import type { Graph, Layer } from '../engine/graph.ts';
import { COUNT, isWithin } from '../engine/range.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Shape } from '../shaders/kernel/shape.ts';
import type { OnnxForm } from '../engine/onnx.ts';
import { sumSlices } from '../shaders/kernel/sum-slices.ts';
import { reachOf, type Pair } from '../shaders/kernel/pair.ts';
import { conv, convBackwardInput, convBackwardWeight, gradientIsConv, inputGradient, splits } from '../shaders/conv/conv.ts';
import { patches } from '../shaders/conv/patches.ts';
import type { Conv } from '../shaders/conv/shape.ts';
import {
  edgesOf,
  onnxWindow,
  onSignals,
  paddedSize,
  pairOf,
  rowPadding,
  showPadding,
  showPair,
  windowOf,
  type Padding,
  type Sides,
  type SignalPadding,
  type Window,
} from './geometry.ts';
import { torchDefault } from './init.ts';
import { standardised } from './norm.ts';
import { biasGradient, weightedForm, weightGradient, type WeightTransform } from './weight.ts';

/** What convolutions of either direction take. */
export interface Channels {
  groups?: number;
  bias?: boolean;
}

/** What becomes of a convolution's weight before it is used, beside what it takes of channels. */
export interface WeightOptions extends Channels {
  /** Use the weight with each filter at mean 0 and variance 1 (weight standardisation, Qiao et al. 2019). */
  standardise?: boolean;
  /** What else becomes of the weight before it is used: dropConnect, weightNoise. */
  through?: WeightTransform;
}

/** As of torch.nn.Conv2d: steps of 1, no padding and neighbouring taps without them, in rows and columns alike or in [rows, columns]. */
export interface ConvOptions extends WeightOptions {
  stride?: Sides;
  pad?: Padding;
  dilation?: Sides;
}

const OPTIONS: Known<ConvOptions> = {
  stride: true,
  pad: true,
  dilation: true,
  groups: true,
  bias: 'boolean',
  standardise: 'boolean',
  through: 'function',
};

/** A convolution of images as a layer is asked for it; `weightShape` is that of the parameter. */
interface Asked extends WeightOptions {
  readonly who: string;
  readonly o: number;
  readonly window: Window;
  readonly pad: Padding;
  readonly weightShape: (channelsOfGroup: number) => Shape;
}

const showKernel = ({ k, dilation: [rows, columns] }: Window): string => {
  const apart = rows === columns ? String(rows) : showPair([rows, columns]);
  return `kernel ${showPair(k)}${apart === '1' ? '' : ` with dilation ${apart}`}`;
};

const checkGroups = (who: string, x: Tensor, c: number, o: number, groups: number) =>
  check(
    isWithin(groups, COUNT) && c % groups === 0 && o % groups === 0,
    `${who}: ${c} input and ${o} output channels do not divide into ${groups} groups (input ${show(x.shape)})`,
    'use a divisor of both',
  );

/**
 * Convolution as torch.nn.Conv2d. [n, c, h, w] -> [n, o, oh, ow], oh = floor((h + top + bottom - dilation (k - 1) - 1) / stride) + 1 and ow
 * alike; weight [o, c / groups, kh, kw], bias [o].
 */
export const conv2d =
  (o: number, k: Sides, all: ConvOptions = {}): Layer =>
  (g, x) => {
    const who = g.who('conv2d');
    onlyOptions(who, all, OPTIONS);
    const { stride = 1, pad = 0, dilation = 1, ...options } = all;
    const window = windowOf(who, { k, stride, dilation });
    return convolution(g, x, { ...options, who, o, window, pad, weightShape: cg => [o, cg, ...window.k] });
  };

/** As of torch.nn.Conv1d. */
export interface Conv1dOptions extends WeightOptions {
  stride?: number;
  pad?: SignalPadding;
  dilation?: number;
}

/** Convolution of signals as torch.nn.Conv1d. [n, c, l] -> [n, o, ol]; weight [o, c / groups, k], bias [o]. */
export const conv1d =
  (o: number, k: number, all: Conv1dOptions = {}): Layer =>
  (g, x) => {
    const who = g.who('conv1d');
    onlyOptions(who, all, OPTIONS);
    const { stride = 1, pad = 0, dilation = 1, ...options } = all;
    const window = windowOf(who, { k: [1, k], stride: [1, stride], dilation: [1, dilation] });
    return onSignals(who, g, x, rows =>
      convolution(g, rows, { ...options, who, o, window, pad: rowPadding(pad), weightShape: cg => [o, cg, k] }),
    );
  };

function convolution(g: Graph, x: Tensor, asked: Asked): Tensor {
  const { who, o, window, pad, weightShape, groups = 1, bias = true, standardise = false, through } = asked;
  const [n, c, h, w] = images(who, x.shape);
  const edges = edgesOf(who, pad, [h, w], window);
  const padded = paddedSize([h, w], edges);
  const reach = reachOf(window);
  check(!standardise || !through, `${who}: standardise and through both change the weight`, 'give one of them');
  checkGroups(who, x, c, o, groups);
  check(
    reach[0] <= padded[0] && reach[1] <= padded[1],
    `${who}: ${showKernel(window)} is larger than its padded input ${showPair(padded)} (input ${show(x.shape)}, pad ${showPadding(pad)})`,
    'use larger images or fewer poolings before it',
  );

  const [oh, ow] = ([0, 1] as const).map(i => Math.floor((padded[i] - reach[i]) / window.stride[i]) + 1) as [number, number];
  const p: Conv = { n, c, h, w, o, oh, ow, ...window, pad: [edges.top, edges.left], groups, bias };
  const fanIn = (c / groups) * window.k[0] * window.k[1];
  const weight = g.param('weight', weightShape(c / groups), g.weights ?? torchDefault(fanIn));
  const b = bias ? g.param('bias', [o], g.biases?.(fanIn) ?? torchDefault(fanIn)) : undefined;
  const changed = standardise ? standardised(g, weight) : through?.(g, weight);
  const used = changed?.value ?? weight.value;
  const y = g.tensor([n, o, p.oh, p.ow]);
  g.run(conv, p, { x, weight: used, bias: b?.value, y });

  const backward = (dy: Tensor) => {
    const split = splits(p, g.profile);
    const slices = g.tensor([split, ...weight.value.shape]);
    g.run(convBackwardWeight, { ...p, split }, { x, dy, dweight: slices });
    weightGradient(g, weight, changed, (out, gradient) =>
      g.run(sumSlices, { size: weight.value.size, count: split, gradient }, { slices, out }),
    );
    if (b) biasGradient(g, b, dy, { n, c: o, hw: p.oh * p.ow });
    return [g.gradientOf(x, dx => runInputGradient(g, { ...p, bias: false }, { dy, weight: used, dx }))];
  };
  const onnx = weightedForm(weight, changed, (to, x, weight) => {
    const taps = weightShape(c / groups).length < 4 ? to.node('Reshape', [weight, to.integers([o, c / groups, ...window.k])]) : weight;
    return to.node('Conv', [x, taps, b && to.weight(b.value)], { ...onnxWindow(window, edges), group: groups });
  });
  const multiplied = () => {
    const rows = g.tensor([n, fanIn + (b ? 1 : 0), oh, ow]);
    g.run(patches, p, { x, y: rows });
    return rows;
  };
  return g.record([x], y, backward, { weight, bias: b, used, ...(!changed && groups === 1 && { multiplied }), onnx });
}

/** What goes back through a convolution: dx from dy, with a bias where p.bias. */
function runInputGradient(
  g: Graph,
  p: Conv,
  { dy, weight, bias, dx }: { dy: Tensor; weight: Tensor; bias?: Tensor | undefined; dx: Tensor },
): void {
  if (gradientIsConv(p)) g.run(conv, { ...inputGradient(p), bias: p.bias ?? false }, { x: dy, weight, bias, y: dx });
  else g.run(convBackwardInput, { ...p, epilogue: undefined }, { dy, weight, bias, dx });
}

/** As of torch.nn.ConvTranspose2d. */
export interface ConvTransposeOptions extends Channels {
  stride?: Sides;
  pad?: Exclude<Padding, 'same'>;
  dilation?: Sides;
  /** Rows and columns more behind the last, below the stride or the dilation (PyTorch's output_padding). */
  outputPad?: Sides;
}

const TRANSPOSED: Known<ConvTransposeOptions> = {
  stride: true,
  pad: true,
  dilation: true,
  outputPad: true,
  groups: true,
  bias: 'boolean',
};

/**
 * Transposed convolution as torch.nn.ConvTranspose2d: what the input gradient of a convolution does. [n, c, h, w] -> [n, o, oh, ow],
 * oh = (h - 1) stride - top - bottom + dilation (k - 1) + outputPad + 1 and ow alike; weight [c, o / groups, kh, kw], bias [o].
 */
export const convTranspose2d =
  (o: number, k: Sides, options: ConvTransposeOptions = {}): Layer =>
  (g, x) => {
    const who = g.who('convTranspose2d');
    onlyOptions(who, options, TRANSPOSED);
    const { stride = 1, pad = 0, dilation = 1, outputPad = 0, groups = 1, bias = true } = options;
    const [n, c, h, w] = images(who, x.shape);
    const window = windowOf(who, { k, stride, dilation });
    const more = pairOf(who, 'outputPad', outputPad, 0);
    const edges = edgesOf(who, pad, [h, w], window);
    checkGroups(who, x, c, o, groups);
    check(
      more.every((n, i) => n < Math.max(window.stride[i]!, window.dilation[i]!)),
      `${who}: outputPad is ${showPair(more)}, stride ${showPair(window.stride)} and dilation ${showPair(window.dilation)}`,
      'give less than one of them',
    );
    const reach = reachOf(window);
    const given: Pair = [h, w];
    const [oh, ow] = ([0, 1] as const).map(i => {
      const cut = i === 0 ? edges.top + edges.bottom : edges.left + edges.right;
      return (given[i] - 1) * window.stride[i] + reach[i] + more[i] - cut;
    }) as [number, number];
    check(
      oh >= 1 && ow >= 1,
      `${who}: nothing is left of its output ${oh}x${ow} (input ${show(x.shape)}, pad ${showPadding(pad)})`,
      'use less padding',
    );

    // The convolution from y to x whose input gradient this is.
    const p: Conv = { n, c: o, h: oh, w: ow, o: c, oh: h, ow: w, ...window, pad: [edges.top, edges.left], groups };
    const fanIn = (o / groups) * window.k[0] * window.k[1];
    const weight = g.param('weight', [c, o / groups, ...window.k], g.weights ?? torchDefault(fanIn), { inputs: c / groups });
    const b = bias ? g.param('bias', [o], g.biases?.(fanIn) ?? torchDefault(fanIn)) : undefined;
    const y = g.tensor([n, o, oh, ow]);
    runInputGradient(g, { ...p, bias }, { dy: x, weight: weight.value, bias: b?.value, dx: y });

    const backward = (dy: Tensor) => {
      const split = splits(p, g.profile);
      const slices = g.tensor([split, ...weight.value.shape]);
      g.run(convBackwardWeight, { ...p, split }, { x: dy, dy: x, dweight: slices });
      g.run(sumSlices, { size: weight.value.size, count: split, gradient: g.gradient(weight.grad) }, { slices, out: weight.grad });
      if (b) biasGradient(g, b, dy, { n, c: o, hw: oh * ow });
      return [g.gradientOf(x, dx => g.run(conv, p, { x: dy, weight: weight.value, y: dx }))];
    };
    const onnx: OnnxForm = (to, x) =>
      to.node('ConvTranspose', [x, to.weight(weight.value), b && to.weight(b.value)], {
        ...onnxWindow(window, edges),
        output_padding: more,
        group: groups,
      });
    return g.record([x], y, backward, { weight, bias: b, used: weight.value, onnx });
  };
