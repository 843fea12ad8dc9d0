/** The graph that computes gradients: the batch, the model, the loss, the backward pass. */
import { UNLABELLED } from '../../datasets/dataset.ts';
import { Graph, type Layer } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { lossesOf, weightedMeans } from '../../layers/loss.ts';
import { lossScale } from '../../optim/loss-scale.ts';
import { scaleUp } from '../../shaders/update/loss-scale.ts';
import { gatherBatch, type Batch } from '../data/batch.ts';
import type { DeviceData } from '../data/device-data.ts';
import type { LabelWeighting } from '../data/label-weights.ts';
import { lengthOf } from '../data/share.ts';
import { usualLoss } from '../run/task.ts';
import { lossFor, modelOn, type BuiltGraph } from '../evaluate/evaluation-graph.ts';
import { shareOf, type TrainerOptions } from './trainer-options.ts';

/** What is added to a batch [n, c, h, w] that is normalised, where it is attacked. */
export const perturbation = (g: Graph, x: Tensor): Tensor => g.persistent('state', 'perturbation', x.shape, () => new Float32Array(x.size));

/** `model` on the attacked images of a batch. */
const onAttacked =
  (model: Layer): Layer =>
  (g, x) =>
    model(g, g.sum(x, perturbation(g, x)));

export interface TrainingGraph extends BuiltGraph {
  /** The state of dynamic loss scaling, where the loss is scaled. */
  readonly scaling: Tensor | undefined;
  /** The weights of the classes, where they have some. */
  readonly classWeights: Tensor | undefined;
}

/** Parameters that are `resting` keep their values: their gradients are not computed. */
export function trainingGraph(o: TrainerOptions, data: DeviceData, resting: readonly string[] = []): TrainingGraph {
  const { seed, weights, biases } = o;
  const graph = new Graph({ training: true, profile: o.device.profile, seed, weights, biases, frozen: o.frozen });
  const seen = o.adversarial ? { ...o, model: onAttacked(o.model) } : o;
  const built = modelOn(graph, gatherBatch(graph, data, 'train', undefined, o.balanced), seen);
  const { logits, totals, batch } = built;
  for (const name of resting) graph.unwanted.add(graph.params.get(name)!.grad);
  const loss = lossFor(o.loss ?? usualLoss(data.run.dataset), true, batch.views);
  const { labels } = data.run.parts.train;
  const classWeights = o.classWeights && graph.persistent('input', 'class weights', [o.classWeights.length]);
  const options = { smoothing: o.smoothing, views: batch.views, classWeights, unlabelled: labels.includes(UNLABELLED) };
  const [own, ...others] = lossesOf(graph, loss, logits, batch.labels, totals, options);
  graph.backward(...own!, o.half ? dy => scaledUp(graph, dy) : undefined, others);
  return { ...built, scaling: o.half ? lossScale(graph) : undefined, classWeights };
}

function scaledUp(g: Graph, x: Tensor): Tensor {
  const y = g.tensor(x.shape);
  g.run(scaleUp, { n: x.size }, { x, scaling: lossScale(g), y });
  return y;
}

/** How the labels of a batch weigh, where they do not all count alike; of mixed images the shares of the classes have the weights. */
export function weightingOf(o: TrainerOptions, { images, labels }: Batch): LabelWeighting | undefined {
  const { batchSize, classWeights, loss = 'cross-entropy', sharesGradients = false } = o;
  const isSoft = labels.shape.length === 2;
  if (!classWeights && !images.labels.includes(UNLABELLED)) return undefined;
  const isOverWeights = typeof loss === 'string' && weightedMeans[loss] === 'weights' && !isSoft;
  return {
    weights: isOverWeights ? classWeights : undefined,
    size: sharesGradients ? batchSize : lengthOf(batchSize, shareOf(o)),
    isWhole: sharesGradients,
  };
}
