/** Augmented batches of random images beside the reference. */
import * as assert from 'uvu/assert';
import { parseAugment } from '../../train/config/augment.ts';
import { augmented } from '../reference/augment.ts';
import type { Way } from './check.ts';
import { gathered, noise, type Bytes } from './gathered.ts';

/** Twenty images of 12x10 in three channels. */
export const colourImages = noise([3, 12, 10], 20);
/** The mean of each channel, of pixels from 0 to 1. */
const meanOf = ({ shape: [c, h, w], train: { images, n } }: Bytes): number[] =>
  Array.from({ length: c }, (_, k) => {
    let sum = 0;
    for (let i = 0; i < n; i++) for (let p = 0; p < h * w; p++) sum += images[(i * c + k) * h * w + p]! / 255;
    return sum / (n * h * w);
  });

/** The axes of the colours of `colourImages` times their variances, by power iteration on the covariance. */
export const COLOUR = (() => {
  const { images, n } = colourImages.train;
  const plane = 120;
  const covariance = [0, 1, 2].map(() => [0, 0, 0]);
  const mean = meanOf(colourImages);
  for (let i = 0; i < n; i++) {
    for (let p = 0; p < plane; p++) {
      for (let a = 0; a < 3; a++) {
        for (let b = 0; b < 3; b++) {
          covariance[a]![b]! +=
            ((images[(i * 3 + a) * plane + p]! / 255 - mean[a]!) * (images[(i * 3 + b) * plane + p]! / 255 - mean[b]!)) / (n * plane);
        }
      }
    }
  }
  const columns: number[][] = [];
  const rest = covariance.map(row => [...row]);
  for (let k = 0; k < 3; k++) {
    let v = [1, 0.7, 0.4];
    let value = 0;
    for (let t = 0; t < 5000; t++) {
      const next = rest.map(row => row.reduce((s, r, j) => s + r * v[j]!, 0));
      value = Math.hypot(...next);
      v = next.map(x => x / value);
    }
    columns.push(v.map(x => x * value));
    for (let a = 0; a < 3; a++) for (let b = 0; b < 3; b++) rest[a]![b]! -= value * v[a]! * v[b]!;
  }
  return [0, 1, 2].map(i => columns.map(col => col[i]!));
})();

/** Against the reference; `ways` differ in the size of workgroups alone. `tolerance` in bytes. */
export async function agrees(text: string, o: { images?: Bytes; epoch?: number; tolerance?: number; ways?: readonly Way[] } = {}) {
  const { images = colourImages, epoch = 3, tolerance = 0.01, ways = ['own'] } = o;
  const [c, h, w] = images.shape;
  const augment = parseAugment(text);
  const size = c * h * w;
  const mean = meanOf(images);
  for (const way of ways) {
    const { x, labels } = await gathered(images, { augment }, { way, n: 6, offset: 8, seed: 77, epoch, shuffle: false });
    for (let i = 0; i < 6; i++) {
      const index = 8 + i;
      const bytes = images.train.images.subarray(index * size, (index + 1) * size);
      const want = augmented({ c, h, w, bytes }, augment.transforms, { seed: 77, epoch, index, mean, colour: COLOUR });
      const got = x.subarray(i * size, (i + 1) * size).map(v => v * 255);
      for (let k = 0; k < size; k++) {
        if (!(Math.abs(got[k]! - want[k]!) <= tolerance)) {
          assert.unreachable(`${way}: ${text}: image ${index} value ${k} is ${got[k]}, expected ${want[k]}`);
        }
      }
      assert.is(labels[i], images.train.labels[index]);
    }
  }
}
