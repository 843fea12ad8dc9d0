/** What an answer goes by, against finite differences and by hand. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeSplit } from '../../../datasets/dataset.ts';
import { relu } from '../../../layers/activation.ts';
import { sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { openData } from '../../../train/data/data.ts';
import { Net } from '../../../train/net/net.ts';
import { Explainer, gradCam } from '../../../train/study/explain.ts';
import { deviceFor } from '../../support/check.ts';

const test = suite('explain');

test('Grad-CAM weighs maps by their mean gradients, and keeps what is positive', () => {
  const maps = Float32Array.from([1, 2, 0, 1, 4, 0, 1, 1]);
  const gradient = Float32Array.from([1, 1, 1, 1, -2, 0, 0, 0]);
  assert.equal([...gradCam(maps, gradient, [2, 2, 2]).data], [0, 2, 0, 0.5]);
});

test('saliency is the slope of the logit by the pixels', async () => {
  const device = await deviceFor();
  const shape = [1, 5, 5] as const;
  const pixels = Uint8Array.from({ length: 25 }, (_, i) => (i * 37) % 251);
  const split = makeSplit('five', pixels, Uint16Array.of(0), shape, 3);
  const data = await openData({ name: 'five', shape, classes: ['a', 'b', 'c'], train: split, test: split }, {});
  const model = sequential([conv2d(2, 3), relu(), dense(3)]);
  const net = await Net.build(device, model, { shape, batch: 1, mode: 'evaluated', seed: 3 });
  const explainer = await Explainer.create(device, model, data);
  try {
    const { saliency, cam } = await explainer.explain(await net.weights(), pixels, 1);
    const logit = async (at: number, by: number) =>
      (await net.forward(Float32Array.from(pixels, (v, i) => (v + (i === at ? by : 0)) / 255)))[1]!;
    for (const at of [0, 7, 12]) {
      const slope = ((await logit(at, 8)) - (await logit(at, -8))) / 16;
      assert.ok(Math.abs(Math.abs(slope) - saliency.data[at]!) < 0.02 * Math.abs(slope) + 1e-6, `${slope} and ${saliency.data[at]}`);
    }
    assert.equal([cam?.h, cam?.w], [3, 3]);
    assert.ok(cam!.data.every(v => v >= 0));
  } finally {
    explainer.destroy();
    net.destroy();
  }
});

test.run();
