/** `descent bench scaling`: how time and memory of a step grow with the batch, with depth, width and the size of images. */
import type { Dataset, Split } from '../datasets/dataset.ts';
import { stream } from '../datasets/random.ts';
import type { Device } from '../engine/device.ts';
import type { Layer } from '../engine/graph.ts';
import type { TimeOptions } from '../engine/timing.ts';
import { relu } from '../layers/activation.ts';
import { residual, sequential, zeroPadShortcut } from '../layers/compose.ts';
import { conv2d } from '../layers/conv.ts';
import { dense } from '../layers/dense.ts';
import { batchNorm } from '../layers/norm.ts';
import { globalAvgPool, maxPool } from '../layers/pool.ts';
import { basicBody, thenRelu } from '../models/resnet.ts';
import { parseConfig } from '../train/config/config.ts';
import { recipeWith } from '../train/config/recipe.ts';
import { openTrainer, type Opened } from '../train/run/open.ts';
import type { Trainer } from '../train/step/trainer.ts';
import { build, network, resnet, type Network } from './peers/networks.ts';
import { benchStep } from './step.ts';

export interface Point {
  readonly model: string;
  /** Where it lies on its axis: images a batch, layers, channels of the first convolution, pixels a side. */
  readonly at: number;
  readonly batch: number;
  readonly network: Network;
}

export interface ScalingRow extends Omit<Point, 'network'> {
  /** Milliseconds of a step: median, and on an idle machine (see StepResult); of one image in such a step. */
  readonly ms: number;
  readonly idle: number;
  readonly perImage: number;
  readonly imagesPerSecond: number;
  readonly parameters: number;
  readonly dispatches: number;
  /** Bytes: activations as planned, most of them alive at once, all that the run holds on the device. */
  readonly activations: number;
  readonly bound: number;
  readonly device: number;
  readonly peers?: Readonly<Record<string, PeerCost>>;
}

export interface PeerCost {
  /** How many times as long a step takes, median of the rounds' ratios; and milliseconds of it, median. */
  readonly ratio: number;
  readonly ms: number;
  /** Bytes: most memory that its process held, what it runs on included. */
  readonly peak: number;
}

export interface Axis {
  /** What its numbers count, and what else the time of an image is divided by to see whether it stays. */
  readonly label: string;
  readonly unit: string;
  readonly work: (row: Pick<ScalingRow, 'at' | 'parameters'>) => number;
  readonly points: readonly Point[];
}

const at = (values: readonly number[], model: string, batch: number, of: (value: number) => Network): Point[] =>
  values.map(value => ({ model, at: value, batch, network: of(value) }));

/** What is measured: two networks over the batch; resnet20 with more layers, with wider ones, and on larger images. */
export const AXES: Readonly<Record<'batch' | 'depth' | 'width' | 'size', Axis>> = {
  batch: {
    label: 'images a batch',
    unit: 'an image',
    work: () => 1,
    points: ['lenet5', 'resnet20'].flatMap(model =>
      at([1, 4, 16, 64, 256, 1024], model, 0, () => network(model)).map(point => ({ ...point, batch: point.at })),
    ),
  },
  depth: {
    label: 'layers',
    unit: 'an image and layer',
    work: row => row.at,
    points: at([20, 32, 44, 56, 110], 'resnet', 32, depth => resnet(depth)),
  },
  width: {
    label: 'channels',
    unit: 'an image and weight',
    work: row => row.parameters,
    points: at([8, 16, 32, 64], 'resnet20', 32, width => resnet(20, width)),
  },
  size: {
    label: 'pixels a side',
    unit: 'a pixel',
    work: row => row.at ** 2,
    points: at([28, 32, 64, 112, 224], 'resnet20', 8, size => resnet(20, 16, size)),
  },
};

/** A network of the peers as this engine trains it. */
const layerOf = (network: Network): Layer =>
  sequential(
    build<Layer>(network, {
      conv: (_, { out, k, pad, stride, bias }) => conv2d(out, k, { pad, stride, bias }),
      block: (_, { out, stride }) => thenRelu(residual(basicBody(out, stride), zeroPadShortcut(out, stride))),
      norm: () => batchNorm(),
      dense: (_, out) => dense(out),
      relu: relu(),
      pool: maxPool(2),
      mean: globalAvgPool(),
    }),
  );

/** Noise in ten classes: `n` images to train on, and one to test. */
function noise({ shape }: Network, n: number): Dataset {
  const random = stream(1, 0);
  const byte = () => Math.floor(256 * random());
  const split = (n: number): Split => ({
    images: Uint8Array.from({ length: n * shape[0] * shape[1] * shape[2] }, byte),
    labels: Uint16Array.from({ length: n }, (_, i) => i % 10),
    n,
  });
  return { name: 'noise', shape, classes: Array.from({ length: 10 }, (_, i) => String(i)), train: split(n), test: split(1) };
}

/** The trainer of a point, which has done its first step. */
export async function openPoint({ network, batch, model }: Point, device: Device): Promise<Opened> {
  const texts = { batchSize: String(batch), optimizer: 'momentum', lr: String(network.lr), valSplit: '0' };
  const recipe = recipeWith(parseConfig(model, texts), { name: model, layer: () => layerOf(network) });
  const opened = await openTrainer(recipe, noise(network, 2 * batch), device);
  await opened.trainer.step();
  await opened.trainer.settle();
  return opened;
}

export async function scale(trainer: Trainer, { network: _, ...point }: Point, options: TimeOptions = {}): Promise<ScalingRow> {
  const measured = await benchStep(trainer, point.batch, { rounds: 3, target: 300, ...options });
  const { ms, idle, imagesPerSecond, dispatches, activations, bound, device } = measured;
  const parameters = [...trainer.graph.params.values()].reduce((n, p) => n + p.value.size, 0);
  const perImage = idle / point.batch;
  return { ...point, ms, idle, imagesPerSecond, perImage, dispatches, activations, bound, device, parameters };
}

/** Milliseconds: a peer whose step takes longer is in one round alone, and one whose step would take that much is left out. */
export const LONG_STEP = 3_000;
export const LONGEST_STEP = 25_000;

/** Milliseconds that a step of a peer will take beside one of `ms`, by its ratio at the same model's point before; undefined at the first. */
export function foreseen(peer: string, model: string, ms: number, before: readonly ScalingRow[]): number | undefined {
  const ratio = before.findLast(row => row.model === model && row.peers?.[peer])?.peers?.[peer]?.ratio;
  return ratio === undefined ? undefined : ratio * ms;
}

/** A time counts as the same up to this share more. */
const SAME = 1.05;

/** For each model of several points, whether the time of an image, in what an axis divides it by, falls or stays from each to the next. */
export function verdicts(axis: Axis, rows: readonly ScalingRow[], nameOf = (model: string) => model): string[] {
  const models = [...new Set(rows.map(row => row.model))];
  return models.flatMap(model => {
    const own = rows.filter(row => row.model === model);
    return own.length > 1 ? [verdict(axis, nameOf(model), own)] : [];
  });
}

function verdict({ unit, work }: Axis, model: string, rows: readonly ScalingRow[]): string {
  const costs = rows.map(row => row.perImage / work(row));
  const rises = rows.flatMap((row, i) => {
    const ratio = i ? costs[i]! / costs[i - 1]! : 1;
    return ratio > SAME ? [`rises by ${Math.round((ratio - 1) * 100)} % from ${rows[i - 1]!.at} to ${row.at}`] : [];
  });
  return `${model}: the time of ${unit} ${rises.length ? rises.join(', ') : 'falls or stays from each point to the next'}`;
}
