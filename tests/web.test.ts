/** The page in a real browser, on SwiftShader: what it trains is what Node trains. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Download, type Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build, preview, type PreviewServer } from 'vite';
import { openDataset } from '../datasets/node/open.ts';
import { Device } from '../engine/device.ts';
import { openAdapter } from '../engine/node/adapters.ts';
// @ts-expect-error: plain JavaScript, which runs before there are packages
import { findBrowser } from '../scripts/setup/browser.mjs';
import { parseConfig } from '../train/config.ts';
import { openTrainer } from '../train/open.ts';
import { decodeSafetensors } from '../train/safetensors.ts';

const test = suite('the page');
const ROOT = join(import.meta.dirname, '..'), FLAGS = ['--no-sandbox', '--headless=new', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
const executablePath = findBrowser() as string | undefined;
const SMALL = { dataset: 'fashion-mnist', batchSize: '16', limitTrain: '640', limitTest: '64', logEvery: '1', epochs: '30' };

let folder: string, server: PreviewServer, browser: Browser, page: Page;
const said: string[] = [];
/** Of the run that is selected. */
interface Seen { state: string; step: number; losses: number[]; message: string }
const seen = (): Promise<Seen> => page.evaluate(`(({ selected: r }) => ({ state: r.state, step: r.step, message: r.message, losses: r.steps.map(l => l.loss) }))(descent)`);
const until = (condition: string, timeout = 20_000) => page.waitForFunction(`(r => r && (${condition}))(descent.selected)`, undefined, { timeout, polling: 50 });
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
const text = (selector: string) => page.locator(selector).textContent();

async function open(hash: string): Promise<void> {
  await page.goto('about:blank');
  await page.goto(`${server.resolvedUrls!.local[0]}#${hash}`);
  await page.waitForFunction('globalThis.descent');
}
const drop = (name: string, bytes: Uint8Array) => page.evaluate(([file, content]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([Uint8Array.from(content as number[])], file as string));
  dispatchEvent(new DragEvent('drop', { dataTransfer: transfer }));
}, [name, [...bytes]] as const);
async function exported(): Promise<Uint8Array> {
  const [download] = await Promise.all([page.waitForEvent('download'), press('Export weights')]) as [Download, void];
  return readFileSync(await download.path());
}

if (!executablePath || !existsSync(executablePath)) {
  console.log('web.test.ts: skipped, there is no browser; install chromium, or name one in DESCENT_BROWSER');
  test.skip('needs a browser', () => undefined);
} else {
  test.before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'descent-web-'));
    const common = { configFile: join(ROOT, 'vite.config.ts'), root: join(ROOT, 'web'), logLevel: 'silent' } as const;
    await build({ ...common, build: { outDir: folder } });
    server = await preview({ ...common, build: { outDir: folder }, preview: { port: 0, host: 'localhost' } });
    browser = await chromium.launch({ executablePath, args: FLAGS });
    page = await browser.newPage();
    page.setDefaultTimeout(20_000);
    page.on('console', message => { if (message.type() === 'error' || message.type() === 'warning') said.push(message.text()); });
    page.on('pageerror', error => said.push(error.message));
  });
  test.after(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true });
  });

  test('LeNet-5 learns; its first ten losses are those of Node', async () => {
    await open(`train?${new URLSearchParams(SMALL)}`);
    await press('Start');
    await until('r.step >= 40', 30_000);
    await press('Pause');
    await until('r.state === "paused"');
    const { losses } = await seen(), mean = (from: number[]) => from.reduce((a, b) => a + b) / from.length;
    assert.ok(mean(losses.slice(-10)) < 0.8 * mean(losses.slice(0, 10)), `losses ${losses.map(l => l.toFixed(2)).join(' ')}`);

    const device = await Device.open(await openAdapter('swiftshader')), config = parseConfig('lenet5', SMALL);
    const { trainer } = await openTrainer(config, await openDataset('fashion-mnist', { quiet: true, limitTrain: 640, limitTest: 64 }), device);
    for (let t = 0; t < 10; t++) await trainer.step(true);
    const expected = (await trainer.settle()).map(l => l.loss);
    trainer.destroy();
    device.close();
    expected.forEach((loss, t) => assert.ok(Math.abs(losses[t]! / loss - 1) < 1e-5, `step ${t + 1}: the page has ${losses[t]}, Node ${loss}`));
  });

  test('pauses, steps once, resumes', async () => {
    const { step } = await seen();
    await press('Step');
    await until(`r.step === ${step + 1}`);
    assert.is((await seen()).state, 'paused');
    await press('Resume');
    await until(`r.step > ${step + 5}`);
    await press('Pause');
    await until('r.state === "paused"');
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
    await page.getByText('imported into run').waitFor();
    const again = decodeSafetensors(await exported(), 'again').tensors;
    for (const [name, { data }] of Object.entries(tensors)) assert.ok(Buffer.from(data.buffer).equals(Buffer.from(again[name]!.data.buffer)), name);

    await drop('cut.safetensors', file.subarray(0, file.length - 100));
    await page.getByText('the file is cut short').waitFor();
    assert.is((await seen()).state, 'paused');
  });

  test('a lost device is opened again from the last checkpoint', async () => {
    await press('Resume');
    await until('r.step >= 20');
    await page.evaluate('descent.selected.engine.call("loseDevice")');
    await page.getByText('the run goes on from its last checkpoint').waitFor({ timeout: 20_000 });
    await until('r.state === "running" && r.step >= 25', 30_000);
    await press('Pause');
    await until('r.state === "paused"');
    const { losses, step } = await seen();
    assert.is(losses.length, step);
    assert.ok(losses.every(Number.isFinite));
  });

  test('a picture gets probabilities, a file that is none a message', async () => {
    await drop('notes.png', new TextEncoder().encode('no picture'));
    await page.getByText('notes.png: cannot be read as an image').waitFor();
    const { default: sharp } = await import('sharp');
    await drop('grey.png', await sharp({ create: { width: 60, height: 40, channels: 3, background: '#808080' } }).png().toBuffer());
    await page.locator('.bars li').first().waitFor();
    const shares = await page.locator('.bars .value').allTextContents();
    assert.is(shares.length, 10);
    assert.ok(Math.abs(shares.reduce((sum, s) => sum + Number.parseFloat(s), 0) - 100) < 1, shares.join(' '));
  });

  test('the playground separates two circles', async () => {
    await open('playground');
    await press('Start');
    await page.waitForFunction(`/right (9[0-9]|100)/.test(document.querySelector('.playground .status')?.textContent)`, undefined, { timeout: 30_000 });
    await press('Pause');
  });

  test('optimizers descend Beale\'s function', async () => {
    await open('race');
    await page.waitForFunction(`[...document.querySelectorAll('.legend .value')].some(e => e.textContent)`, undefined, { timeout: 30_000 });
    const row = page.locator('.legend li', { has: page.getByText('momentum', { exact: true }) });
    assert.ok(Number(await row.locator('.value').textContent()) < 1, `momentum ends at ${await row.textContent()}`);
  });

  test('a configuration that cannot be built says why', async () => {
    await open('train?model=lenet5&dataset=xor');
    await press('Start');
    await page.locator('#notice.error').waitFor();
    assert.match(await text('#notice') ?? '', /conv2d|images/);
    await open('train?model=nosuch');
    await page.getByText("unknown model 'nosuch'").waitFor();
  });

  test('the console stays silent', () => assert.equal(said, []));
}
test.run();
