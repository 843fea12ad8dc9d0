/** Moments of images, on the host and on the device, beside two plain passes. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Graph } from '../../engine/graph.ts';
import { Memory } from '../../engine/memory.ts';
import { BatchProgram } from '../../train/data/batch-program.ts';
import { gatherBatch } from '../../train/data/batch.ts';
import { openData } from '../../train/data/data.ts';
import { DeviceData } from '../../train/data/device-data.ts';
import { measure } from '../../train/data/measure.ts';
import { splitIndices } from '../../train/data/split.ts';
import { channelMoments, type Moments } from '../../train/data/statistics.ts';
import { pack } from '../../train/data/pages.ts';
import { close, deviceFor, WAYS } from '../support/check.ts';
import { noise } from '../support/gathered.ts';

const test = suite('statistics');

function reference(images: Uint8Array, indices: Uint32Array, c: number, plane: number): Moments {
  const mean: number[] = [];
  const std: number[] = [];
  for (let k = 0; k < c; k++) {
    const values = [...indices].flatMap(i => [...images.subarray((i * c + k) * plane, (i * c + k + 1) * plane)].map(v => v / 255));
    const m = values.reduce((a, b) => a + b) / values.length;
    mean.push(m);
    std.push(Math.sqrt(values.reduce((s, v) => s + (v - m) ** 2, 0) / values.length) || 1);
  }
  return { mean, std };
}

const cases: readonly [why: string, shape: [number, number, number], perPage: number][] = [
  ['channels of whole words', [3, 8, 8], 50],
  ['several pages, the last one short', [2, 6, 6], 12],
  ['channels that begin amid a word', [3, 3, 3], 20],
  ['one byte', [1, 1, 1], 50],
  ['larger images', [1, 48, 48], 50],
];
for (const [why, shape, perPage] of cases) {
  test(`${why}: ${shape.join('x')}`, async () => {
    const [c, h, w] = shape;
    const dataset = noise(shape, 50, 1);
    const { images } = dataset.train;
    const indices = Uint32Array.from({ length: 37 }, (_, i) => (i * 11) % 50);
    const want = reference(images, indices, c, h * w);
    const onHost = channelMoments(dataset, indices);
    close('mean', onHost.mean, want.mean, 1e-12);
    close('deviation', onHost.std, want.std, 1e-12);

    for (const way of WAYS) {
      const memory = new Memory(await deviceFor(way));
      const g = new Graph({ training: false, profile: memory.device.profile });
      const words = Math.ceil((c * h * w) / 4);
      const pages = Array.from({ length: Math.ceil(50 / perPage) }, (_, i) => {
        const n = Math.min(perPage, 50 - i * perPage);
        return { n, images: g.persistent('input', `page ${i}`, [n * words]) };
      });
      for (const page of pages) memory.place(page.images);
      memory.allocate(g);
      for (const [i, page] of pages.entries()) {
        const first = i * perPage;
        memory.write(page.images, pack(images.subarray(first * c * h * w, (first + page.n) * c * h * w), c * h * w));
      }
      const onDevice = await measure(memory, pages, shape, indices);
      close(`${way}: mean`, onDevice.mean, onHost.mean, 0);
      close(`${way}: deviation`, onDevice.std, onHost.std, 0);
      memory.destroy();
    }
  });
}

test('many images are measured where they lie, on the device, validation left out', async () => {
  const few = noise([3, 64, 64], 15, 1);
  const images = new Uint8Array(100 * few.train.images.length);
  for (let at = 0; at < images.length; at += few.train.images.length) images.set(few.train.images, at);
  images.fill(0, 0, images.length / 3); // so that it matters which of them are left out
  const dataset = { ...few, train: { n: 1500, images, labels: new Uint16Array(1500) } };
  const memory = new Memory(await deviceFor());
  const data = await openData(dataset, { normalize: 'meanstd', valSplit: 0.2, seed: 1, maxBinding: 8 * 2 ** 20 });
  const g = new Graph({ training: true, profile: memory.device.profile });
  const batch = gatherBatch(g, new DeviceData(data, memory, 4), 'train');
  const want = channelMoments(dataset, splitIndices(1500, { valSplit: 0.2, seed: 1 }).train);
  const program = await BatchProgram.compile(batch, { meanwhile: () => images.fill(0) }); // the device has them by then
  assert.equal(data.normalisation.moments, want);
  program.destroy();
  memory.destroy();
});

test('images of one colour have deviation 1: they are not divided by 0', () => {
  const dataset = noise([1, 4, 4], 3, 1);
  dataset.train.images.fill(7);
  close('moments', Object.values(channelMoments(dataset, Uint32Array.of(0, 1, 2))).flat(), [7 / 255, 1], 1e-15);
});

test.run();
