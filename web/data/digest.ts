/** What tells whether two tabs have the same images. */
import { bytesOf, type Dataset } from '../../datasets/dataset.ts';
import { sha256 } from './sha256.ts';

/** SHA-256 of shape, classes, images, labels and targets. */
export async function digestOf({ shape, classes, train, test }: Dataset): Promise<string> {
  const parts = [train, test].flatMap(split => [
    bytesOf(split.images),
    new Uint8Array(split.labels.slice().buffer),
    ...(split.targets ? [new Uint8Array(split.targets.slice().buffer)] : []),
  ]);
  const digests = await Promise.all(parts.map(part => sha256(new Uint8Array(part))));
  return sha256(new TextEncoder().encode(JSON.stringify([shape, classes, train.n, test.n, ...digests])));
}
