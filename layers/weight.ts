/** Weights that become something else before a layer uses them. */
import type { Graph, Param, Tensor } from '../engine/graph.ts';
import type { Gradient } from '../shaders/kernel/gradient.ts';

/** What a layer uses as its weight where that is not the parameter itself. */
export interface UsedWeight {
  readonly value: Tensor;
  /** Writes the parameter's gradient from that of `value`. */
  readonly backward: (dw: Tensor) => void;
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
