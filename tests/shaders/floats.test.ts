/** Data sets of float32: what the gather kernel makes of bytes / 255 is what it makes of the bytes. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { imagesOf, type Dataset, type Split } from '../../datasets/dataset.ts';
import { parseAugment } from '../../train/config/augment.ts';
import { openData } from '../../train/data/data.ts';
import { NORMALIZE } from '../../train/data/statistics.ts';
import { close, WAYS } from '../support/check.ts';
import { gathered, noise, type Bytes } from '../support/gathered.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('float32 data');

function asFloats(bytes: Bytes): Dataset {
  const floats = (split: Bytes['train']): Split => ({ ...split, images: Float32Array.from(split.images, v => v / 255) });
  return { ...bytes, dtype: 'float32', train: floats(bytes.train), test: floats(bytes.test) };
}

/** The same data set, whose images are read when they are needed. */
function stored(dataset: Dataset): Dataset {
  const { train, shape } = dataset;
  const size = 4 * shape.reduce((a, b) => a * b);
  const read = async (indices: Uint32Array) => new Float32Array((await imagesOf(train, size, indices)).slice().buffer);
  return { ...dataset, train: { ...train, images: new Float32Array(), stored: { read } } };
}

for (const normalize of NORMALIZE) {
  test(`${normalize}: of pages, of one page, of a stream`, async () => {
    const shape = [3, 3, 3] as const;
    const bytes = noise(shape, 26, 7);
    for (const way of normalize === 'meanstd' ? WAYS : WAYS.slice(0, 1)) {
      const wanted = { way, n: 9, offset: 15 };
      const { x: want } = await gathered(bytes, { normalize }, wanted);
      const options = [{}, { maxBinding: 10 * 108 }];
      for (const more of options) {
        const { x, labels } = await gathered(asFloats(bytes), { normalize, ...more }, wanted);
        close(`${way} x`, x, want, 1e-4);
        assert.equal([...labels], [...bytes.train.labels.subarray(15, 24)]);
      }
      const { x } = await gathered(stored(asFloats(bytes)), { normalize }, { way, n: 9 });
      close(`${way} streamed`, x, (await gathered(bytes, { normalize }, { way, n: 9 })).x, 1e-4);
    }
  });
}

for (const text of ['crop:padding=1,flip', 'rotate:20,translate', 'cutout:3,noise', 'crop:fill=reflect', 'mixup', 'cutmix']) {
  test(`--augment ${text}`, async () => {
    const bytes = noise([3, 6, 6], 20);
    const options = { normalize: 'meanstd', augment: parseAugment(text) } as const;
    const wanted = { n: 8, seed: 3, epoch: 2, step: 4 };
    const { x: want, labels: wantLabels } = await gathered(bytes, options, wanted);
    const { x, labels } = await gathered(asFloats(bytes), options, wanted);
    close('x', x, want, 1e-5);
    assert.equal([...labels], [...wantLabels]);
  });
}

test('moments are right where values lie far from zero, and of a feature that never changes', async () => {
  const n = 4000;
  const images = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) images.set([10000 + (i % 2), 7], 2 * i);
  const split = { images, labels: new Uint16Array(n), n };
  const dataset: Dataset = { name: 'table', shape: [2, 1, 1], classes: ['a', 'b'], dtype: 'float32', train: split, test: split };
  const { normalisation } = await openData(dataset, { normalize: 'meanstd' });
  assert.equal(normalisation.moments, { mean: [10000.5, 7], std: [0.5, 1] });
  const { x } = await gathered(dataset, { normalize: 'meanstd' }, { n: 4 });
  assert.equal([...x], [-1, 0, 1, 0, -1, 0, 1, 0]);
});

test('what is of colours in bytes is refused', async () => {
  const floats = asFloats(noise([3, 6, 6], 20));
  for (const name of ['brightness', 'contrast', 'saturation', 'pca', 'augmix']) {
    assert.is(
      await refusal(() => openData(floats, { augment: parseAugment(name) })),
      `augment: ${name} is of colours in bytes, and the images are float32; leave it out`,
    );
  }
});

test.run();
