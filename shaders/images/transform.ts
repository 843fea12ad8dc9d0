/** What is asked for of images: a list of transforms. */
import type { Images, KINDS, Options } from './kinds.ts';

/**
 * What lies beyond the border: a byte, the mean colour of the training images, the border pixel, the image mirrored at its border pixel, or
 * repeated.
 */
export type Fill = number | 'mean' | 'edge' | 'reflect' | 'wrap';
export const FILLS = ['zero', 'mean', 'edge', 'reflect', 'wrap'] as const;

/** The transforms, by name. */
export type TransformName = keyof typeof KINDS;

/** One transform with its numbers; see KINDS for what they mean. */
export interface Transform {
  readonly name: TransformName;
  readonly o: Options;
  readonly fill?: Fill;
}

/** Whether the tables of the images are needed (see imageTables). */
export const usesTables = (list: readonly Transform[]): boolean => list.some(t => t.name === 'contrast' || t.name === 'augmix');

/** A list over images. */
export interface Augment extends Images {
  readonly list: readonly Transform[];
  /** Views of each image that AugMix makes, the first without its chains; they differ in nothing else. */
  readonly views?: number;
}
