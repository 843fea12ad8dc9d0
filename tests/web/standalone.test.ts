/** The page that `descent export --to webpage` writes, opened from the disk in Debian's Chromium with no network. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import type { Browser } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { exportNet } from '../../cli/export/export.ts';
import { predict } from '../../cli/run/predict.ts';
import { openModel } from '../../models/index.ts';
import { encodeSafetensors } from '../../train/run/safetensors.ts';
import { browserPath, launched } from '../support/process/browser.ts';
import { printed } from '../support/process/printed.ts';
import { scratchFolders } from '../support/process/scratch.ts';
import { testWhere } from '../support/check.ts';
import { generatedWeights } from '../support/onnx.ts';

const test = suite('exported page');
const folder = scratchFolders(test);
const inBrowser = testWhere(test, browserPath !== undefined, 'there is no browser; install chromium, or name one in DESCENT_BROWSER');
let browser: Browser | undefined;
test.after(() => browser?.close());

inBrowser('classifies dropped pictures as predict does, offline', async () => {
  const root = await folder();
  const shape = [3, 16, 16] as const;
  const classes = ['cat <b>', 'dog', 'hen'];
  const weights = generatedWeights(openModel({ name: 'resnet20', options: {} }, { classes: 3, shape }), shape);
  const moments = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3] };
  const texts = { shape: JSON.stringify(shape), classes: JSON.stringify(classes), moments: JSON.stringify(moments) };
  const file = join(root, 'net.safetensors');
  await writeFile(file, encodeSafetensors(weights, { model: 'resnet20', dataset: './photos', normalize: 'meanstd', ...texts }));
  const told = await printed(() => exportNet(file, { to: 'webpage' }));
  const { size } = await stat(join(root, 'net.html'));
  assert.match(told, ` inside, ${size.toLocaleString('en-US')} bytes; `);

  const pixels = Uint8Array.from({ length: 768 }, (_, i) => (i * 37) % 256);
  const picture = join(root, 'a.png');
  await sharp(pixels, { raw: { width: 16, height: 16, channels: 3 } }).toFile(picture);
  const said = JSON.parse(await printed(() => predict(file, [picture], { top: '3', json: true }))) as {
    predictions: { class: string; probability: number }[];
  };

  browser = await launched(browserPath!);
  const context = await browser.newContext({ offline: true });
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', message => message.type() === 'error' && faults.push(message.text()));
  page.on('pageerror', error => faults.push(error.message));
  await page.goto(pathToFileURL(join(root, 'net.html')).href);
  await page.getByText('Ready: 3 classes.').waitFor();
  assert.is(await page.title(), 'resnet20 on photos');
  await page.locator('#choose').setInputFiles(picture);
  await page.locator('.bar').nth(2).waitFor();
  const rows = await page.locator('.bar').evaluateAll(bars => bars.map(bar => [...bar.querySelectorAll('span')].map(s => s.textContent)));
  assert.equal(
    rows,
    said.predictions.map(p => [p.class, `${(p.probability * 100).toFixed(1)}%`]),
  );
  await page.locator('#choose').setInputFiles({ name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
  await page.getByText(/^the image broken\.png: cannot be read as an image \(.*\); give a PNG, JPEG, WebP, GIF or AVIF file$/).waitFor();
  const files = [
    { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') },
    { name: 'unnamed', mimeType: '', buffer: await readFile(picture) },
  ];
  await page.locator('#choose').setInputFiles(files);
  await page.getByText(/^the image notes\.txt: cannot be read/).waitFor();
  await page.locator('.bar').nth(5).waitFor(); // of the picture that has no type
  assert.equal(faults, []);
});

test.run();
