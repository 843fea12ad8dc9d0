/** ONNX's operators of windows that move over images, as our layers. */
import type { Tensor } from '../../engine/tensor.ts';
import { conv1d, conv2d, convTranspose2d } from '../../layers/conv.ts';
import { adaptiveAvgPool, avgPool, maxPool } from '../../layers/pool.ts';
import type { Reading } from './reading.ts';
import { axesOf, shaped } from './shapes.ts';

/** Strides and what is around images, of windows of `count` dimensions. */
function windowOf(n: Reading, count: number) {
  const numbers = (name: string, length: number, otherwise: number): readonly number[] => {
    const list = n.list(name) ?? Array<number>(length).fill(otherwise);
    return list.length === length ? list : n.fail(`${name} are ${list.join(', ')}`, `${length} numbers are accepted`);
  };
  const pair = (list: readonly number[]) => (count === 1 ? [1, list[0]!] : [list[0]!, list[1]!]) as [number, number];
  const edges = numbers('pads', 2 * count, 0);
  const [top, left, bottom, right] = count === 1 ? [0, edges[0]!, 0, edges[1]!] : (edges as [number, number, number, number]);
  const auto = n.word('auto_pad', 'NOTSET');
  if (auto === 'SAME_LOWER') n.fail('auto_pad is SAME_LOWER, which pads before', 'export it with explicit pads');
  return {
    stride: pair(numbers('strides', count, 1)),
    dilation: pair(numbers('dilations', count, 1)),
    pad: auto === 'SAME_UPPER' ? ('same' as const) : { top, left, bottom, right },
  };
}

const kernelOf = (n: Reading): [number, number] => {
  const k = n.list('kernel_shape');
  return k?.length === 2 ? [k[0]!, k[1]!] : n.fail(`its window has ${k?.length ?? 0} dimensions`, 'windows of two are accepted');
};

export function conv(n: Reading): Tensor {
  const weight = n.constant(1);
  const bias = n.value(2) ? n.constant(2) : undefined;
  const [o, , ...k] = weight.shape as [number, number, ...number[]];
  if (k.length !== 1 && k.length !== 2)
    n.fail(`its weight has ${weight.shape.length} dimensions`, 'convolutions of images and signals are accepted');
  const { stride, dilation, pad } = windowOf(n, k.length);
  const common = { groups: n.whole('group', 1), bias: bias !== undefined };
  if (k.length === 2) return n.layer(conv2d(o, [k[0]!, k[1]!], { stride, dilation, pad, ...common }), n.tensor(0), { weight, bias });
  const sides = pad === 'same' ? pad : { left: pad.left, right: pad.right };
  return n.layer(conv1d(o, k[0]!, { stride: stride[1], dilation: dilation[1], pad: sides, ...common }), n.tensor(0), { weight, bias });
}

export function convTranspose(n: Reading): Tensor {
  const weight = n.constant(1);
  const bias = n.value(2) ? n.constant(2) : undefined;
  const [, og, ...k] = weight.shape as [number, number, ...number[]];
  const { pad, ...window } = windowOf(n, k.length);
  if (k.length !== 2 || pad === 'same' || n.list('output_shape')) return n.fail('it is not of images with explicit pads');
  const groups = n.whole('group', 1);
  const more = n.list('output_padding') ?? [0, 0];
  const options = { ...window, pad, outputPad: [more[0]!, more[1]!], groups, bias: bias !== undefined } as const;
  return n.layer(convTranspose2d(og * groups, [k[0]!, k[1]!], options), n.tensor(0), { weight, bias });
}

export function pool(n: Reading, max: boolean): Tensor {
  const k = kernelOf(n);
  const { dilation, ...window } = windowOf(n, 2);
  const options = { ...window, ceil: n.whole('ceil_mode', 0) === 1 };
  if (max) return n.layer(maxPool(k, { ...options, dilation }), n.tensor(0));
  if (dilation.some(d => d !== 1)) n.fail(`its dilations are ${dilation.join(', ')}`, 'means of pixels side by side are accepted');
  return n.layer(avgPool(k, { ...options, countIncludePad: n.whole('count_include_pad', 0) === 1 }), n.tensor(0));
}

/** The mean over rows and columns. */
export function means(n: Reading): Tensor {
  const x = n.tensor(0);
  const axes = axesOf(n);
  const of = axes.map(axis => (axis < 0 ? axis + x.shape.length : axis)).sort();
  if (x.shape.length !== 4 || of.join() !== '2,3') n.fail(`its axes are ${axes.join(', ')}`, 'the mean over rows and columns is accepted');
  const y = n.layer(adaptiveAvgPool(1), x);
  return n.whole('keepdims', 1) ? y : shaped(n, y, y.shape.slice(0, 2));
}
