/** Each model of the zoo as an ONNX file: the same logits in ONNX Runtime, and its weights found again by their places; run with --long. */
import { suite } from 'uvu';
import { models } from '../../../models/index.ts';
import { generatedWeights, sameByPlaces, sameLogits, type Shape } from '../../support/onnx.ts';

const test = suite('onnx, the zoo');
/** Sizes of images that a model needs, where 32 is too small or asks for more than its layers. */
const SIZES: Readonly<Record<string, number>> = { alexnet: 64, 'inception-v3': 75 };
/** What 600 blocks add is scaled by, since such sums would not be finite. */
const QUIET = 0.05;

for (const [name, model] of Object.entries(models)) {
  const size = SIZES[name] ?? 32;
  const shape: Shape = [3, size, size];
  const options = name === 'enresnet20' ? { noise: 0 } : {}; // which others draw anew
  // rows of images one by one are not read from ONNX files
  test(`${name} on ${size}x${size}`, async () => {
    const layer = model({ classes: 10, shape }, options);
    const weights = generatedWeights(layer, shape);
    if (name === 'resnet1202')
      for (const [at, { data }] of Object.entries(weights)) if (at.endsWith('bn2.weight')) data.forEach((v, i) => (data[i] = QUIET * v));
    await sameLogits(layer, shape, { classes: 10, n: 2, weights });
    if (name !== 'rnn-rows') await sameByPlaces(layer, shape, weights);
  });
}

test.run();
