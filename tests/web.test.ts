/** The page in a real browser, on SwiftShader: what it trains is what Node trains. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { Download, Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { datasetFolder } from '../datasets/node/cache.ts';
import { openDataset } from '../datasets/node/open.ts';
import { Device } from '../engine/device.ts';
import { openAdapter } from '../engine/node/adapters.ts';
import { parseConfig } from '../train/config.ts';
import { openTrainer } from '../train/open.ts';
import { decodeSafetensors, encodeSafetensors } from '../train/safetensors.ts';
import { browserPath, openBuilt, ROOT, type BuiltPage } from './browser.ts';
import { tarOf } from './tar-of.ts';

const test = suite('the page');
/** Long enough that no machine is done with it before a test pauses it. */
const SMALL = { dataset: 'fashion-mnist', batchSize: '16', limitTrain: '640', limitTest: '64', logEvery: '1', epochs: '10000', ema: '0.9' };

let built: BuiltPage, page: Page, folder: string, fromNode: Uint8Array;
/** Of the run that is selected. */
interface Seen { state: string; step: number; losses: number[]; message: string }
const seen = (): Promise<Seen> => page.evaluate(`(r =>
  ({ state: r.state, step: r.step, message: r.message, losses: r.steps.map(l => l.loss) }))(descent.selected)`);
const until = (condition: string) =>
  page.waitForFunction(`(r => r && (${condition}))(descent.selected)`, undefined, { polling: 50 });
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
const pause = async () => {
  await press('Pause');
  await until('r.state === "paused"');
};

async function open(hash: string): Promise<void> {
  await page.goto('about:blank');
  await page.goto(`${built.address}#${hash}`);
  await page.waitForFunction('globalThis.descent?.available.size > 1'); // which data sets are here is asked for first
}
const drop = (name: string, bytes: Uint8Array) => page.evaluate(([file, content]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([Uint8Array.from(content as number[])], file as string));
  dispatchEvent(new DragEvent('drop', { dataTransfer: transfer }));
}, [name, [...bytes]] as const);
async function downloaded(name: string): Promise<Uint8Array> {
  const [download] = await Promise.all([page.waitForEvent('download'), press(name)]) as [Download, void];
  return readFileSync(await download.path());
}
const exported = () => downloaded('Export weights');
async function choose(name: string, ...files: string[]): Promise<void> {
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), press(name)]);
  await chooser.setFiles(files);
}
const notes = (words: string) => page.locator('#notice', { hasText: words }).waitFor();
/** Waits for words anywhere on the page: a message may stand in the notice and in the status line at once, or in either. */
const says = (words: string) => page.getByText(words).filter({ visible: true }).first().waitFor();
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

if (!browserPath) {
  console.log('web.test.ts: skipped, there is no browser; install chromium, or name one in DESCENT_BROWSER');
  test.skip('needs a browser', () => undefined);
} else {
  test.before(async () => {
    built = await openBuilt(browserPath!);
    ({ page, folder } = built);
  });
  test.after(() => built?.close());

  test('LeNet-5 learns; its first ten losses are those of Node', async () => {
    await open(`train?${new URLSearchParams(SMALL)}`);
    await press('Start');
    await until('r.step >= 40');
    await pause();
    const { losses } = await seen(), mean = (from: number[]) => from.reduce((a, b) => a + b) / from.length;
    assert.ok(mean(losses.slice(-10)) < 0.8 * mean(losses.slice(0, 10)), `losses ${losses.map(l => l.toFixed(2)).join(' ')}`);

    const device = await Device.open(await openAdapter('swiftshader'));
    const dataset = await openDataset('fashion-mnist', { quiet: true, limitTrain: 640, limitTest: 64 });
    const { trainer } = await openTrainer(parseConfig('lenet5', SMALL), dataset, device);
    for (let t = 0; t < 10; t++) await trainer.step(true);
    const expected = (await trainer.settle()).map(l => l.loss);
    fromNode = encodeSafetensors(await trainer.weights(), { model: 'lenet5' });
    trainer.destroy();
    device.close();
    expected.forEach((loss, t) =>
      assert.ok(Math.abs(losses[t]! / loss - 1) < 1e-5, `step ${t + 1}: the page has ${losses[t]}, Node ${loss}`));
  });

  test('pauses, steps once, resumes', async () => {
    const { step } = await seen();
    await press('Step');
    await until(`r.step === ${step + 1}`);
    assert.is((await seen()).state, 'paused');
    await press('Resume');
    await until(`r.step > ${step + 5}`);
    await pause();
    const { losses, step: now } = await seen();
    assert.is(losses.length, now); // every step logs, none is lost or comes twice
  });

  test('exported weights come back bit for bit, and a damaged file is refused', async () => {
    const file = await exported(), { tensors, metadata } = decodeSafetensors(file, 'exported');
    assert.is(metadata.model, 'lenet5');
    assert.equal(tensors['conv1.weight']!.shape, [6, 1, 5, 5]);
    await press('Reset');
    await until('r.step === 0');
    assert.not.equal(Buffer.from(await exported()).subarray(-1000), Buffer.from(file).subarray(-1000));
    await drop('back.safetensors', file);
    await notes('back.safetensors: imported');
    sameTensors(file, await exported());
    await drop('node.safetensors', fromNode);
    await notes('node.safetensors: imported');
    sameTensors(fromNode, await exported());

    await drop('cut.safetensors', file.subarray(0, file.length - 100));
    await says('the file is cut short');
    assert.is((await seen()).state, 'paused');
  });

  test('the command line takes exported weights, and finds the page\'s test loss', async () => {
    const path = join(folder, 'page.safetensors');
    writeFileSync(path, await exported());
    await press('Test');
    await page.waitForFunction('descent.selected.lastTest');
    const { loss, accuracy } = await page.evaluate('descent.selected.lastTest') as { loss: number; accuracy: number };
    const printed = await descent('eval', path, '--limit-test', '64', '--batch-size', '16', '--adapter', 'swiftshader', '--json');
    const found = JSON.parse(printed) as { loss: number; accuracy: number };
    assert.ok(Math.abs(found.loss / loss - 1) < 1e-6 && found.accuracy === accuracy,
      `the page has ${loss} and ${accuracy}, the command line ${found.loss} and ${found.accuracy}`);
  });

  test('a lost device is opened again from the last checkpoint', async () => {
    await press('Resume');
    await until('r.step >= 20');
    await page.evaluate('descent.selected.engine.call("loseDevice")');
    await says('the run goes on from its last checkpoint');
    await until('r.state === "running" && r.step >= 25');
    await pause();
    const { losses, step } = await seen();
    assert.is(losses.length, step);
    assert.ok(losses.every(Number.isFinite));
  });

  test('the averaged weights can be had beside the trained ones', async () => {
    const average = decodeSafetensors(await downloaded('Export average'), 'average').tensors;
    assert.not.equal(average['fc3.bias'], decodeSafetensors(await exported(), 'raw').tensors['fc3.bias']);
  });

  test('a model too large for the adapter is refused, and the run stays', async () => {
    const { step } = await seen();
    await page.evaluate(`location.hash = 'train?model=mlp:hidden=400000'`);
    await page.getByLabel('hidden', { exact: true }).waitFor();
    await press('Start');
    await notes('more than this adapter binds at once');
    assert.equal([(await seen()).step, (await seen()).state, await page.evaluate('descent.runs.length')], [step, 'paused', 1]);
  });

  test('another tab that begins to train is told of, in both', async () => {
    await page.evaluate(`location.hash = 'train?batchSize=16'`);
    await press('Resume');
    await until('r.state === "running"');
    const other = await page.context().newPage();
    await other.goto(built.address);
    const answer = other.evaluate(`new Promise(resolve => {
      const channel = new BroadcastChannel('descent');
      channel.onmessage = e => resolve(e.data);
      channel.postMessage('begins');
    })`);
    await notes('also trains in another tab');
    assert.is(await answer, 'too');
    await other.close();
    await pause();
  });

  test('a picture gets probabilities, a file that is none a message', async () => {
    await drop('notes.png', new TextEncoder().encode('no picture'));
    await says('notes.png: cannot be read as an image');
    const { default: sharp } = await import('sharp');
    await drop('grey.png', await sharp({ create: { width: 60, height: 40, channels: 3, background: '#808080' } }).png().toBuffer());
    await page.locator('.bars li').first().waitFor();
    const shares = await page.locator('.bars .value').allTextContents();
    assert.is(shares.length, 10);
    assert.ok(Math.abs(shares.reduce((sum, s) => sum + Number.parseFloat(s), 0) - 100) < 1, shares.join(' '));
  });

  test('the camera is judged, closed when left, and its refusal explained', async () => {
    await page.evaluate(`before = document.querySelector('.seen figure')`); // of the picture
    await press('Use the camera');
    await page.waitForFunction(`document.querySelector('video').srcObject && document.querySelector('.seen figure') !== before`);
    await page.evaluate(`tracks = document.querySelector('video').srcObject.getTracks()`);
    await page.evaluate(`location.hash = 'train'`);
    await page.waitForFunction(`tracks.every(t => t.readyState === 'ended')`);
    await page.evaluate(`location.hash = 'predict'`);
    for (const [name, words] of [
      ['NotAllowedError', 'permission was denied; allow it'], ['NotFoundError', 'there is no camera; connect one'],
    ] as const) {
      await page.evaluate(`navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', '${name}'); }`);
      await press('Use the camera');
      await notes(words);
    }
  });

  test('runs are saved and come back as curves', async () => {
    await page.evaluate(`location.hash = 'train'`);
    const path = join(folder, 'runs.json'), { losses } = await seen();
    writeFileSync(path, await downloaded('Save runs'));
    await open('train');
    await choose('Load runs', path);
    await says('is from runs.json');
    assert.equal((await seen()).losses, losses);
    assert.is((await seen()).state, 'loaded');
    await drop('other.json', new TextEncoder().encode('[{"config":{},"lines":[1]}]'));
    await notes('other.json: holds no runs');
  });

  test('specs chosen in the form stand in the link, which opens as the same form', async () => {
    await open('train');
    await press('Then another optimizer');
    await page.getByLabel('Optimizer, second', { exact: true }).selectOption('lbfgs');
    await page.getByLabel('Schedule', { exact: true }).selectOption('step');
    await page.getByLabel('gamma', { exact: true }).fill('0.5');
    await page.getByLabel('Augmentation', { exact: true }).selectOption('crop');
    await press('Add an augmentation');
    await page.getByLabel('Augmentation, second', { exact: true }).selectOption('cutout');
    await page.getByLabel('Validate every', { exact: true }).fill('20');
    await press('Share link');
    const link = await page.evaluate('location.hash') as string;
    assert.equal(Object.fromEntries(new URLSearchParams(link.split('?')[1])), {
      model: 'lenet5', dataset: 'fashion-mnist', optimizer: 'adam:epochs=1,lbfgs', schedule: 'step:step_size=500,gamma=0.5',
      augment: 'crop,cutout', evalEvery: '20',
    });
    await open(link.slice(1));
    await press('Share link');
    assert.is(await page.evaluate('location.hash'), link);
    await page.getByLabel('gamma', { exact: true }).fill('-1');
    await says("Schedule step: gamma is '-1'; give a number of at least 0");
  });

  test('files and archives of a data set are checked; a folder of images by class trains, until it stops early', async () => {
    await drop('t10k-labels-idx1-ubyte', new Uint8Array(5000));
    await notes('5,000 bytes, 10,008 are expected');
    await drop('t10k-labels-idx1-ubyte.gz', new Uint8Array(50));
    await notes('does not decompress');
    const labels = readFileSync(join(datasetFolder('fashion-mnist'), 't10k-labels-idx1-ubyte'));
    await drop('some.tar.gz', gzipSync(tarOf({ 'fashion/readme': Buffer.from('x'), 'fashion/t10k-labels-idx1-ubyte': labels })));
    await notes('fashion-mnist: still needs train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte; add them too.');
    const photos = join(folder, 'photos'), { default: sharp } = await import('sharp');
    for (const [name, background] of [['day', '#ffe080'], ['night', '#102040']] as const) {
      mkdirSync(join(photos, name), { recursive: true });
      for (let i = 0; i < 12; i++)
        await sharp({ create: { width: 20 + i, height: 24, channels: 3, background } }).png().toFile(join(photos, name, `${i}.png`));
    }
    await open('train?model=mlp:hidden=8&batchSize=4&epochs=40&earlyStop=2&lr=0.02&logEvery=1');
    await choose('Add a folder', photos);
    await notes('photos: 24 images of 2 classes (day, night), chosen');
    await press('Start');
    await until('r.state === "done"');
    const { message, step } = await seen();
    assert.match(message, /stopped early, 2 epochs without a better validation accuracy; the best weights, of step \d+, are back/);
    assert.ok(step < 40 * 4, `it went on to step ${step}`);
  });

  test('a batch that does not fit is computed in parts, and the page says so', async () => {
    await open('train?batchSize=2700&epochs=1&limitTrain=3000&limitTest=100');
    await press('Start');
    await notes('Run 1: each batch of 2700 is computed in 2 parts of 1350: ');
    await until('r.state === "done"');
    await page.getByRole('status').filter({ hasText: 'Run 1 is done after 1 step. Each batch of 2700 is computed in 2 parts' }).waitFor();
  });

  test('kernels and a step are timed by the code of the command line', async () => {
    await open('bench');
    await page.getByLabel('Filter', { exact: true }).fill('8x8 weight');
    await press('Time kernels');
    await says('Measured on');
    await page.getByLabel('Batch size', { exact: true }).fill('16');
    await press('Time a step');
    await page.getByRole('table', { name: 'Time of a step' }).waitFor();
    const { kernels, step, adapter, batch } = JSON.parse(Buffer.from(await downloaded('Download JSON')).toString());
    assert.equal([kernels.length, kernels[0].kernel, batch, adapter.software], [1, 'conv_backward_weight', 16, true]);
    assert.ok(kernels[0].ms > 0 && kernels[0].gflops > 0 && step.ms > 0 && step.dispatches > 10);
  });

  test('the variants of kernels are timed once, and what was found is kept', async () => {
    const train = async () => {
      const query = new URLSearchParams({ ...SMALL, model: 'mlp:hidden=16', dataset: 'circles', limitTrain: '100' });
      await page.goto('about:blank');
      await page.goto(`${built.address}?tune#train?${query}`);
      await page.waitForFunction('globalThis.descent');
      await press('Start');
      await until('r.step >= 2');
      return await page.locator('#notice').textContent() ?? '';
    };
    assert.match(await train(), /the first use of .*: \d+ kernel calls are timed, once/);
    const kept = await page.evaluate<Record<string, Record<string, string[]>>>(
      `caches.open('descent').then(c => c.match('/tuned.json')).then(r => r.json())`);
    assert.ok(Object.keys(kept).some(place => place.includes('swiftshader')));
    assert.ok(Object.values(kept).some(calls => Object.keys(calls).some(call => call.startsWith('matmul'))));
    assert.not.match(await train(), /are timed/);
  });

  test('every control and picture has a name', async () => {
    const cdp = await page.context().newCDPSession(page);
    const roles = ['button', 'link', 'textbox', 'combobox', 'checkbox', 'slider', 'application', 'image', 'region', 'table', 'form',
      'complementary', 'navigation'];
    const full = 'train?optimizer=adam:epochs=1,lbfgs&augment=crop,flip&schedule=onecycle:max_lr=0.1';
    for (const view of [full, 'playground', 'race', 'predict', 'bench']) {
      await open(view);
      await page.locator('#view h2').first().waitFor();
      await page.evaluate(`document.querySelectorAll('details').forEach(d => { d.open = true; })`);
      const { nodes } = await cdp.send('Accessibility.getFullAXTree');
      const seen = nodes.filter(n => !n.ignored && roles.includes(n.role?.value as string));
      assert.ok(seen.length > 8, `${view}: ${seen.length} controls`);
      assert.equal(seen.filter(n => !n.name?.value).map(n => n.role?.value), [], view);
    }
  });

  test('without WebGPU the page says who has it', async () => {
    const other = await page.context().newPage();
    await other.addInitScript('delete Navigator.prototype.gpu');
    await other.goto(built.address);
    await other.getByText('Chrome or Edge from 113, Firefox from 141 or Safari from 26').first().waitFor();
    await other.close();
  });

  test('the playground separates two circles', async () => {
    await open('playground');
    await press('Start');
    await page.waitForFunction(`/right (9[0-9]|100)/.test(document.querySelector('.playground .status')?.textContent)`);
  });

  test('optimizers descend Beale\'s function', async () => {
    await open('race');
    const value = page.locator('.legend li', { has: page.getByText('momentum', { exact: true }) }).locator('.value');
    await value.filter({ hasText: /\d/ }).waitFor();
    assert.ok(Number(await value.textContent()) < 1, `momentum ends at ${await value.textContent()}`);
  });

  test('a configuration that cannot be built says why', async () => {
    await open('train?model=lenet5&dataset=xor');
    await press('Start');
    await page.locator('#notice.error').waitFor();
    assert.match(await page.locator('#notice').textContent() ?? '', /conv2d|images/);
    await open('train?model=nosuch');
    await says("unknown model 'nosuch'");
  });

  test('the console stays silent', () => assert.equal(built.said, []));
}
test.run();
