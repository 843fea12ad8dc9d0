/** ONNX's operators of windows that move over images, as our layers. */
import type { Layer } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { conv1d, conv2d, convTranspose2d } from '../../layers/conv.ts';
import { onSignals } from '../../layers/geometry.ts';
import { adaptiveAvgPool, adaptiveMaxPool, avgPool, maxPool } from '../../layers/pool.ts';
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

/** A layer of images, on signals as on images of one row. */
export function onImages(n: Reading, layer: Layer): Tensor {
  const x = n.tensor(0);
  return n.layer(x.shape.length === 3 ? (g, x) => onSignals(n.node.op, g, x, rows => layer(g, rows)) : layer, x);
}

export function pool(n: Reading, max: boolean): Tensor {
  const kernel = n.list('kernel_shape') ?? [];
  const [rows, columns] = kernel.length === 1 ? [1, kernel[0]!] : kernel;
  if (n.tensor(0).shape.length !== kernel.length + 2 || !rows || !columns)
    n.fail(`its window has ${kernel.length} dimensions`, 'windows on images and signals are accepted');
  const { dilation, ...window } = windowOf(n, kernel.length);
  const options = { ...window, ceil: n.whole('ceil_mode', 0) === 1 };
  if (max) return onImages(n, maxPool([rows, columns], { ...options, dilation }));
  if (dilation.some(d => d !== 1)) n.fail(`its dilations are ${dilation.join(', ')}`, 'means of values side by side are accepted');
  return onImages(n, avgPool([rows, columns], { ...options, countIncludePad: n.whole('count_include_pad', 0) === 1 }));
}

/** The mean or maximum over all rows and columns, or all of a signal. */
export const global = (n: Reading, max: boolean): Tensor => onImages(n, (max ? adaptiveMaxPool : adaptiveAvgPool)(1));

/** The same as a reduction along these axes. */
export function reduced(n: Reading, max: boolean): Tensor {
  const x = n.tensor(0);
  const axes = axesOf(n);
  const of = axes.map(axis => (axis < 0 ? axis + x.shape.length : axis)).sort();
  const isGlobal = (x.shape.length === 4 && of.join() === '2,3') || (x.shape.length === 3 && of.join() === '2');
  if (!isGlobal) n.fail(`its axes are ${axes.join(', ')}`, 'rows and columns together, or all of a signal, are accepted');
  const y = global(n, max);
  return n.whole('keepdims', 1) ? y : shaped(n, y, y.shape.slice(0, 2));
}
