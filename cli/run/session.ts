/** A configuration made real: adapter, device, data and trainer, for the commands that compute. */
import { existsSync } from 'node:fs';
import type { Dataset } from '../../datasets/dataset.ts';
import { datasets } from '../../datasets/index.ts';
import { lookUp } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import type { Layer } from '../../engine/graph.ts';
import { openModel } from '../../models/index.ts';
import type { Schedule } from '../../optim/schedules.ts';
import type { RunConfig } from '../../train/config/config.ts';
import type { RunData } from '../../train/data/data.ts';
import type { Facts } from '../../train/run/node/run-folder.ts';
import { openInference, openTrainer } from '../../train/run/open.ts';
import type { Tensors } from '../../train/run/safetensors.ts';
import { describeOptimizer, resolvedOptimizer } from '../../train/config/optimize.ts';
import { parseSpec } from '../../train/config/spec.ts';
import type { Moments } from '../../train/data/statistics.ts';
import type { Inference } from '../../train/step/inference.ts';
import type { Trainer } from '../../train/step/trainer.ts';
import { version } from '../version.ts';
import { openDevice, type DeviceOptions } from './device.ts';
import { count, note } from '../output.ts';

export interface SessionOptions extends DeviceOptions {
  debug?: boolean;
  /** In place of the configuration's schedule. */
  rates?: Schedule;
}

export interface Session {
  readonly trainer: Trainer;
  readonly data: RunData;
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

/** A trained model, to be evaluated. */
export interface InferenceSession {
  readonly inference: Inference;
  readonly data: RunData;
  close(): void;
}

/** What `make` makes of a data set on a device, which is opened while the data set is read and closed where something fails. */
async function onDevice<T>(
  data: Dataset | Promise<Dataset>,
  options: DeviceOptions,
  make: (dataset: Dataset, device: Device) => Promise<T>,
): Promise<T> {
  const opening = openDevice(options);
  const [dataset, device] = await Promise.all([data, opening]).catch(async (error: unknown) => {
    const device = await opening.catch(() => undefined);
    device?.close();
    throw error;
  });
  return make(dataset, device).catch((error: unknown) => {
    device.close();
    throw error;
  });
}

export const openInferenceSession = (
  config: RunConfig,
  weights: Tensors,
  data: Dataset,
  options: DeviceOptions & { moments?: Moments | undefined },
): Promise<InferenceSession> =>
  onDevice(data, options, async (dataset, device) => {
    const { inference, data } = await openInference(config, weights, dataset, device, options.moments);
    return {
      inference,
      data,
      close() {
        inference.destroy();
        device.close();
      },
    };
  });

export const openSession = (config: RunConfig, data: Dataset | Promise<Dataset>, options: SessionOptions): Promise<Session> =>
  onDevice(data, options, async (dataset, device) => {
    const opened = await openTrainer(config, dataset, device, options);
    const { trainer, data, model, parameters, metadata, parts } = opened;
    if (opened.note && !options.quiet) note(opened.note);
    const images = { train: data.parts.train.n, val: data.parts.val.n, test: data.parts.test.n };
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
  });
