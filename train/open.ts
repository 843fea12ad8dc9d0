/** A configuration made real on a device, for every front end. */
import type { Dataset } from '../datasets/dataset.ts';
import { lookUp } from '../engine/check.ts';
import type { Device } from '../engine/device.ts';
import type { Layer } from '../engine/graph.ts';
import { openModel } from '../models/index.ts';
import { rules } from '../optim/index.ts';
import { optimizer, type Optimizer } from '../optim/optimizer.ts';
import type { RunConfig } from './config.ts';
import { DeviceData, type Moments } from './data.ts';
import { parseSpec } from './spec.ts';
import { Trainer } from './trainer.ts';

/** The optimizer that a configuration names, its hyper-parameters checked. */
export function optimizerOf({ optimizer: text, lr, weightDecay }: RunConfig): Optimizer {
  const { name, options } = parseSpec('--optimizer', text);
  return optimizer(lookUp('optimizer', name, rules), { ...options, ...lr !== undefined && { lr } }, { weightDecay });
}

export interface Opened {
  readonly trainer: Trainer;
  readonly data: DeviceData;
  readonly model: Layer;
  readonly optimizer: Optimizer;
  /** Trained values. */
  readonly parameters: number;
  /** What a safetensors file must say so that it can be evaluated and used by itself. */
  readonly metadata: Readonly<Record<string, string>>;
}

export async function openTrainer(config: RunConfig, dataset: Dataset, device: Device, options: { debug?: boolean; moments?: Moments } = {}): Promise<Opened> {
  const chosen = optimizerOf(config), { shape, classes } = dataset;
  const data = new DeviceData(dataset, { normalize: config.normalize, valSplit: config.valSplit, seed: config.seed, moments: options.moments, maxBinding: device.profile.maxBinding });
  const model = openModel(parseSpec('model', config.model), { shape, classes: classes.length });
  const trainer = await Trainer.create({
    device, data, model, optimizer: chosen, batchSize: config.batchSize, seed: config.seed, shuffle: config.shuffle, debug: options.debug,
  });
  return {
    trainer, data, model, optimizer: chosen,
    parameters: [...trainer.graph.params.values()].reduce((n, p) => n + p.value.size, 0),
    metadata: {
      format: 'pt', model: config.model, dataset: config.dataset, shape: JSON.stringify(shape), classes: JSON.stringify(classes), normalize: config.normalize,
      ...config.normalize !== 'none' && { moments: JSON.stringify(data.moments()) },
    },
  };
}
