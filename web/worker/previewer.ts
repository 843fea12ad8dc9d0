/** A data set that is looked at before a run: its classes and some of their images, and what augmentation makes of the first ones. */
import { imagesOf, type Dataset, type Split } from '../../datasets/dataset.ts';
import { check } from '../../engine/check.ts';
import { parseAugment } from '../../train/config/augment.ts';
import type { RunConfig } from '../../train/config/config.ts';
import { checkImages } from '../../train/data/augmentation.ts';
import { bytesOfImage } from '../../train/data/data.ts';
import { seenBytes } from '../../train/study/seen.ts';
import { heldDataset } from '../data/held.ts';
import type { Dropped } from '../data/dropped.ts';
import { countsOf, firstOfEach } from '../data/samples-of.ts';
import type { AugmentPreview, DataPreview } from './protocol.ts';
import { runDevice } from './run-device.ts';

/** Images of a class, and classes that have some shown. */
const EACH = 8;
const CLASSES = 40;
/** Images that are augmented, and how often. */
const IMAGES = 4;
const EPOCHS = 7;

export async function previewData(config: RunConfig, base: string, dropped: Dropped): Promise<DataPreview> {
  const dataset = await heldDataset(config, dropped, base);
  const { shape, classes, outputs, train, test } = dataset;
  const isPictured = isOfPictures(dataset);
  const first = isPictured ? firstOfEach(train.labels, Math.min(CLASSES, classes.length), EACH) : [];
  const samples = await Promise.all(first.map(async indices => imagesOf(train, bytesOfImage(dataset), indices)));
  const counts = ({ labels }: Split) => countsOf(labels, classes.length);
  const images = { train: train.n, test: test.n };
  return { shape, classes, isRegression: outputs !== undefined, images, train: counts(train), test: counts(test), samples };
}

export async function previewAugment(config: RunConfig, base: string, dropped: Dropped): Promise<AugmentPreview> {
  const dataset = await heldDataset(config, dropped, base);
  check(isOfPictures(dataset), `${dataset.name}: its samples are no images`, 'choose a set of images to see what augmentation does');
  const augment = config.augment === undefined ? undefined : parseAugment(config.augment);
  if (augment) checkImages(augment, dataset);
  const device = await runDevice();
  const n = Math.min(IMAGES, dataset.train.n);
  const { seed } = config;
  const [original] = await seenBytes(device, dataset, { n, seed, epochs: [0] });
  const epochs = Array.from({ length: EPOCHS }, (_, epoch) => epoch);
  const seen = augment ? await seenBytes(device, dataset, { n, seed, epochs, augment }) : [];
  return { shape: dataset.shape, n, seen: [original!, ...seen] };
}

const isOfPictures = ({ shape: [c, h, w], dtype }: Dataset): boolean => dtype !== 'float32' && (c === 1 || c === 3) && h * w > 1;
