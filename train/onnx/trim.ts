/** What stands before and after the net proper in an ONNX file: the normalisation of its images, a softmax of its logits. */
import type { Moments, Normalize } from '../data/statistics.ts';
import type { OnnxNet, OnnxNode } from './net.ts';

export interface Trimmed {
  /** From normalised images to logits. */
  readonly net: OnnxNet;
  /** What was before it, for pixels in [0, 1]; undefined where the file takes normalised images. */
  readonly normalisation?: PixelNormalisation;
}

/** What a net does to pixels in [0, 1] before anything else. */
export interface PixelNormalisation {
  readonly normalize: Normalize;
  readonly moments?: Moments;
}

/** The net without a softmax at its end, and without what shifts and scales its images by channel at its beginning. */
export function trim(net: OnnxNet): Trimmed {
  const { nodes } = net;
  const [image] = net.inputs;
  if (!image) return { net };
  const channels = image.shape[1];
  let at = image.name;
  let scale = [1];
  let shift = [0];
  for (;;) {
    const users = nodes.filter(node => node.inputs.includes(at));
    // of a net that takes rows or signals the channels of images are not known: there it stays part of the net
    const step = users.length === 1 && ![2, 3].includes(image.shape.length) ? stepOf(net, users[0]!, at, channels) : undefined;
    if (!step) break;
    const size = Math.max(scale.length, step.values.length);
    const each = (list: readonly number[], k: number) => list[list.length > 1 ? k : 0]!;
    const all = Array.from({ length: size }, (_, k) => k);
    shift = all.map(k => each(shift, k) * (step.scales ? each(step.values, k) : 1) + (step.scales ? 0 : each(step.values, k)));
    scale = all.map(k => each(scale, k) * (step.scales ? each(step.values, k) : 1));
    at = users[0]!.outputs[0]!;
  }
  const renamed = (name: string) => (name === at ? image.name : name);
  const trimmed: OnnxNet = {
    ...net,
    nodes: at === image.name ? nodes : nodes.map(node => ({ ...node, inputs: node.inputs.map(renamed) })),
    outputs: [{ ...net.outputs[0]!, name: logitsOf(net) }],
  };
  if (at === image.name) {
    const bare = ['pixels from 0 to 1', 'values'].includes(net.metadata.input ?? '');
    return { net: trimmed, ...(bare && { normalisation: { normalize: 'none' } }) };
  }
  const std = scale.map(s => 1 / s);
  const mean = shift.map((s, k) => -s * std[std.length > 1 ? k : 0]!);
  const c = typeof channels === 'number' ? channels : Math.max(mean.length, std.length);
  const spread = (list: readonly number[]) => (list.length === c ? list : Array<number>(c).fill(list[0]!));
  return { net: trimmed, normalisation: { normalize: 'meanstd', moments: { mean: spread(mean), std: spread(std) } } };
}

/** The first output, or what goes into the softmax that gives it. */
function logitsOf({ nodes, outputs }: OnnxNet): string {
  const output = outputs[0]?.name ?? '';
  const last = nodes.find(node => node.outputs.includes(output));
  return last?.op === 'Softmax' ? last.inputs[0]! : output;
}

/** What a node does to the images `x` by channel: adds values, or multiplies by them; undefined where it does something else. */
function stepOf(
  { constants }: OnnxNet,
  { op, inputs }: OnnxNode,
  x: string,
  channels: number | string | undefined,
): { scales: boolean; values: number[] } | undefined {
  if (!['Add', 'Sub', 'Mul', 'Div'].includes(op)) return undefined;
  const other = constants.get(inputs.find(name => name !== x) ?? '');
  if (!other || ((op === 'Sub' || op === 'Div') && inputs[0] !== x)) return undefined;
  const { shape, data } = other;
  const byChannel = data.length === channels && shape.at(-3) === channels;
  if (data.length !== 1 && !byChannel) return undefined;
  const values = Array.from(data, v => (op === 'Sub' ? -v : op === 'Div' ? 1 / v : v));
  return { scales: op === 'Mul' || op === 'Div', values };
}
