/** `descent predict`. */
import type { Dataset } from '../../datasets/dataset.ts';
import { check } from '../../engine/check.ts';
import { softmaxRows } from '../../train/study/probabilities.ts';
import { recipeOf } from '../../train/config/recipe.ts';
import { parseNumber } from '../../train/config/spec.ts';
import { inputOf, momentsOf, openCheckpoint, type CheckpointOptions } from './checkpoint.ts';
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
  const moments = await momentsOf(checkpoint, options);

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
