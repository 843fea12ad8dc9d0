/** AugMix: chains of changes, the tables of images that they look up, and views whose predictions are to agree. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAugment } from '../../train/config/augment.ts';
import { augmented, equalize } from '../reference/augment.ts';
import { agrees, colourImages } from '../support/augmented.ts';
import { close, WAYS } from '../support/check.ts';
import { gathered, noise } from '../support/gathered.ts';

const test = suite('augmix');

/** AugMix cuts colours into steps: images whose values keep clear of the edges of the steps. */
const smoothImages = {
  ...colourImages,
  train: { ...colourImages.train, images: colourImages.train.images.map(v => Math.floor(v / 16) * 16 + 8) },
};

for (const text of ['augmix', 'augmix:9', 'flip,crop:2,augmix,cutout:3', 'rotate:20,augmix:5,brightness']) {
  test(`${text}: chains`, () => agrees(text, { tolerance: 0.02, images: smoothImages }));
}

/** Large enough that equalize has a step above 1, dark, of few values. */
const darkImages = (() => {
  const { train, ...rest } = noise([3, 20, 30], 20);
  return { ...rest, train: { ...train, images: train.images.map(v => 40 + Math.floor(((v * v) / 65536) * 8) * 16) } };
})();

test('augmix of dark images: autocontrast and equalize change them', async () => {
  const plane = [...darkImages.train.images.subarray(0, 600)];
  const table = equalize(plane);
  assert.ok(table[40] !== 40 && table[Math.max(...plane)] === 255, 'the case has something to find');
  await agrees('augmix:6', { tolerance: 0.02, images: darkImages, ways: WAYS });
});

test('tables of images: histograms of any size, also where the images pass through a ring', async () => {
  const size = 3 * 12 * 10;
  const augment = parseAugment('brightness:0.5,contrast:0.9,augmix');
  const wanted = { n: 4, offset: 8, seed: 6, epoch: 1, shuffle: true };
  const whole = await gathered(smoothImages, { augment }, wanted);
  for (const perPage of [10, 8, 6]) {
    const paged = await gathered(smoothImages, { augment, maxBinding: perPage * size }, wanted);
    assert.equal([...paged.x], [...whole.x], `${perPage} images a page`);
  }
  const flat = { ...colourImages, train: { ...colourImages.train, images: colourImages.train.images.map(() => 77) } };
  await agrees('contrast:0.9,augmix', { images: flat, tolerance: 0.02 });
});

test('augmix with consistency: the image and two mixtures, all first views first', async () => {
  const augment = parseAugment('flip,augmix:consistency=true');
  const [c, h, w] = colourImages.shape;
  const size = c * h * w;
  const n = 4;
  for (const way of WAYS) {
    const { x, labels } = await gathered(smoothImages, { augment }, { way, n, offset: 3, seed: 7, epoch: 1 });
    for (let row = 0; row < 3 * n; row++) {
      const index = 3 + (row % n);
      const bytes = smoothImages.train.images.subarray(index * size, (index + 1) * size);
      const draws = { seed: 7, epoch: 1, index, view: Math.floor(row / n), mean: [], colour: [] };
      const want = augmented({ c, h, w, bytes }, augment.transforms, draws);
      close(
        `${way} row ${row}`,
        x.subarray(row * size, (row + 1) * size),
        want.map(v => v / 255),
        1e-4,
      );
    }
    assert.equal(
      [...labels],
      [3, 4, 5, 6].map(i => colourImages.train.labels[i]),
    );
  }
});

test.run();
