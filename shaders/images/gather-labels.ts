/** What a batch is gathered from, and its labels. */
import type { Pages } from './pages.ts';
import type { Transform } from './transform.ts';

/** A batch of `n` images. */
export interface Gather extends Pages {
  n: number;
  augment?: readonly Transform[];
  /** The mean colour of the training images, where `augment` asks for it (see Augment). */
  mean?: readonly number[];
  colour?: readonly (readonly number[])[];
  /** Each image is mixed with another of its batch (mixup, cutmix): `classes` soft labels. */
  mix?: boolean;
  classes?: number;
  /** `labelsAll` holds `classes` f32 of each image, numbers to predict, and `soft` takes them. */
  regression?: boolean;
  /** An image may come several times in an epoch, and is transformed in its own way each time. */
  repeats?: boolean | undefined;
  /** x holds so many views of each image, all first ones before all second ones (see Augment). */
  views?: number;
}

/** WGSL: target `k` of the image number `index`. */
export const target = (p: Gather, index: string): string => `bitcast<f32>(labelsAll[${index} * ${p.classes}u + k])`;

/** WGSL: the label of an image, or its targets. */
export const copyLabel = (p: Gather): string =>
  p.regression
    ? `for (var k = 0u; k < ${p.classes}u; k++) { soft[image * ${p.classes}u + k] = ${target(p, 'index')}; }`
    : 'labels[image] = labelsAll[index];';
