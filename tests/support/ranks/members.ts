/** Ranks that train in one process, on one device. */
import type { Layer } from '../../../engine/graph.ts';
import { openDataset } from '../../../datasets/node/open.ts';
import { openModel } from '../../../models/index.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { rules } from '../../../optim/index.ts';
import { together } from '../../../train/distribute/alone.ts';
import type { Exchange } from '../../../train/distribute/exchange.ts';
import { parseAugment } from '../../../train/config/augment.ts';
import { openData } from '../../../train/data/data.ts';
import { parseSpec } from '../../../engine/spec.ts';
import type { Tensors } from '../../../train/run/safetensors.ts';
import { Trainer } from '../../../train/step/trainer.ts';
import type { TrainerOptions } from '../../../train/step/trainer-options.ts';
import { deviceFor } from '../check.ts';

/** What of a trainer's options a test chooses; an optimizer as on the command line. */
export type Chosen = Partial<Omit<TrainerOptions, 'device' | 'data' | 'model' | 'optimizer'>> & {
  readonly model?: string;
  /** In place of a model by name. */
  readonly net?: Layer;
  readonly rule?: string;
  readonly optimizer?: TrainerOptions['optimizer'];
  /** As on the command line. */
  readonly augment?: string;
};

/** A net on 240 computed images of which 40 are held out, in batches of 12. */
export async function trainerOf({ model = 'mlp:hidden=16', rule = 'sgd:lr=0.1', net: own, augment, ...o }: Chosen = {}): Promise<Trainer> {
  const images = await openDataset('shapes', { limitTrain: 240, limitTest: 25, quiet: true });
  const data = await openData(images, {
    normalize: 'meanstd',
    valSplit: 1 / 6,
    ...(augment !== undefined && { augment: parseAugment(augment) }),
  });
  const spec = parseSpec('model', model);
  const net = own ?? openModel(spec, { shape: images.shape, classes: images.classes.length });
  const { name, options } = parseSpec('optimizer', rule);
  return Trainer.create({
    batchSize: 12,
    optimizer: optimizer(rules[name]!, options),
    seed: 3,
    ...o,
    device: await deviceFor(),
    data,
    model: net,
  });
}

/** Does `work` as each of `size` ranks at once. */
export const asRanks = <T>(size: number, work: (exchange: Exchange) => Promise<T>): Promise<T[]> => Promise.all(together(size).map(work));

/** All values of some tensors, in the order of their names. */
export const valuesOf = (tensors: Tensors): Float32Array =>
  Float32Array.from(
    Object.keys(tensors)
      .sort()
      .flatMap(name => [...tensors[name]!.data]),
  );
