/** The graph that computes gradients: the batch, the model, the loss, the backward pass. */
import { Graph, type Tensor } from '../../engine/graph.ts';
import { lossesOf } from '../../layers/loss.ts';
import { lossScale } from '../../optim/loss-scale.ts';
import { scaleUp } from '../../shaders/update/loss-scale.ts';
import { gatherBatch } from '../data/batch.ts';
import type { DeviceData } from '../data/device-data.ts';
import { lossFor, modelOn, type BuiltGraph } from '../evaluate/evaluation-graph.ts';
import type { TrainerOptions } from './trainer-options.ts';

export interface TrainingGraph extends BuiltGraph {
  /** The state of dynamic loss scaling, where the loss is scaled. */
  readonly scaling: Tensor | undefined;
}

export function trainingGraph(o: TrainerOptions, data: DeviceData): TrainingGraph {
  const { seed, weights, biases } = o;
  const graph = new Graph({ training: true, profile: o.device.profile, seed, weights, biases });
  const built = modelOn(graph, gatherBatch(graph, data, 'train'), o);
  const { logits, totals, batch } = built;
  const loss = lossFor(o.loss, true, batch.views);
  const options = { smoothing: o.smoothing, views: batch.views };
  const [own, ...others] = lossesOf(graph, loss, logits, batch.labels, totals, options);
  if (own) graph.backward(...own, o.half ? dy => scaledUp(graph, dy) : undefined, others);
  return { ...built, scaling: o.half ? lossScale(graph) : undefined };
}

function scaledUp(g: Graph, x: Tensor): Tensor {
  const y = g.tensor(x.shape);
  g.run(scaleUp, { n: x.size }, { x, scaling: lossScale(g), y });
  return y;
}
