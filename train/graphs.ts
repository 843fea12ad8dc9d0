import { check, show } from '../engine/check.ts';
import { Graph, type Tensor } from '../engine/graph.ts';
import { crossEntropy, jensenShannon } from '../layers/loss.ts';
import type { Transform } from '../shaders/augment.ts';
import type { BatchSource, Part } from './data.ts';
import type { TrainerOptions } from './trainer.ts';

/** The graph of one program, where it sums loss and correct answers, and its output. */
export interface BuiltGraph { readonly graph: Graph; readonly totals: Tensor; readonly logits: Tensor; readonly source: BatchSource }

/** The graph of one program: gather, model, loss, and where it trains the backward pass. `view` is done to all images (see DeviceData.source). */
export function build(o: TrainerOptions, part: Part, training: boolean, view?: readonly Transform[]): BuiltGraph {
  const batch = o.batchSize / (o.accumulate ?? 1);
  const graph = new Graph({ training, profile: o.device.profile, seed: o.seed });
  const source = o.data.source(graph, part, batch, view);
  const logits = o.model(graph, source.x);
  const classes = o.data.dataset.classes.length;
  check(logits.shape.length === 2 && logits.shape[1] === classes, `model: its output is ${show(logits.shape)}, expected [${batch}, ${classes}] for ${classes} classes; end it with dense(${classes})`);
  const totals = graph.lasting('state', `${part} totals`, [2]);
  if (!training) graph.kept.add(logits);
  const loss = source.views > 1 ? jensenShannon : crossEntropy;
  const dlogits = loss(graph, logits, source.labels, totals, { smoothing: training ? o.smoothing : 0 });
  if (dlogits) graph.backward(logits, dlogits);
  return { graph, totals, logits, source };
}
