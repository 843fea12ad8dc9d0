/** A small net of images with batch norm, and batches of images and values for it. */
import type { Layer } from '../../engine/graph.ts';
import { relu } from '../../layers/activation.ts';
import { sequential } from '../../layers/compose.ts';
import { conv2d } from '../../layers/conv.ts';
import { dense } from '../../layers/dense.ts';
import { batchNorm } from '../../layers/norm.ts';
import { maxPool } from '../../layers/pool.ts';
import { random } from './check.ts';
import { tinyImages } from './tiny-images.ts';

export const dataset = tinyImages(64);
/** Values of an image. */
export const SIZE = 144;
export const model: Layer = sequential({ conv1: conv2d(4, 3), bn1: batchNorm(), act1: relu(), pool1: maxPool(2), fc: dense(3) });
/** Images `from` to `from + n` of the data set as x/255, and their classes. */
export const batchOf = (from: number, n: number) => ({
  x: Float32Array.from(dataset.train.images.subarray(from * SIZE, (from + n) * SIZE), v => v / 255),
  y: Uint32Array.from(dataset.train.labels.subarray(from, from + n)),
});
export const values = (n: number, seed: number) => Float32Array.from(random(n, seed));
