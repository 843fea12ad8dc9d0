/** `descent predict`. */
import type { Dataset } from '../../datasets/dataset.ts';
import { datasets } from '../../datasets/index.ts';
import { isKnown, openDataset } from '../../datasets/node/open.ts';
import { check } from '../../engine/check.ts';
import { openData } from '../../train/data/data.ts';
import { softmaxRows } from '../../train/study/probabilities.ts';
import type { RunConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe.ts';
import { parseNumber } from '../../train/config/spec.ts';
import { openCheckpoint, type Checkpoint, type CheckpointOptions } from './checkpoint.ts';
import { imagesAt, readImage } from '../show/images.ts';
import { csv, predictionRows } from './csv.ts';
import { percent, print } from '../output.ts';
import { openInferenceSession, type SessionOptions } from './session.ts';

export interface PredictOptions extends CheckpointOptions, SessionOptions {
  top: string;
  invert?: boolean;
  csv?: boolean;
  dataDir?: string;
}

export async function predict(path: string, named: readonly string[], options: PredictOptions): Promise<void> {
  const top = parseNumber('--top', options.top, { integer: true, min: 1 });
  check(!options.csv || !options.json, 'predict: --csv and --json are two forms of one answer', 'give one of them');
  const images = imagesAt(named);
  const checkpoint = await openCheckpoint(path, options);
  const { config, weights } = checkpoint;
  const { shape, classes } = await inputOf(checkpoint, options);
  const pixels = await Promise.all(images.map(image => readImage(image, shape, options.invert)));
  const normalized = config.normalize !== 'none';
  const moments = normalized ? (checkpoint.moments ?? (await momentsOf(checkpoint, options))) : undefined;

  // the images stand in for a data set: prediction is evaluation that keeps the logits
  const all = new Uint8Array(Buffer.concat(pixels));
  const split = { images: all, labels: new Uint16Array(images.length), n: images.length };
  const dataset: Dataset = { name: config.dataset, shape, classes, train: split, test: split };
  const once = recipeOf({ ...config, batchSize: Math.min(images.length, 64), valSplit: 0 });
  const session = await openInferenceSession(once, weights, dataset, { ...options, moments });
  try {
    const k = classes.length;
    const probabilities = softmaxRows(await session.inference.logits('test'), k);
    if (options.csv) process.stdout.write(csv(predictionRows(images, classes, probabilities)));
    else
      for (const [i, image] of images.entries()) {
        const row = Array.from(probabilities.subarray(i * k, (i + 1) * k));
        const ranked = row.map((probability, j) => ({ class: classes[j]!, probability }));
        ranked.sort((a, b) => b.probability - a.probability);
        const likely = ranked.slice(0, top);
        if (options.json) print(JSON.stringify({ image, predictions: likely }));
        else if (options.quiet) print(likely[0]!.class);
        else print(`${image}: ${likely.map(p => `${p.class} ${percent(p.probability)}`).join(', ')}`);
      }
  } finally {
    session.close();
  }
}

/** Size of the images and names of the classes: the file says them, or the data set that it names does. */
async function inputOf({ shape, classes, config }: Checkpoint, options: PredictOptions): Promise<Pick<Dataset, 'shape' | 'classes'>> {
  if (shape && classes) return { shape, classes };
  return isKnown(config.dataset) ? datasets[config.dataset]! : trainedOn(config, options);
}

/** The data set that the weights were trained on. */
const trainedOn = ({ dataset, imageSize }: RunConfig, { dataDir, quiet }: PredictOptions): Promise<Dataset> =>
  openDataset(dataset, { dataDir, quiet, limitTest: 1, imageSize });

/** The moments of the images that the weights were trained on, for files that do not carry them. */
async function momentsOf({ config, file }: Checkpoint, options: PredictOptions) {
  const dataset = await trainedOn(config, options);
  check(dataset.train.n, `${file}: ${config.dataset} has no training images to take mean and deviation from`, 'give --normalize none');
  return (await openData(dataset, { normalize: config.normalize })).normalisation.moments;
}
