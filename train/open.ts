/** A configuration made real on a device, for every front end. */
import type { Dataset } from '../datasets/dataset.ts';
import type { Device } from '../engine/device.ts';
import type { Layer } from '../engine/graph.ts';
import { modelCalled, openModel } from '../models/index.ts';
import type { Schedule } from '../optim/schedules.ts';
import { initializer } from '../layers/init.ts';
import { parseAugment } from './augment.ts';
import type { RunConfig } from './config.ts';
import { DeviceData, type Moments } from './data.ts';
import { lsuv } from './lsuv.ts';
import { phasesOf, scheduleOf } from './optimize.ts';
import { parseSpec } from './spec.ts';
import { Trainer } from './trainer.ts';
import { whitenFirst } from './whiten-patches.ts';

export interface Opened {
  readonly trainer: Trainer;
  readonly data: DeviceData;
  readonly model: Layer;
  /** Trained values. */
  readonly parameters: number;
  /** What a safetensors file must say so that it can be evaluated and used by itself. */
  readonly metadata: Readonly<Record<string, string>>;
}

export async function openTrainer(config: RunConfig, dataset: Dataset, device: Device, options: { debug?: boolean; moments?: Moments; /** Of a k-fold cross-validation, in place of a share held out. */ folds?: number; fold?: number; /** In place of the configuration's. */ schedule?: Schedule } = {}): Promise<Opened> {
  const { shape, classes } = dataset;
  const data = new DeviceData(dataset, { normalize: config.normalize, valSplit: config.valSplit, seed: config.seed, folds: options.folds, fold: options.fold, moments: options.moments, augment: config.augment === undefined ? undefined : parseAugment(config.augment, shape), maxBinding: device.profile.maxBinding });
  const spec = parseSpec('model', config.model), model = openModel(spec, { shape, classes: classes.length });
  const stepsPerEpoch = Math.floor(data.size('train') / config.batchSize), phases = phasesOf(config, stepsPerEpoch);
  const trainer = await Trainer.create({
    device, data, model, batchSize: config.batchSize, accumulate: config.accumulate, optimizer: phases, schedule: options.schedule ?? scheduleOf(config, phases[0]!.optimizer.hyper.lr, config.steps ?? config.epochs * stepsPerEpoch),
    seed: config.seed, shuffle: config.shuffle, curriculum: config.order === 'curriculum', debug: options.debug,
    loss: config.loss, smoothing: config.labelSmoothing, weights: config.initScheme === undefined || config.initScheme === 'lsuv' ? undefined : initializer(config.initScheme),
    population: config.bnStats === 'population', fuse: config.fuse, checkpoint: config.checkpointActivations,
  });
  if (config.initScheme === 'lsuv') await lsuv({ device, model, data, batchSize: config.batchSize, seed: config.seed }, trainer.memory);
  const { whitened } = modelCalled(spec.name);
  if (whitened) whitenFirst(trainer, data, whitened);
  return {
    trainer, data, model,
    parameters: [...trainer.graph.params.values()].reduce((n, p) => n + p.value.size, 0),
    metadata: {
      format: 'pt', model: config.model, dataset: config.dataset, shape: JSON.stringify(shape), classes: JSON.stringify(classes), normalize: config.normalize,
      ...config.normalize !== 'none' && { moments: JSON.stringify(data.moments()) },
    },
  };
}
