/** The page as a person uses it: pressed slowly, looked at while it trains, scrolled by a finger, told something wrong. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onPage, type BuiltPage } from '../../support/process/browser.ts';
import { longTests } from '../../support/long.ts';

const test = suite('defects of the page');
const long = longTests(test);
/** Long enough that no machine is done with it before a test pauses it. */
const ENDLESS = 'model=mlp:hidden=8&dataset=shapes&batchSize=16&limitTrain=320&limitTest=32&logEvery=1&epochs=10000';

let at: BuiltPage;
let page: Page;
const rest = (ms: number) => page.waitForTimeout(ms);
const rows = () => page.locator('.runs .pick');
/** Presses a button for 120 ms, as hands do. */
async function press(name: string, nth = 0): Promise<void> {
  const button = page.getByRole('button', { name }).nth(nth);
  await button.scrollIntoViewIfNeeded();
  const box = (await button.boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await rest(120);
  await page.mouse.up();
}

if (
  onPage(test, 'page/defects.test.ts', built => {
    at = built;
    page = built.page;
  })
) {
  test('while two runs train, rows take every press and keep the keyboard, and say what differs', async () => {
    await at.open(`train?${ENDLESS}`);
    await at.press('Start');
    await at.until('r.step >= 2');
    await page.getByLabel('Learning rate', { exact: true }).fill('0.1');
    await at.press('Compare');
    await at.until('r.id === 1 && r.step >= 20');
    assert.equal(await page.evaluate('descent.runs.map(r => r.state)'), ['running', 'running']);
    const names = await rows().allTextContents();
    assert.equal(names, ['1: mlp:hidden=8 on shapes, learning rate 0.001', '2: mlp:hidden=8 on shapes, learning rate 0.1']);
    let taken = 0;
    for (let i = 0; i < 20; i++) {
      await press(names[i % 2]!);
      if ((await page.evaluate('descent.selected.id')) === i % 2) taken++;
    }
    assert.is(taken, 20);
    assert.match(await page.title(), /^\d+ % – Train – Descent$/);
    assert.match((await page.locator('.status').first().textContent())!, /epoch [\d.]+ of 10000, .* left/);
    assert.ok(Number((await page.evaluate<number>('descent.selected.imagesPerSecond')).toFixed(3)) > 0);
    await page.getByRole('button', { name: 'Compare', exact: true }).focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.is(await page.evaluate('document.activeElement.textContent'), 'Pause'); // in place of the 26 tabs over the form
    await rows().first().focus();
    await rest(1000);
    assert.is(await page.evaluate('document.activeElement.textContent'), names[0]);
  });

  test('what is at the pointer stays while runs train, and so does a zoom', async () => {
    const chart = page.locator('.chart').first();
    await chart.scrollIntoViewIfNeeded();
    const box = (await chart.boundingBox())!;
    const middle = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.5, middle);
    const tooltip = chart.locator('.tooltip');
    await tooltip.waitFor();
    for (let look = 0; look < 5; look++) {
      await rest(150);
      assert.ok(await tooltip.isVisible());
    }
    const words = (await tooltip.textContent())!;
    for (const part of ['step ', '1: learning rate 0.001', '2: learning rate 0.1']) assert.match(words, part);
    assert.is(await tooltip.locator('b').count(), 4, 'training and validation of both');
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.8, middle, { steps: 3 });
    await page.mouse.up();
    const back = page.getByRole('button', { name: 'Whole run' });
    await back.waitFor();
    await rest(500);
    assert.ok(await back.isVisible());
    await back.click();
    const before = await page.evaluate<number>('scrollY');
    await page.mouse.move(box.x + box.width / 2, middle);
    await page.mouse.wheel(0, 200);
    await page.waitForFunction(`scrollY > ${before} + 100`);
  });

  test('a finger that begins on a chart scrolls', async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    const chart = page.locator('.chart').first();
    await chart.scrollIntoViewIfNeeded();
    const box = (await chart.boundingBox())!;
    const before = await page.evaluate<number>('scrollY');
    const cdp = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...ys: number[]) =>
      cdp.send('Input.dispatchTouchEvent', { type, touchPoints: ys.map(y => ({ x: box.x + box.width / 2, y })) });
    const from = box.y + box.height / 2;
    assert.ok(await page.evaluate(`document.elementFromPoint(${box.x + box.width / 2}, ${from}).closest('.chart') !== null`));
    await touch('touchStart', from);
    for (let y = from - 20; y > from - 220; y -= 20) await touch('touchMove', y);
    await touch('touchEnd');
    await page.waitForFunction(`scrollY > ${before} + 100`);
    await page.setViewportSize({ width: 1280, height: 720 });
  });

  test('a paused run is drawn anew when the system turns dark', async () => {
    await at.pause();
    await page.getByRole('button', { name: /^1:/ }).click();
    await at.pause();
    const drawn = () => page.evaluate<string>(`document.querySelector('.chart canvas').toDataURL()`);
    await rest(300);
    const light = await drawn();
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForFunction(`document.querySelector('.chart canvas').toDataURL() !== ${JSON.stringify(light)}`);
    await page.emulateMedia({ colorScheme: 'light' });
  });

  test('after the last run nothing of it stays; a first start that fails leaves no run', async () => {
    await page.getByRole('heading', { name: 'Confusion matrix' }).scrollIntoViewIfNeeded();
    await page.getByRole('grid', { name: 'Labels and answers' }).waitFor();
    await page.getByText('Looks into run 1').waitFor();
    await at.press('Remove run 1');
    await page.getByText('Looks into run 2').waitFor();
    await at.press('Remove run 2');
    const status = page.locator('.status').filter({ visible: true });
    await status.filter({ hasText: 'No run yet. Choose a configuration and press Start.' }).waitFor();
    assert.is(await page.locator('.facts > *').count(), 0);
    assert.is(await page.locator('.inspect :is(canvas, table)').count(), 0);
    await page.evaluate(`location.hash = 'train?model=lenet5&dataset=xor'`);
    await at.press('Start');
    await page.locator('#notice.error').waitFor();
    await status.filter({ hasText: 'No run yet' }).waitFor();
  });

  test('a message stands where one looks, and is gone at the next action or another view', async () => {
    await page.mouse.wheel(0, 3000);
    await page.waitForFunction('scrollY > 200');
    await at.drop('notes.txt', new TextEncoder().encode('no picture'));
    const notice = page.locator('#notice');
    await at.notes('notes.txt');
    const { y, height } = (await notice.boundingBox())!;
    assert.ok(y >= 0 && y + height < 720, `it stands at ${y}`);
    await page.evaluate(`location.hash = 'race'`);
    await notice.waitFor({ state: 'hidden' });
  });

  test('a wrong value is said below its field, and Start says it too', async () => {
    await at.open('train');
    const said = async (field: string, text: string) => {
      const input = page.getByLabel(field, { exact: true });
      await input.fill(text);
      const id = (await input.getAttribute('aria-errormessage'))!;
      const error = page.locator(`[id="${id}"]`);
      const [below, above] = [(await error.boundingBox())!, (await input.boundingBox())!];
      assert.ok(below.y >= above.y && below.y < above.y + 60, `${field}: ${below.y} for ${above.y}`);
      assert.ok((await input.getAttribute('aria-describedby'))!.split(' ').includes(id));
      return error.textContent();
    };
    assert.is(await said('beta1', '0,9'), "Optimizer adam: beta1 is '0,9'; write 0.9");
    await at.press('Start');
    await at.notes("Optimizer adam: beta1 is '0,9'; write 0.9");
    await page.getByLabel('beta1', { exact: true }).fill('0.9');
    assert.is(await page.locator('[aria-errormessage]').count(), 0);
    assert.match((await said('Validate every', 'abc'))!, "Validate every: 'abc' is not a number");
    await at.press('Start');
    await at.notes("Validate every: 'abc' is not a number");
  });

  long('a folder of 60 images trains by a smaller batch, which is said, and goes on after its end', async () => {
    const { default: sharp } = await import('sharp');
    const folder = join(at.folder, 'colours');
    for (const [name, background] of Object.entries({ red: '#c02020', green: '#20c020', blue: '#2020c0' })) {
      mkdirSync(join(folder, name), { recursive: true });
      const picture = await sharp({ create: { width: 16, height: 16, channels: 3, background } })
        .png()
        .toBuffer();
      for (let i = 0; i < 20; i++) writeFileSync(join(folder, name, `${i}.png`), picture);
    }
    await at.open('train?model=mlp:hidden=8&epochs=1&evalEvery=0');
    await at.choose('Add a folder', folder);
    await at.notes('60 images of 3 classes');
    await at.press('Start');
    await at.until('r.state === "done"');
    await page.getByRole('status').filter({ hasText: 'A batch is 8 images in place of 64, as there are 43 to train on.' }).waitFor();
    const { step } = await at.seen();
    assert.equal(await page.evaluate('descent.selected.steps.map(l => l.step)'), [1, 2, 5]);
    await at.press('5 more epochs');
    await at.until(`r.state === "done" && r.step === ${6 * step}`);
    assert.is(await page.evaluate('descent.selected.config.epochs'), 6);
  });

  test('the view keeps its place while it loads', async () => {
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await at.open('train');
      await page.getByRole('region', { name: 'The net' }).scrollIntoViewIfNeeded(); // where it is first seen it is loaded
      await page.locator('.net .box').first().waitFor();
      const shift = await page.evaluate<number>(`new Promise(resolve => {
        let sum = 0;
        new PerformanceObserver(list => { for (const e of list.getEntries()) if (!e.hadRecentInput) sum += e.value; }).observe({ type: 'layout-shift', buffered: true });
        setTimeout(() => resolve(sum), 1000);
      })`);
      assert.ok(shift < 0.05, `${shift} at ${width}`);
    }
    await page.setViewportSize({ width: 1280, height: 720 });
  });

  test('files that the page does not take are named; runs of a file are counted and checked', async () => {
    const text = (config: object) =>
      new TextEncoder().encode(JSON.stringify([{ config, lines: [{ step: 1, epoch: 1, loss: 1, accuracy: 0.5, lr: 0.1 }] }]));
    for (const [name, says] of [
      ['net.onnx', 'net.onnx: is an ONNX file, which Train does not take; load it in Teach'],
      ['net.pt', 'net.pt: is a pickle of PyTorch, which can run code; write it as .safetensors'],
      ['sign.svg', 'sign.svg: is a drawing without pixels of its own; save it as PNG'],
      ['taught.html', 'taught.html: is a web page; load it in Teach if that has exported it'],
      [
        'points.csv',
        'points.csv: is a table; drop it on Playground if it has x, y and a label or value, or train on it by descent train mlp on the command line',
      ],
      ['a.npz', 'a.npz: is nothing that this page takes; drop a picture'],
      ['README', 'README: is nothing that this page takes; drop a picture'],
      ['cut.png', 'cut.png: cannot be read as an image; give a PNG'],
    ] as const) {
      await at.drop(name, new Uint8Array(9));
      await at.notes(says);
    }
    assert.is(await page.evaluate('location.hash'), '#train');
    await at.drop('bad.json', text({ model: 'nope' }));
    await at.notes("bad.json: unknown model 'nope'");
    await at.drop('good.json', text({ model: 'mlp' }));
    await at.notes('good.json: 1 run loaded.');
    await page.getByText('Run 1 is from a file: its curves are here, its net is not.').first().waitFor({ state: 'attached' });
  });

  test('the theme is that of the system, light or dark', async () => {
    const theme = page.locator('#theme');
    const states: string[] = [];
    for (let i = 0; i < 4; i++) {
      states.push((await theme.getAttribute('aria-label'))!);
      await theme.click();
    }
    assert.equal(states, [
      'Theme: as the system; switch to light',
      'Theme: light; switch to dark',
      'Theme: dark; switch to that of the system',
      'Theme: as the system; switch to light',
    ]);
    await theme.click();
    await theme.click();
  });

  test('checkboxes of the race keep the keyboard, and its start stays on the map', async () => {
    await at.open('race');
    await page.getByText(/^Step \d+ of/).waitFor();
    const box = page.locator('#race-adam');
    await box.focus();
    await page.keyboard.press('Space');
    await page.getByText(/^Step \d+ of/).waitFor();
    assert.is(await page.evaluate('document.activeElement.id'), 'race-adam');
    const map = (await page.locator('.race').boundingBox())!;
    await page.mouse.move(map.x + 50, map.y + 50);
    await page.mouse.down();
    await page.mouse.move(map.x + map.width + 80, map.y - 40);
    await page.mouse.up();
    await page.getByText(/of 400 from \(4\.00, 2\.00\)/).waitFor();
  });

  test('the console stays silent', () => assert.equal(at.said, []));
}
test.run();
