/** Images of a stripe, a cross or a disc of 12 x 12 pixels, made from numbers: a data set that needs no files and is learnt in a moment. */
import type { Dataset, Split } from '../../datasets/dataset.ts';
import { random } from './check.ts';

const SIDE = 12;

function split(n: number, seed: number): Split {
  const noise = random(n * SIDE * SIDE, seed);
  const images = new Uint8Array(n * SIDE * SIDE);
  const labels = Uint16Array.from({ length: n }, (_, i) => i % 3);
  for (let at = 0; at < images.length; at++) {
    const i = Math.floor(at / SIDE ** 2);
    const [y, x] = [Math.floor(at / SIDE) % SIDE, at % SIDE].map(v => v - SIDE / 2 + (i % 2)) as [number, number];
    const inside = [Math.abs(x) < 2, Math.abs(Math.abs(x) - Math.abs(y)) < 1, x * x + y * y < 16][i % 3];
    images[at] = Math.round((inside ? 170 : 60) + 50 * noise[at]!);
  }
  return { images, labels, n };
}

export const tinyImages = (n: number): Dataset => ({
  name: 'tiny',
  shape: [1, SIDE, SIDE],
  classes: ['stripe', 'cross', 'disc'],
  train: split(n, 1),
  test: split(n, 2),
});
