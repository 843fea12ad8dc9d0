/** The graphs of a run's programs: one that trains, and one for each part of the data on which the net is judged. */
import { check, lookUp, named, say, show } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import { Graph, type Init, type Layer, type Tensor } from '../../engine/graph.ts';
import { losses, type Loss } from '../../layers/loss.ts';
import { lossScale } from '../../optim/loss-scale.ts';
import type { Optimizer } from '../../optim/optimizer.ts';
import type { QuasiNewton } from '../../optim/quasi-newton.ts';
import type { Schedule } from '../../optim/schedules.ts';
import type { Transform } from '../../shaders/images/augment.ts';
import { scaleUp } from '../../shaders/update/loss-scale.ts';
import type { BatchSource, DeviceData, Part } from '../data/data.ts';
import type { Phase } from './phases.ts';

export interface TrainerOptions {
  readonly device: Device;
  readonly model: Layer;
  readonly data: DeviceData;
  /** Images of one step. lbfgs and bfgs take the first batch of the first epoch at every step. */
  readonly batchSize: number;
  /** Equal parts in which a step's batch is computed. */
  readonly accumulate?: number;
  readonly optimizer: Optimizer | QuasiNewton | readonly Phase[];
  /** Of the first phase; without it the optimizer's own rate. */
  readonly schedule?: Schedule;
  readonly seed?: number;
  readonly shuffle?: boolean;
  /** Images from easy to hard: by their loss under the weights that the run starts from. */
  readonly curriculum?: boolean;
  readonly smoothing?: number;
  /** A name of layers/loss.ts; cross-entropy without it. Where a batch holds several views cross-entropy is jensen-shannon. */
  readonly loss?: string;
  /** First values of the weights of convolutions and dense layers (layers/init.ts), in place of PyTorch's default. */
  readonly weights?: Init;
  readonly debug?: boolean;
  /** Whether it only evaluates and predicts: nothing of a training step is compiled or held on the device. */
  readonly judges?: boolean;
  readonly fuse?: boolean;
  /** Whether activations inside segments of the net are computed a second time in place of being kept. */
  readonly checkpoint?: boolean;
  /** Whether activations are kept in f16 and the loss is scaled. Evaluations stay f32. */
  readonly half?: boolean;
  /** Whether an evaluation takes the batch-norm statistics of all training images in place of the running ones. */
  readonly population?: boolean;
}

/** The graph of one program, where it sums loss and correct answers, and its output. */
export interface BuiltGraph {
  readonly graph: Graph;
  readonly totals: Tensor;
  readonly logits: Tensor;
  readonly source: BatchSource;
}

/** Gather, model, loss, and where it trains the backward pass. `view` is done to all images (see DeviceData.source). */
export function build(o: TrainerOptions, part: Part, training: boolean, view?: readonly Transform[]): BuiltGraph {
  const batch = o.batchSize / (o.accumulate ?? 1);
  const graph = new Graph({ training, profile: o.device.profile, seed: o.seed, weights: o.weights });
  const source = o.data.source(graph, part, batch, view);
  const logits = o.model(graph, source.x);
  const classes = o.data.dataset.classes.length;
  check(
    logits.shape.length === 2 && logits.shape[1] === classes,
    `model: its output is ${show(logits.shape)}, expected [${batch}, ${classes}] for ${classes} classes`,
    `end it with dense(${classes})`,
  );
  const totals = graph.lasting('state', `${part} totals`, [2]);
  if (!training) graph.kept.add(logits);
  const loss = lossFor(o.loss, training, source.views);
  const dlogits = loss(graph, logits, source.labels, totals, { smoothing: training ? o.smoothing : 0, views: source.views });
  if (dlogits) graph.backward(logits, dlogits, o.half ? dy => scaledUp(graph, dy) : undefined);
  return { graph, totals, logits, source };
}

/** The loss called `name`; of several views of each image cross-entropy is joined by their consistency. */
function lossFor(name = 'cross-entropy', training: boolean, views: number): Loss {
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

function scaledUp(g: Graph, x: Tensor): Tensor {
  const y = g.tensor(x.shape);
  g.run(scaleUp, { n: x.size }, { x, scaling: lossScale(g), y });
  return y;
}
