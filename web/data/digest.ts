/** What tells whether two tabs have the same images. */
import type { Dataset } from '../../datasets/dataset.ts';
import { digest } from './folder.ts';
import { sha256 } from './sha256.ts';

/** SHA-256 of shape, classes, images, labels and targets. */
export async function digestOf({ shape, classes, train, test }: Dataset): Promise<string> {
  const parts = [train, test].flatMap(({ images, labels, targets }) => [images, labels, ...(targets ? [targets] : [])]);
  const digests = await Promise.all(parts.map(part => sha256(part.slice())));
  return digest(JSON.stringify([shape, classes, train.n, test.n, ...digests]));
}
