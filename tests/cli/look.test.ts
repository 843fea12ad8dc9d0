/** `descent look` on saved weights. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { look } from '../../cli/run/look.ts';
import { openDataset } from '../../datasets/node/open.ts';
import { parseConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { openTrainer } from '../../train/run/open.ts';
import { encodeSafetensors } from '../../train/run/safetensors.ts';
import { deviceFor } from '../support/check.ts';
import { BIN } from '../support/process/command.ts';
import { printed } from '../support/process/printed.ts';
import { refusal } from '../support/refusal.ts';
import { scratchFolders } from '../support/process/scratch.ts';

const test = suite('look');
const folder = scratchFolders(test);

/** A file of the first weights of a net, and what it makes of the test images. */
async function saved(model: string, dataset: string) {
  const config = parseConfig(model, { dataset, batchSize: '10', valSplit: '0', normalize: 'none' });
  const images = await openDataset(dataset, { limitTrain: 40, limitTest: 20, quiet: true });
  const { trainer, metadata } = await openTrainer(recipeOf(config), images, await deviceFor());
  try {
    const file = join(await folder(), 'net.safetensors');
    writeFileSync(file, encodeSafetensors(await trainer.weights(), metadata));
    return { file, ...(await trainer.evaluate('test')) };
  } finally {
    trainer.destroy();
  }
}

const OPTIONS = { image: '2', limitTest: '20', json: true, quiet: true };

for (const [model, dataset, pictures, filters] of [
  ['lenet5', 'shapes', ['confusion', 'filters', 'activations', 'layers', 'mistakes'], '6 pictures 5x5 of conv1.weight'],
  ['mlp:hidden=none', 'shapes', ['confusion', 'filters', 'activations', 'layers', 'mistakes'], 'templates of the classes'],
  ['mlp:hidden=8', 'xor', ['confusion', 'activations', 'layers'], ''],
] as const) {
  test(`${model} on ${dataset}: each picture as SVG and PNG, with the numbers of an evaluation`, async () => {
    const { file, loss, accuracy } = await saved(model, dataset);
    const out = join(await folder(), 'seen');
    const told = JSON.parse(await printed(() => look(file, { ...OPTIONS, out })));
    const files = pictures.flatMap(name => [join(out, `${name}.svg`), join(out, `${name}.png`)]);
    assert.equal([told.folder, told.pictures], [out, files]);
    assert.ok(Math.abs(told.accuracy - accuracy!) < 1e-9);
    assert.ok(Math.abs(told.loss - loss) < 1e-5, `${told.loss} ${loss}`);
    assert.equal(readdirSync(out).sort(), pictures.flatMap(name => [`${name}.png`, `${name}.svg`]).sort());
    for (const name of pictures) {
      const { width, height } = await sharp(join(out, `${name}.png`)).metadata();
      assert.ok(width! > 300 && height! > 100, `${name}: ${width}x${height}`);
    }
    if (filters) assert.match(readFileSync(join(out, 'filters.svg'), 'utf8'), filters);
    const layers = told.layers as { name: string; mean: number; dead: number; weight?: number }[];
    assert.ok(layers.length && layers.every(l => Number.isFinite(l.mean) && l.dead >= 0 && l.dead <= 1));
    assert.ok(layers.some(l => l.weight! > 0));
  });
}

test('an image that is not there leaves no folder, and a place cannot be made', async () => {
  const { file } = await saved('mlp:hidden=8', 'shapes');
  const out = join(await folder(), 'new/seen');
  assert.match(
    await refusal(() => look(file, { ...OPTIONS, out, image: '21' })),
    /^--image: 21 is beyond the 20 test images; give 1 to 20$/,
  );
  assert.not(existsSync(join(out, '..')));
  assert.match(
    await refusal(() => look(file, { ...OPTIONS, out, image: '0' })),
    /^--image: 0 is out of range; give a whole number of at least 1$/,
  );
  assert.match(await refusal(() => look(file, { ...OPTIONS, out: '/dev/null/x' })), /^\/dev\/null\/x: cannot be made, /);
});

test('Ctrl-C before the first picture leaves no folder', async () => {
  const { file } = await saved('mlp:hidden=8', 'shapes');
  const cwd = await folder();
  const child = spawn(process.execPath, [BIN, 'look', file, '--out', 'new/seen'], { cwd, stdio: 'ignore', detached: true });
  const looks = setInterval(() => existsSync(join(cwd, 'new/seen')) && child.kill('SIGINT'), 5);
  const [code] = await once(child, 'exit');
  clearInterval(looks);
  assert.is(code, 130);
  assert.equal(readdirSync(cwd), []);
});

test.run();
