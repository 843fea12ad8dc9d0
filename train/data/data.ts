/** The data of a run, before it is on any device: its parts, and how their images are normalised and augmented. */
import { checkDataset, imagesOf, numbers, valuesOf, type Dataset, type Split } from '../../datasets/dataset.ts';
import { lookUp, onlyOptions, type Known } from '../../engine/check.ts';
import type { Augmentation } from './augmentation.ts';
import { Normalisation, type Sample } from './normalise.ts';
import { partsOf, type Part, type PartImages, type SplitOptions } from './split.ts';
import { NORMALIZE, type Moments, type Normalize } from './statistics.ts';

/** How `openData` shows images to a net. Without any, all are trained on and none is changed. */
export interface DataOptions extends SplitOptions {
  readonly normalize?: Normalize;
  /** In place of those of the training images: a trained model keeps the ones that it was trained with. */
  readonly moments?: Moments;
  /** What is done to the images of each training batch. */
  readonly augment?: Augmentation;
  /** Bytes that one binding may span, in place of what the adapter allows. */
  readonly maxBinding?: number;
}

const OPTIONS: Known<DataOptions> = {
  normalize: true,
  moments: true,
  augment: true,
  valSplit: true,
  stratify: 'boolean',
  folds: true,
  fold: true,
  seed: true,
  maxBinding: true,
};

/** The images of a run, as `openData` gives them to trainers. */
export interface RunData {
  readonly dataset: Dataset;
  readonly parts: Readonly<Record<Part, PartImages>>;
  readonly normalisation: Normalisation;
  readonly augment: Augmentation | undefined;
  readonly maxBinding: number | undefined;
}

/** Images of a stored data set that are held in memory for its statistics, and bytes of them: its means are right to a thousandth. */
const SAMPLE = 16384;
const SAMPLE_BYTES = 256 * 2 ** 20;

/** Splits a data set. Of one whose images are stored it reads those that statistics are taken of. */
export async function openData(dataset: Dataset, options: DataOptions = {}): Promise<RunData> {
  checkDataset(dataset);
  onlyOptions('openData', options, OPTIONS);
  const { normalize = 'none', moments, augment, maxBinding } = options;
  lookUp('normalize', normalize, Object.fromEntries(NORMALIZE.map(how => [how, how])));
  if (augment) (await import('./augmentation.ts')).checkImages(augment, dataset);
  const parts = partsOf(dataset, options);
  const means = !moments && (normalize !== 'none' || augment?.transforms.some(t => t.fill === 'mean'));
  const sample =
    means || augment?.transforms.some(t => t.name === 'pca')
      ? await sampleOf(dataset, parts.train.indices)
      : { dataset, indices: parts.train.indices };
  const turns = normalize === 'pca' || normalize === 'zca' || augment?.transforms.some(t => t.name === 'pca');
  const axes = turns ? await import('./principal-axes.ts') : undefined;
  return { dataset, parts, normalisation: new Normalisation(normalize, sample, moments, axes), augment, maxBinding };
}

/** The training images `all` that are in memory; of stored ones SAMPLE, spread evenly, which are read. */
async function sampleOf(dataset: Dataset, all: Uint32Array): Promise<Sample> {
  const { train } = dataset;
  if (!train.stored) return { dataset, indices: all };
  const size = bytesOfImage(dataset);
  const n = Math.min(all.length, SAMPLE, Math.max(1, Math.floor(SAMPLE_BYTES / size)));
  const taken = numbers(0, n).map(i => all[Math.floor((i * all.length) / n)]!);
  const images = valuesOf(await imagesOf(train, size, taken), dataset.dtype);
  const split: Split = { images, labels: Uint16Array.from(taken, i => train.labels[i] ?? 0), n };
  return { dataset: { ...dataset, train: split }, indices: numbers(0, n) };
}

export const bytesOfImage = ({ shape: [c, h, w], dtype }: Dataset): number => c * h * w * (dtype === 'float32' ? 4 : 1);
