/** `descent predict`. */
import { check } from '../../engine/check.ts';
import { Predictor } from '../../train/evaluate/predictor.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { parseNumber } from '../../engine/spec.ts';
import { pictureBytes } from '../../datasets/pictures.ts';
import { planeByte } from '../../datasets/plane.ts';
import { PLANE_RANGE, PLANE_SETS } from '../../datasets/plane-sets.ts';
import { inputOf, momentsOf, openCheckpoint, weightsFor, type Checkpoint, type CheckpointOptions, type Interface } from './checkpoint.ts';
import { predictRows, rowsOf } from './predict-table.ts';
import { imagesAt } from '../show/images.ts';
import { csv, predictionRows } from './csv.ts';
import { percent, print } from '../output.ts';
import { openDevice, type DeviceOptions } from './device.ts';

/** Most images that are computed together. */
const MOST = 64;

export interface PredictOptions extends CheckpointOptions, DeviceOptions {
  top: string;
  invert?: boolean;
  csv?: boolean;
  dataDir?: string;
}

export async function predict(path: string, named: readonly string[], options: PredictOptions): Promise<void> {
  const top = parseNumber('--top', options.top, { integer: true, min: 1 });
  check(!options.csv || !options.json, 'predict: --csv and --json are two forms of one answer', 'give one of them');
  const checkpoint = await openCheckpoint(path, options);
  const { config, normalize } = checkpoint;
  const input = await inputOf(checkpoint, options);
  const weights = weightsFor(checkpoint, input);
  const { shape, classes, dtype } = input;
  const isPlane = (PLANE_SETS as readonly string[]).includes(config.dataset);
  if (dtype === 'float32' || isPlane) return predictNumbers({ ...checkpoint, weights }, input, named, options, isPlane);
  const images = await imagesAt(named, options.quiet);
  const { invert } = options;
  const pixels = await Promise.all(images.map(image => pictureBytes(image, shape, { invert, resize: config.resize })));
  const moments = await momentsOf(checkpoint, shape[0], options);

  const { model } = recipeOf(config).config;
  const device = await openDevice(options);
  try {
    const batch = Math.min(images.length, MOST);
    const predictor = await Predictor.create({ device, model, weights, shape, classes, normalize, moments, batch });
    if (options.csv) {
      const probabilities = await predictor.probabilities(new Uint8Array(Buffer.concat(pixels)));
      process.stdout.write(csv(predictionRows(images, classes, probabilities)));
      return;
    }
    for (const [i, likely] of (await predictor.predict(pixels, { top })).entries()) {
      const predictions = likely.map(({ label, probability }) => ({ class: label, probability }));
      if (options.json) print(JSON.stringify({ image: images[i], predictions }));
      else if (options.quiet) print(likely[0]!.label);
      else print(`${images[i]}: ${likely.map(p => `${p.label} ${percent(p.probability)}`).join(', ')}`);
    }
  } finally {
    device.close();
  }
}

/** Of a model that takes rows of numbers, or points in the plane. */
async function predictNumbers(
  checkpoint: Checkpoint,
  input: Interface,
  named: readonly string[],
  options: PredictOptions,
  isPlane: boolean,
): Promise<void> {
  const { file, config, weights, normalize } = checkpoint;
  const [features, h, w] = input.shape;
  check(h * w === 1, `${file}: is of a model that takes float32 images`, 'use it from a program (see docs/checkpoints.md)');
  check(!options.invert, '--invert: is of pictures, and the model takes numbers', 'leave it out');
  const rows = await rowsOf(named, input);
  const moments = await momentsOf(checkpoint, features, options);
  const { model } = recipeOf(config).config;
  const device = await openDevice(options);
  try {
    const predictor = await Predictor.create({ ...input, device, model, weights, normalize, moments });
    await predictRows(predictor, rows, isPlane ? pointsOf(rows) : rows, options);
  } finally {
    device.close();
  }
}

/** Points as the bytes that stand for their coordinates. */
function pointsOf(rows: Float32Array): Uint8Array {
  const beyond = rows.find(v => Math.abs(v) > PLANE_RANGE);
  check(beyond === undefined, `predict: ${beyond} lies outside the plane`, `give coordinates from -${PLANE_RANGE} to ${PLANE_RANGE}`);
  return Uint8Array.from(rows, planeByte);
}
