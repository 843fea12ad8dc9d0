/** The page in a real browser, on SwiftShader: what it trains is what Node trains, and its runs come and go as they should. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../../datasets/node/open.ts';
import { Device } from '../../../engine/device.ts';
import { openAdapter } from '../../../engine/node/adapters.ts';
import { parseConfig } from '../../../train/config/config.ts';
import { recipeOf } from '../../../train/config/recipe-of.ts';
import { openTrainer } from '../../../train/run/open.ts';
import { decodeSafetensors } from '../../../train/run/read-safetensors.ts';
import { encodeSafetensors } from '../../../train/run/safetensors.ts';
import { onPage, ROOT, type BuiltPage } from '../../support/process/browser.ts';

const test = suite('the page');
/** Long enough that no machine is done with it before a test pauses it. */
const SMALL = { dataset: 'fashion-mnist', batchSize: '16', limitTrain: '640', limitTest: '64', logEvery: '1', epochs: '10000', ema: '0.9' };

let at: BuiltPage;
let page: Page;
let fromNode: Uint8Array;
const sameTensors = (a: Uint8Array, b: Uint8Array) => {
  const [one, other] = [decodeSafetensors(a, 'one').tensors, decodeSafetensors(b, 'other').tensors];
  assert.equal(Object.keys(one).sort(), Object.keys(other).sort());
  for (const [name, { data }] of Object.entries(one))
    assert.ok(Buffer.from(data.buffer).equals(Buffer.from(other[name]!.data.buffer)), name);
};
/** What `descent …` prints in a process of its own. */
async function descent(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'cli/main.ts', ...args], { cwd: ROOT });
  return stdout;
}

if (
  onPage(test, 'page/run.test.ts', built => {
    at = built;
    page = built.page;
  })
) {
  test('a regression shows RMSE, MAE and R² in place of accuracy, on a function with options of its own', async () => {
    const asked = {
      model: 'mlp:hidden=16',
      dataset: 'sine:points=80,noise=0.05',
      batchSize: '20',
      epochs: '30',
      valSplit: '0.25',
      lr: '0.02',
    };
    await at.open(`train?${new URLSearchParams(asked)}`);
    assert.is(await page.locator('[name=datasetOptions]').inputValue(), 'points=80,noise=0.05');
    await at.press('Start');
    await at.until('r.state === "done"');
    await at.press('Test');
    await at.until('r.lastTest');
    const facts = (await page.locator('dl.facts').textContent())!;
    for (const name of ['training RMSE', 'validation MAE', 'test R\u00b2']) assert.match(facts, name);
    assert.not.match(facts, 'accuracy');
    assert.ok(await page.getByRole('heading', { name: 'Root mean squared error' }).isVisible());
    assert.not(await page.getByRole('heading', { name: 'Accuracy' }).isVisible());
    assert.ok(Number(await page.evaluate('descent.selected.lastTest.r2')) > 0.5);
    await page.locator('[name=datasetOptions]').fill('nois=3');
    await at.says("unknown option of sine 'nois'");
    await page.getByRole('link', { name: 'Predict' }).click();
    await at.says('Run 1 is not of images. Choose a net that comes along');
    const board = (await page.locator('.predict canvas').first().boundingBox())!;
    await page.mouse.move(board.x + 40, board.y + 40);
    await page.mouse.down();
    await page.mouse.move(board.x + 90, board.y + 90, { steps: 5 });
    await page.mouse.up();
    await at.notes('predict: the selected run is not of images and classes; select one that is');
  });

  test('LeNet-5 learns; its first ten losses are those of Node', async () => {
    await at.open(`train?${new URLSearchParams(SMALL)}`);
    await at.press('Start');
    await at.until('r.step >= 40');
    await at.pause();
    const { losses } = await at.seen();
    const mean = (from: number[]) => from.reduce((a, b) => a + b) / from.length;
    assert.ok(mean(losses.slice(-10)) < 0.8 * mean(losses.slice(0, 10)), `losses ${losses.map(l => l.toFixed(2)).join(' ')}`);

    const device = await Device.open(await openAdapter('swiftshader'));
    const dataset = await openDataset('fashion-mnist', { quiet: true, limitTrain: 640, limitTest: 64 });
    const { trainer } = await openTrainer(recipeOf(parseConfig('lenet5', SMALL)), dataset, device);
    for (let t = 0; t < 10; t++) await trainer.step(true);
    const expected = (await trainer.settle()).map(l => l.loss);
    fromNode = encodeSafetensors(await trainer.weights(), { model: 'lenet5' });
    trainer.destroy();
    device.close();
    expected.forEach((loss, t) =>
      assert.ok(Math.abs(losses[t]! / loss - 1) < 1e-5, `step ${t + 1}: the page has ${losses[t]}, Node ${loss}`),
    );
  });

  test('pauses, steps once, resumes', async () => {
    const { step } = await at.seen();
    await at.press('Step');
    await at.until(`r.step === ${step + 1}`);
    assert.is((await at.seen()).state, 'paused');
    await at.press('Resume');
    await at.until(`r.step > ${step + 5}`);
    await at.pause();
    const { losses, step: now } = await at.seen();
    assert.is(losses.length, now); // every step logs, none is lost or comes twice
  });

  test('exported weights come back bit for bit, and a damaged file is refused', async () => {
    const file = await at.downloaded('Export weights');
    const { tensors, metadata } = decodeSafetensors(file, 'exported');
    assert.is(metadata.model, 'lenet5');
    assert.equal(tensors['conv1.weight']!.shape, [6, 1, 5, 5]);
    await at.press('Reset');
    await at.until('r.step === 0');
    assert.not.equal(Buffer.from(await at.downloaded('Export weights')).subarray(-1000), Buffer.from(file).subarray(-1000));
    await at.drop('back.safetensors', file);
    await at.notes('back.safetensors: imported');
    sameTensors(file, await at.downloaded('Export weights'));
    await at.drop('node.safetensors', fromNode);
    await at.notes('node.safetensors: imported');
    sameTensors(fromNode, await at.downloaded('Export weights'));

    await at.drop('cut.safetensors', file.subarray(0, file.length - 100));
    await at.says('the file is cut short');
    assert.is((await at.seen()).state, 'paused');
  });

  test("the command line takes exported weights, and finds the page's test loss", async () => {
    const path = join(at.folder, 'page.safetensors');
    writeFileSync(path, await at.downloaded('Export weights'));
    await at.press('Test');
    await page.waitForFunction('descent.selected.lastTest');
    const { loss, accuracy } = (await page.evaluate('descent.selected.lastTest')) as { loss: number; accuracy: number };
    const printed = await descent('eval', path, '--limit-test', '64', '--batch-size', '16', '--adapter', 'swiftshader', '--json');
    const found = JSON.parse(printed) as { loss: number; accuracy: number };
    assert.ok(
      Math.abs(found.loss / loss - 1) < 1e-6 && found.accuracy === accuracy,
      `the page has ${loss} and ${accuracy}, the command line ${found.loss} and ${found.accuracy}`,
    );
  });

  test('a lost device is opened again from the last checkpoint', async () => {
    await at.press('Resume');
    await at.until('r.step >= 20');
    await page.evaluate('descent.selected.engine.call("loseDevice")');
    await at.says('the run goes on from its last checkpoint');
    await at.until('r.state === "running" && r.step >= 25');
    await at.pause();
    const { losses, step } = await at.seen();
    assert.is(losses.length, step);
    assert.ok(losses.every(Number.isFinite));
  });

  test('the averaged weights can be had beside the trained ones', async () => {
    const average = decodeSafetensors(await at.downloaded('Export average'), 'average').tensors;
    assert.not.equal(average['fc3.bias'], decodeSafetensors(await at.downloaded('Export weights'), 'raw').tensors['fc3.bias']);
  });

  test('a model too large for the adapter is refused, and the run stays', async () => {
    const { step } = await at.seen();
    await page.evaluate(`location.hash = 'train?model=mlp:hidden=4000000'`);
    await page.getByLabel('hidden', { exact: true }).waitFor();
    await at.press('Start');
    await at.notes('more than this adapter binds at once');
    assert.equal([(await at.seen()).step, (await at.seen()).state, await page.evaluate('descent.runs.length')], [step, 'paused', 1]);
  });

  test('another tab that begins to train is told of, in both', async () => {
    await page.evaluate(`location.hash = 'train?batchSize=16'`);
    await at.press('Resume');
    await at.until('r.state === "running"');
    const other = await page.context().newPage();
    await other.goto(at.address);
    const answer = other.evaluate(`new Promise(resolve => {
      const channel = new BroadcastChannel('descent');
      channel.onmessage = e => resolve(e.data);
      channel.postMessage('begins');
    })`);
    await at.notes('also trains in another tab');
    assert.is(await answer, 'too');
    await other.close();
    await at.pause();
  });

  test('a picture gets probabilities, a file that is none a message', async () => {
    await at.drop('notes.png', new TextEncoder().encode('no picture'));
    await at.says('notes.png: cannot be read as an image');
    const { default: sharp } = await import('sharp');
    const grey = await sharp({ create: { width: 60, height: 40, channels: 3, background: '#808080' } })
      .png()
      .toBuffer();
    await at.drop('grey.png', grey);
    await page.locator('.bars li').first().waitFor();
    const shares = await page.locator('.bars .value').allTextContents();
    assert.is(shares.length, 10);
    assert.ok(Math.abs(shares.reduce((sum, s) => sum + Number.parseFloat(s), 0) - 100) < 1, shares.join(' '));
    await page.evaluate(
      `new Promise(done => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 40, height: 30 });
      canvas.getContext('2d').fillRect(5, 5, 20, 20);
      canvas.toBlob(done);
    }).then(blob => {
      const dataTransfer = new DataTransfer();
      for (const [content, name] of [['words', 'notes.txt'], [blob, 'a.png'], ['{}', 'bad.json'], [blob, 'b']]) dataTransfer.items.add(new File([content], name));
      dispatchEvent(new DragEvent('drop', { dataTransfer }));
    })`,
    );
    const answers = page.getByRole('table', { name: 'Answers' }).getByRole('rowheader');
    await answers.first().waitFor();
    assert.equal(await answers.allTextContents(), ['a.png', 'b']);
    await at.notes('Left out: bad.json: ');
    await at.notes(' (and 1 more)');
    await at.drop('grey.png', grey);
    await page.locator('.bars li').first().waitFor();
    await page.evaluate(`before = document.querySelector('.seen figure')`);
    await page.locator('canvas.board').click(); // a dot is an answer's worth
    await page.waitForFunction(`document.querySelector('.seen figure') !== before`);
  });

  test('what the camera sees is classified, the camera closed when left, and its refusal explained', async () => {
    await page.evaluate(`before = document.querySelector('.seen figure')`); // of the picture
    await at.press('Use the camera');
    await page.waitForFunction(`document.querySelector('video').srcObject && document.querySelector('.seen figure') !== before`);
    await page.evaluate(`tracks = document.querySelector('video').srcObject.getTracks()`);
    await page.evaluate(`location.hash = 'train'`);
    await page.waitForFunction(`tracks.every(t => t.readyState === 'ended')`);
    await page.evaluate(`location.hash = 'predict'`);
    for (const [name, words] of [
      ['NotAllowedError', 'permission was denied; allow it'],
      ['NotFoundError', 'there is no camera; connect one'],
    ] as const) {
      await page.evaluate(`navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', '${name}'); }`);
      await at.press('Use the camera');
      await at.notes(words);
    }
  });

  test('runs are saved and come back as curves', async () => {
    await page.evaluate(`location.hash = 'train'`);
    const path = join(at.folder, 'runs.json');
    const { losses } = await at.seen();
    writeFileSync(path, await at.downloaded('Save runs'));
    await at.open('train');
    await at.choose('Load runs', path);
    await at.says('is from runs.json');
    assert.equal((await at.seen()).losses, losses);
    assert.is((await at.seen()).state, 'loaded');
    await at.drop('other.json', new TextEncoder().encode('[{"config":{},"lines":[1]}]'));
    await at.notes('other.json: holds no runs');
  });

  test('the console stays silent', () => assert.equal(at.said, []));
}
test.run();
