/** Weights that become something else before a layer uses them. */
import type { Graph } from '../engine/graph.ts';
import type { Param, Tensor } from '../engine/tensor.ts';
import type { OnnxForm, OnnxGraph } from '../engine/onnx.ts';
import type { Gradient } from '../shaders/kernel/gradient.ts';
import { sumSlices } from '../shaders/kernel/sum-slices.ts';
import type { ChannelSizes } from '../shaders/norm/channels.ts';
import { channelSplits, channelSum } from '../shaders/norm/reduce.ts';

/** What a layer uses as its weight where that is not the parameter itself. */
export interface UsedWeight {
  readonly value: Tensor;
  /** Writes the parameter's gradient from that of `value`. */
  readonly backward: (dw: Tensor) => void;
  /** What it makes of the parameter at inference (see LayerFacts). */
  readonly onnx?: OnnxForm;
}

/** Gives undefined where the parameter is used as it is. */
export type WeightTransform = (g: Graph, weight: Param) => UsedWeight | undefined;

/** The gradient of a weight, as `write` stores it: that of the parameter, or of what was made of it, from which the parameter's follows. */
export function weightGradient(
  g: Graph,
  { value, grad }: Param,
  changed: UsedWeight | undefined,
  write: (dweight: Tensor, gradient?: Gradient) => void,
): void {
  if (changed) {
    const dweight = g.tensor(value.shape);
    write(dweight);
    changed.backward(dweight);
  } else write(grad, g.gradient(grad));
}

/** Writes the gradient of a bias [c] from dy [n, c, hw]. */
export function biasGradient(g: Graph, { grad }: Param, dy: Tensor, sizes: ChannelSizes): void {
  const gradient = g.gradient(grad);
  const split = channelSplits(sizes, g.profile);
  if (split === 1) {
    g.run(channelSum, { ...sizes, gradient }, { x: dy, out: grad });
    return;
  }
  const slices = g.tensor([split, sizes.c]);
  g.run(channelSum, { ...sizes, split }, { x: dy, out: slices });
  g.run(sumSlices, { size: sizes.c, count: split, gradient }, { slices, out: grad });
}

/** The form of a layer that uses a weight `changed`, of its input and that weight; none where the change has none. */
export function weightedForm(
  { value }: Param,
  changed: UsedWeight | undefined,
  form: (o: OnnxGraph, x: string, weight: string) => string,
): OnnxForm | undefined {
  const become = changed ? changed.onnx : (_: OnnxGraph, weight: string) => weight;
  return become && ((o, x) => form(o, x!, become(o, o.weight(value))));
}
