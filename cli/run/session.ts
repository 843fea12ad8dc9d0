/** A configuration made real: adapter, device, data and trainer, for the commands that compute. */
import { existsSync } from 'node:fs';
import type { Dataset } from '../../datasets/dataset.ts';
import { datasets } from '../../datasets/index.ts';
import { lookUp } from '../../engine/check.ts';
import type { Layer } from '../../engine/graph.ts';
import { openModel } from '../../models/index.ts';
import type { Schedule } from '../../optim/schedules.ts';
import type { RunConfig } from '../../train/config/config.ts';
import type { DeviceData } from '../../train/data/data.ts';
import type { Facts } from '../../train/run/node/run-folder.ts';
import { openTrainer } from '../../train/run/open.ts';
import { describeOptimizer, resolvedOptimizer } from '../../train/config/optimize.ts';
import { parseSpec } from '../../train/config/spec.ts';
import type { Moments } from '../../train/data/statistics.ts';
import type { Trainer } from '../../train/step/trainer.ts';
import { version } from '../version.ts';
import { openDevice, type DeviceOptions } from './device.ts';
import { count, note } from '../output.ts';

export interface SessionOptions extends DeviceOptions {
  /** Only to evaluate and predict. */
  judges?: boolean;
  debug?: boolean;
  moments?: Moments;
  /** In place of the configuration's schedule. */
  rates?: Schedule;
}

export interface Session {
  readonly trainer: Trainer;
  readonly data: DeviceData;
  readonly model: Layer;
  /** What is trained on what and where, in one line. */
  readonly title: string;
  /** For config.json. */
  readonly facts: Facts;
  /** What a safetensors file must say so that it can be evaluated and used by itself. */
  readonly metadata: Readonly<Record<string, string>>;
  close(): void;
}

/** The configuration with all its hyper-parameters spelt out, so that later defaults do not change it. Throws where a name is unknown. */
export function resolved(config: RunConfig): RunConfig {
  // its name and options; sizes are checked when it is built
  openModel(parseSpec('model', config.model), { classes: 1, shape: [1, 1, 1] });
  if (!existsSync(config.dataset)) lookUp('dataset', config.dataset, datasets);
  return { ...config, ...resolvedOptimizer(config) };
}

/** The device is opened while the data set is read. */
export async function openSession(config: RunConfig, data: Dataset | Promise<Dataset>, options: SessionOptions): Promise<Session> {
  const opening = openDevice(options);
  const [dataset, device] = await Promise.all([data, opening]).catch(async (error: unknown) => {
    const device = await opening.catch(() => undefined);
    device?.close();
    throw error;
  });
  try {
    const opened = await openTrainer(config, dataset, device, options);
    const { trainer, data, model, parameters, metadata, parts } = opened;
    if (opened.note && !options.quiet) note(opened.note);
    const images = { train: data.size('train'), val: data.size('val'), test: data.size('test') };
    return {
      trainer,
      data,
      model,
      metadata,
      title:
        `${config.model} (${count(parameters)} parameters) on ${dataset.name}: ` +
        `${count(images.train)} training, ${count(images.val)} validation, ${count(images.test)} test images\n` +
        `${describeOptimizer(config)}, batches of ${config.batchSize}, on ${device.report.description}`,
      facts: {
        descent: version(),
        node: process.version,
        platform: `${process.platform} ${process.arch}`,
        adapter: { ...device.report, asked: options.adapter },
        parameters,
        images,
        stepsPerEpoch: trainer.stepsPerEpoch,
        parts,
      },
      close() {
        trainer.destroy();
        device.close();
      },
    };
  } catch (error) {
    device.close();
    throw error;
  }
}
