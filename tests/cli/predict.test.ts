/** `descent predict` and `descent eval --ensemble` on saved weights, against the trainer that they were saved from. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { evaluateAll } from '../../cli/run/ensemble.ts';
import { predict } from '../../cli/run/predict.ts';
import { openDataset } from '../../datasets/node/open.ts';
import { parseConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe.ts';
import { openTrainer } from '../../train/run/open.ts';
import { encodeSafetensors } from '../../train/run/safetensors.ts';
import { softmaxRows } from '../../train/study/probabilities.ts';
import { combine } from '../../train/run/swag.ts';
import { close, deviceFor } from '../support/check.ts';
import { printed } from '../support/process/printed.ts';
import { refusal } from '../support/refusal.ts';
import { scratchFolders } from '../support/process/scratch.ts';

const test = suite('predict');
const folder = scratchFolders(test);
const IMAGES = 5;

const linesOf = async (run: () => Promise<void>): Promise<string[]> => (await printed(run)).trimEnd().split('\n');

/** Weights of a small net after a few steps, and its probabilities of the first test images. */
async function saved(file: string, normalize: string, seed: string) {
  const config = parseConfig('mlp:hidden=16', {
    dataset: 'fashion-mnist',
    normalize,
    seed,
    batchSize: '20',
    lr: '0.05',
    optimizer: 'momentum',
    valSplit: '0',
  });
  const dataset = await openDataset('fashion-mnist', { limitTrain: 100, limitTest: IMAGES, quiet: true });
  const { trainer, metadata } = await openTrainer(recipeOf(config), dataset, await deviceFor());
  try {
    for (let step = 0; step < 5; step++) await trainer.step();
    await writeFile(file, encodeSafetensors(await trainer.weights(), metadata));
    return {
      probabilities: softmaxRows(await trainer.logits('test'), 10),
      labels: [...dataset.test.labels],
      images: dataset.test.images,
      classes: dataset.classes,
    };
  } finally {
    trainer.destroy();
  }
}

for (const normalize of ['meanstd', 'pca', 'zca']) {
  test(`a file of weights is enough to predict by, images normalised by ${normalize}`, async () => {
    const root = await folder();
    const file = join(root, 'net.safetensors');
    const { probabilities, images, classes } = await saved(file, normalize, '1');
    const paths: string[] = [];
    for (let i = 0; i < IMAGES; i++) {
      paths.push(join(root, `${i}.png`));
      await sharp(Buffer.from(images.slice(i * 784, (i + 1) * 784)), { raw: { width: 28, height: 28, channels: 1 } })
        .toColourspace('b-w')
        .toFile(paths[i]!);
    }
    const lines = await linesOf(() => predict(file, paths, { top: '10', json: true }));
    assert.is(lines.length, IMAGES);
    lines.forEach((line, i) => {
      const { image, predictions } = JSON.parse(line) as { image: string; predictions: { class: string; probability: number }[] };
      assert.is(image, paths[i]);
      close(
        `image ${i}`,
        classes.map(name => predictions.find(p => p.class === name)!.probability),
        probabilities.subarray(i * 10, (i + 1) * 10),
        1e-5,
      );
    });
  });
}

test('an ensemble predicts the mean of its members', async () => {
  const root = await folder();
  const files = [join(root, 'a.safetensors'), join(root, 'b.safetensors')];
  const a = await saved(files[0]!, 'meanstd', '1');
  const b = await saved(files[1]!, 'zca', '2');
  const { mean } = combine([a.probabilities, b.probabilities]);
  const options = { split: 'test', limitTest: String(IMAGES), json: true, quiet: true };
  const lines = await linesOf(() => evaluateAll(files, { ...options, ensemble: true }));
  const rows = lines.map(line => JSON.parse(line) as { name: string; loss: number; accuracy: number });
  assert.equal(
    rows.map(r => r.name),
    [...files, 'ensemble of 2'],
  );
  [a.probabilities, b.probabilities, mean].forEach((p, k) => {
    const loss = a.labels.reduce((sum, label, i) => sum - Math.log(p[i * 10 + label]!) / IMAGES, 0);
    const right = a.labels.filter((label, i) => {
      const row = [...p.subarray(i * 10, (i + 1) * 10)];
      return row.indexOf(Math.max(...row)) === label;
    }).length;
    close(`loss of ${rows[k]!.name}`, [rows[k]!.loss], [loss], 1e-5);
    assert.is(rows[k]!.accuracy, right / IMAGES);
  });
  assert.match(await refusal(() => evaluateAll(files, options)), /eval: 2 checkpoints are named; give one, or --ensemble/);
  assert.match(
    await refusal(() => evaluateAll([files[0]!], { ...options, ensemble: true })),
    /eval: --ensemble needs several checkpoints; name at least two/,
  );
});

test.run();
