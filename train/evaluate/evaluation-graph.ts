/** The graph of a program: the batch, the model, the loss. */
import { check, kindOf, lookUp, named, say, show } from '../../engine/check.ts';
import { Graph, type Layer } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { outputsOf, type Dataset } from '../../datasets/dataset.ts';
import { losses, type Loss } from '../../layers/loss.ts';
import type { Transform } from '../../shaders/images/transform.ts';
import { gatherBatch, type Batch } from '../data/batch.ts';
import type { DeviceData } from '../data/device-data.ts';
import { usualLoss } from '../run/task.ts';
import type { Part } from '../data/split.ts';
import type { EvaluationOptions } from './evaluation-options.ts';
import { TOTALS } from './score.ts';

/** The graph of one program, where it sums loss and correct answers, and its output. */
export interface BuiltGraph {
  readonly graph: Graph;
  readonly totals: Tensor;
  readonly logits: Tensor;
  readonly batch: Batch;
}

/** The graph that evaluates on a part: gather, model, loss; its output is kept. `view` is done to the images (see gatherBatch). */
export function evaluationGraph(o: EvaluationOptions, data: DeviceData, part: Part, view?: readonly Transform[]): BuiltGraph {
  const graph = new Graph({ training: false, profile: o.device.profile, seed: o.seed });
  const built = modelOn(graph, gatherBatch(graph, data, part, view), o);
  const { logits, totals, batch } = built;
  graph.kept.add(logits);
  lossFor(o.loss ?? usualLoss(data.run.dataset), false, batch.views)(graph, logits, batch.labels, totals, {
    smoothing: 0,
    views: batch.views,
  });
  return built;
}

/** Adds the model to the graph of a batch, and a place for its totals. */
export function modelOn(graph: Graph, batch: Batch, o: EvaluationOptions): BuiltGraph {
  const { dataset } = batch.data.run;
  const logits = logitsOf(o.model, graph, batch.x, dataset);
  const sums = dataset.outputs ? TOTALS.numbers : TOTALS.classes;
  const { part } = batch.images;
  const name = part === 'train' && !graph.training ? 'totals of an evaluation on train' : `${part} totals`; // beside those of training
  return { graph, totals: graph.persistent('state', name, [sums.length]), logits, batch };
}

/** What a net makes of images `x`: [images, outputs]. Throws where what was given for one is none, or is for others. */
export function logitsOf(model: Layer, graph: Graph, x: Tensor, dataset: Pick<Dataset, 'classes' | 'outputs'>): Tensor {
  const logits = outputOf(model, graph, x);
  const n = outputsOf(dataset).length;
  check(
    logits.shape.length === 2 && logits.shape[1] === n,
    `model: its output is ${show(logits.shape)}, expected [${x.shape[0]}, ${n}] for ${n} ${dataset.outputs ? 'numbers to predict' : 'classes'}`,
    `end it with ${logits.size === x.shape[0]! * n ? 'flatten()' : `dense(${n})`}`,
  );
  return logits;
}

export function outputOf(model: Layer, graph: Graph, x: Tensor): Tensor {
  const advice = 'give a layer, as models.lenet5({ classes: 10, shape: [1, 28, 28] }) or sequential([…]) is one';
  check(typeof model === 'function', `model: it is ${kindOf(model)}`, advice);
  check(!('about' in model), 'model: it is a function that makes a layer, and was not called', advice);
  const y: Partial<Tensor> | undefined = model(graph, x);
  check(Array.isArray(y?.shape), `model: it returned ${kindOf(y)} where a layer returns its output`, advice);
  return y as Tensor;
}

/** The loss called `name`, or that of one's own; of several views of each image cross-entropy is joined by their consistency. */
export function lossFor(name: string | Loss = 'cross-entropy', training: boolean, views: number): Loss {
  if (typeof name === 'function') return name;
  check(
    typeof name === 'string',
    say`${named('loss')}: it is ${kindOf(name)}`,
    `give a function, or one of ${Object.keys(losses).join(', ')}`,
  );
  if (views > 1) {
    check(
      name === 'cross-entropy' || name === 'jensen-shannon',
      say`${named('loss', name)}: is of one view of each image, and ${named('augment', 'augmix:consistency=true')} gives ${views}`,
      'leave out one of the two',
    );
    return losses['jensen-shannon']!;
  }
  check(
    name !== 'jensen-shannon' || !training,
    say`${named('loss', name)}: compares several views of each image, and there is one`,
    say`give ${named('augment', 'augmix:consistency=true')} too`,
  );
  return lookUp('loss', name, losses);
}
