/** A model as a list of its layers and weights, without a device. */
import { Graph, type Frozen, type Layer } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { DEFAULT_PROFILE } from '../../shaders/kernel/kernel.ts';
import { savedOf } from './weights.ts';

export interface BuiltModel {
  readonly graph: Graph;
  readonly images: Tensor;
  readonly output: Tensor;
  /** Parameters and buffers. */
  readonly weights: readonly Tensor[];
}

/** The model for images [1, c, h, w] as it evaluates; with `frozen` for two of them, as it trains with those weights as they are. */
export function built(model: Layer, shape: readonly number[], frozen?: Frozen): BuiltModel {
  const graph = new Graph({
    training: frozen !== undefined,
    profile: { ...DEFAULT_PROFILE, maxBinding: Infinity },
    ...(frozen && { frozen }),
  });
  const images = graph.tensor([frozen ? 2 : 1, ...shape], 'input', 'image'); // of one image a batch norm may have a single value
  const output = model(graph, images);
  return { graph, images, output, weights: savedOf(graph) };
}
