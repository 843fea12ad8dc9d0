/** A net with a NaN weight: evaluation, training and --debug each say so. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { evaluate } from '../../../cli/run/eval.ts';
import { openDataset } from '../../../datasets/node/open.ts';
import { parseConfig } from '../../../train/config/config.ts';
import { recipeOf } from '../../../train/config/recipe-of.ts';
import { openTrainer } from '../../../train/run/open.ts';
import { encodeSafetensors } from '../../../train/run/safetensors.ts';
import { descent, SMALL } from '../../support/process/command.ts';
import { deviceFor } from '../../support/check.ts';
import { refusal } from '../../support/refusal.ts';
import { scratchFolders } from '../../support/process/scratch.ts';

const test = suite('weights that are not finite');
const folder = scratchFolders(test);
const dataset = await openDataset('shapes', { limitTrain: 320, limitTest: 100, quiet: true });

/** A trainer of lenet5, one weight of its second convolution NaN, and its weights. */
async function broken({ debug = false, fuse = true } = {}) {
  const config = parseConfig('lenet5', { dataset: 'shapes', batchSize: '32', valSplit: '0' });
  const opened = await openTrainer({ ...recipeOf(config), fuse }, dataset, await deviceFor(), { debug });
  const weights = await opened.trainer.weights();
  weights['conv2.weight']!.data[7] = NaN;
  await opened.trainer.loadWeights(weights);
  return { ...opened, weights };
}

test('an evaluation refuses to give a loss, and names the weight; training from them stops at its first step', async () => {
  const root = await folder();
  const file = join(root, 'net.safetensors');
  const { trainer, weights, metadata } = await broken();
  await writeFile(file, encodeSafetensors(weights, metadata));
  trainer.destroy();
  const message = await refusal(() => evaluate(file, { split: 'test', limitTest: '100', quiet: true }));
  assert.match(message, /net\.safetensors: the test loss is NaN: conv2\.weight holds values that are NaN or infinite/);
  const { code, err } = await descent([...SMALL, '--init', file], root);
  assert.is(code, 1, err);
  assert.match(err, /NaN or infinity at step 1, first in conv2 forward/);
});

for (const fuse of [true, false]) {
  test(`--debug names the layer where NaN first arose, ${fuse ? '' : 'not '}fused`, async () => {
    const { trainer } = await broken({ debug: true, fuse });
    assert.match(await refusal(() => trainer.step(true)), /NaN or infinity at step 1, first in conv2 forward \(conv/);
    trainer.destroy();
  });
}

test.run();
