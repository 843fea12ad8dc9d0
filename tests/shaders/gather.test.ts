import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Dataset } from '../../datasets/dataset.ts';
import { parseAugment } from '../../train/config/augment.ts';
import { eigenSymmetric } from '../../train/data/eigen.ts';
import type { Normalize } from '../../train/data/statistics.ts';
import { imagesOfRingPage } from '../../train/data/pages.ts';
import { close, random, WAYS } from '../support/check.ts';
import { gathered, noise } from '../support/gathered.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('gather');

/** x/255 less what is subtracted, over what it is divided by: statistics of the training images in two plain passes. */
function reference({ shape: [c, h, w], train }: Dataset, images: Uint8Array, indices: readonly number[], how: Normalize): number[] {
  const plane = h * w;
  const size = c * plane;
  const pixel = (i: number, at: number) => train.images[i * size + at]! / 255;
  const mean: number[] = [];
  const std: number[] = [];
  const image = Array.from({ length: size }, (_, at) => {
    let s = 0;
    for (let i = 0; i < train.n; i++) s += pixel(i, at);
    return s / train.n;
  });
  for (let k = 0; k < c; k++) {
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < train.n; i++) for (let at = k * plane; at < (k + 1) * plane; at++) sum += pixel(i, at);
    mean.push(sum / (train.n * plane));
    for (let i = 0; i < train.n; i++) for (let at = k * plane; at < (k + 1) * plane; at++) squares += (pixel(i, at) - mean[k]!) ** 2;
    std.push(Math.sqrt(squares / (train.n * plane)));
  }
  return indices.flatMap(i =>
    Array.from({ length: size }, (_, at) => {
      const k = Math.floor(at / plane);
      const v = images[i * size + at]! / 255;
      return how === 'none' ? v : how === 'meanimage' ? v - image[at]! : (v - mean[k]!) / (how === 'meanstd' ? std[k]! : 1);
    }),
  );
}

const cases: readonly [shape: [number, number, number], perPage: number, pages: number, how: Normalize, why: string][] = [
  [[3, 8, 8], 100, 1, 'none', 'one page'],
  [[3, 8, 8], 16, 2, 'meanstd', 'two pages'],
  [[1, 28, 28], 10, 3, 'mean', 'three pages, the last one short'],
  [[3, 3, 3], 13, 2, 'meanimage', '27 bytes an image: padded to words'],
  [[1, 1, 1], 100, 1, 'meanstd', 'one byte an image'],
  [[3, 32, 32], 100, 1, 'meanimage', 'an image in several workgroups'],
];
for (const [shape, perPage, pages, how, why] of cases) {
  test(`${shape.join('x')}, ${pages} pages, ${how}: ${why}`, async () => {
    const dataset = noise(shape, 26, 7);
    const bytes = Math.ceil((shape[0] * shape[1] * shape[2]) / 4) * 4;
    for (const way of WAYS) {
      const options = { normalize: how, maxBinding: perPage * bytes };
      const { x, labels } = await gathered(dataset, options, { way, n: 9, offset: 15 });
      const indices = Array.from({ length: 9 }, (_, i) => 15 + i);
      close(`${way} x`, x, reference(dataset, dataset.train.images, indices, how), 1e-6);
      assert.equal(
        [...labels],
        indices.map(i => dataset.train.labels[i]),
      );
    }
  });
}

test('test images: last batch filled up, statistics of the training images', async () => {
  const dataset = noise([3, 4, 4], 20, 7);
  const { x, labels } = await gathered(dataset, { normalize: 'meanstd' }, { n: 4, offset: 4, part: 'test' });
  const indices = [4, 5, 6, 0];
  close('x', x, reference(dataset, dataset.test.images, indices, 'meanstd'), 1e-6);
  assert.equal(
    [...labels],
    indices.map(i => dataset.test.labels[i]),
  );
});

for (const part of ['train', 'test'] as const) {
  test(`streamed ${part} images equal resident ones, shuffled and in file order`, async () => {
    const dataset = noise([3, 5, 5], 50, 50);
    const bytes = 76;
    for (const shuffle of part === 'train' ? [true, false] : [false]) {
      for (const offset of [0, 8, 12, 44, 48].filter(o => part === 'test' || o < 48)) {
        const wanted = { n: 4, offset, part, shuffle, seed: 5, epoch: 2 };
        const whole = await gathered(dataset, {}, wanted);
        const streamed = await gathered(dataset, { maxBinding: bytes * 9 }, wanted);
        assert.equal([...streamed.x], [...whole.x], `offset ${offset}`);
        assert.equal([...streamed.labels], [...whole.labels]);
      }
    }
  });
}

test('an image that is drawn several times in an epoch is augmented anew each time', async () => {
  const dataset = noise([1, 6, 6], 12);
  const wanted = { n: 12, seed: 3, balanced: dataset.train.labels };
  const [{ x }, { x: plain }] = [
    await gathered(dataset, { augment: parseAugment('crop:2') }, wanted),
    await gathered(dataset, {}, { ...wanted, training: false }),
  ];
  const rowOf = (values: Float32Array, i: number) => values.slice(36 * i, 36 * (i + 1)).join();
  const first = Array.from({ length: 12 }, (_, i) => i).find(i => [...Array(i).keys()].some(j => rowOf(plain, i) === rowOf(plain, j)))!;
  const before = Array.from({ length: first }, (_, j) => j).find(j => rowOf(plain, first) === rowOf(plain, j))!;
  assert.not.equal(rowOf(x, first), rowOf(x, before));
});

test('a batch over two stretches, as of ranks that share an evaluation out, waits for both where they come from disk', async () => {
  const { test: whole, ...dataset } = noise([3, 5, 5], 8, 50);
  const wanted = { n: 4, offset: 6, part: 'test' } as const; // a page of the ring holds eight
  const { x } = await gathered({ ...dataset, test: whole }, {}, wanted);
  const read = async (indices: Uint32Array) => {
    await new Promise(resolve => setTimeout(resolve, indices[0] ? 200 : 0)); // the second stretch comes late
    return Uint8Array.from(Array.from(indices).flatMap(i => [...whole.images.subarray(75 * i, 75 * (i + 1))]));
  };
  const streamed = await gathered({ ...dataset, test: { ...whole, stored: { read } } }, { maxBinding: 76 * 9 }, wanted);
  assert.equal([...streamed.x], [...x]);
});

test('a batch that one binding cannot hold is refused', async () => {
  assert.is(
    await refusal(() => imagesOfRingPage('photos', 1000, 64, 50000)),
    'photos: a batch of 64 images takes 64000 bytes, one binding of this adapter spans 50000; use a smaller batchSize',
  );
});

for (const how of ['pca', 'zca'] as const) {
  for (const n of [200, 12]) {
    test(`${how} whitening of ${n} images of 16 values: the covariance becomes L / (L + eps)`, async () => {
      // correlated images: a random mixture of four patterns and little noise
      const shape = [1, 4, 4] as const;
      const d = 16;
      const factors = random(n * 4, 8);
      const patterns = random(4 * d, 9);
      const grain = random(n * d, 10);
      const images = Uint8Array.from({ length: n * d }, (_, at) => {
        const i = Math.floor(at / d);
        const k = at % d;
        return Math.max(
          0,
          Math.min(255, 128 + 40 * [0, 1, 2, 3].reduce((s, f) => s + factors[i * 4 + f]! * patterns[f * d + k]!, 0) + 8 * grain[at]!),
        );
      });
      const split = { images, labels: new Uint16Array(n), n };
      const dataset: Dataset = { name: 'mixture', shape, classes: ['a', 'b'], train: split, test: split };
      const covariance = (x: (i: number, k: number) => number) => {
        const mean = Array.from({ length: d }, (_, k) => {
          let s = 0;
          for (let i = 0; i < n; i++) s += x(i, k);
          return s / n;
        });
        const out = new Float64Array(d * d);
        for (let i = 0; i < n; i++) {
          for (let r = 0; r < d; r++) for (let k = 0; k < d; k++) out[r * d + k]! += ((x(i, r) - mean[r]!) * (x(i, k) - mean[k]!)) / n;
        }
        return out;
      };
      const before = covariance((i, k) => images[i * d + k]! / 255);
      const { x } = await gathered(dataset, { normalize: how }, { n });
      const after = covariance((i, k) => x[i * d + k]!);
      if (how === 'pca') {
        const { values } = eigenSymmetric(before, d);
        close(
          'covariance',
          after,
          Array.from({ length: d * d }, (_, at) => (at % (d + 1) ? 0 : values[at / (d + 1)]! / (values[at / (d + 1)]! + 0.01))),
          1e-5,
        );
      } else {
        // commutes with the covariance before: after (before + eps) = before
        const product = Array.from({ length: d * d }, (_, at) => {
          let s = 0;
          for (let k = 0; k < d; k++) s += after[Math.floor(at / d) * d + k]! * (before[k * d + (at % d)]! + (k === at % d ? 0.01 : 0));
          return s;
        });
        close('covariance times (C + eps)', product, before, 1e-5);
      }
    });
  }
}

test('eigenSymmetric: A v = l v, orthonormal, largest first', () => {
  for (const n of [1, 2, 3, 20]) {
    for (const rank of [n, Math.ceil(n / 2)]) {
      const r = random(n * rank, 21);
      const a = Float64Array.from({ length: n * n }, (_, at) => {
        let s = 0;
        for (let k = 0; k < rank; k++) s += r[Math.floor(at / n) * rank + k]! * r[(at % n) * rank + k]!;
        return s;
      });
      const { values, vectors } = eigenSymmetric(a, n);
      const row = (i: number) => vectors.subarray(i * n, (i + 1) * n);
      for (let i = 0; i < n; i++) {
        assert.ok(i === 0 || values[i]! <= values[i - 1]!);
        close(
          'A v',
          Float64Array.from({ length: n }, (_, j) => row(i).reduce((s, v, k) => s + a[j * n + k]! * v, 0)),
          row(i).map(v => v * values[i]!),
          1e-12,
        );
        for (let j = 0; j < n; j++) assert.ok(Math.abs(row(i).reduce((s, v, k) => s + v * row(j)[k]!, 0) - Number(i === j)) < 1e-12);
      }
    }
  }
});

test.run();
