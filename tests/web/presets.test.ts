/** What a visitor could try: each preset is a configuration that trains, and the nets that come along answer before anything is trained. */
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkFeasible } from '../../train/config/feasible.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { configOf } from '../../web/form/texts.ts';
import { PRESETS } from '../../web/views/train/presets.ts';
import { onPage, type BuiltPage } from '../support/process/browser.ts';

const test = suite('presets');
let at: BuiltPage;

test('each run of each preset is a configuration that can be trained, unlike the others beside it', () => {
  for (const { name, runs, prose } of PRESETS) {
    assert.ok(prose.length > 40, name);
    for (const texts of runs) checkFeasible(recipeOf(configOf(texts)));
    assert.is(new Set(runs.map(texts => JSON.stringify(texts))).size, runs.length, name);
  }
});

if (onPage(test, 'presets.test.ts', built => void (at = built))) {
  test('a drawing is answered by a trained net before anything is trained', async () => {
    const { page } = at;
    await page.goto(`${at.address}#predict`);
    const board = page.getByRole('img', { name: /Board/ });
    const { x, y } = (await board.boundingBox())!;
    // trousers: two legs from a waist
    for (const [from, to] of [
      [100, 95],
      [180, 185],
      [118, 112],
      [162, 168],
    ] as const) {
      await page.mouse.move(x + from, y + 40);
      await page.mouse.down();
      await page.mouse.move(x + to, y + 240, { steps: 6 });
      await page.mouse.up();
    }
    await page.mouse.move(x + 100, y + 45);
    await page.mouse.down();
    await page.mouse.move(x + 180, y + 45, { steps: 4 });
    await page.mouse.up();
    await at.says('Run 1, lenet5 on fashion-mnist');
    await page.locator('.answer').getByText('Trouser').waitFor();
    assert.match((await page.locator('.answer .bars li').first().textContent()) ?? '', /Trouser/);
    await at.press('What it goes by');
    const figures = page.locator('.explained figure');
    await figures.nth(2).waitFor();
    const tops = await figures.evaluateAll(all => all.map(figure => (figure as HTMLElement).offsetTop));
    assert.is(new Set(tops).size, 1, 'they stand beside one another before anything was looked at under Train');
  });

  test('several pictures are answered in a table, each by its name', async () => {
    const { default: sharp } = await import('sharp');
    const files = ['dark', 'light'].map(name => join(at.folder, `${name}.png`));
    for (const [i, file] of files.entries()) {
      const background = `rgb(${200 * i}, ${200 * i}, ${200 * i})`;
      await sharp({ create: { width: 28, height: 28, channels: 3, background } })
        .png()
        .toFile(file);
    }
    await at.choose('Choose a picture', ...files);
    const table = at.page.getByRole('table', { name: 'Answers' });
    await table.waitFor();
    assert.equal(await table.locator('tbody th').allTextContents(), ['dark.png', 'light.png']);
    for (const sure of await table.locator('tbody td:last-child').allTextContents()) assert.match(sure, /^\d+\.\d %$/);
  });

  test('before the camera bars keep their places, and both pictures are of one moment', async () => {
    const { page } = at;
    await at.press('Use the camera');
    const names = () => page.locator('.answer .bars li > :first-child').allTextContents();
    const seen = page.locator('.seen figure canvas').first();
    await page.waitForFunction(`document.querySelector('.seen figure canvas')?.width === 160`);
    const before = await names();
    const old = await seen.elementHandle();
    await page.waitForFunction(old => old !== document.querySelector('.seen figure canvas'), old);
    assert.equal(await names(), before);
    const apart = await page.evaluate<number>(`(() => {
      const [shown, given] = [...document.querySelectorAll('.seen figure canvas')];
      const small = Object.assign(document.createElement('canvas'), { width: given.width, height: given.height }).getContext('2d');
      small.drawImage(shown, 0, 0, given.width, given.height);
      const [a, b] = [small, given.getContext('2d')].map(c => c.getImageData(0, 0, given.width, given.height).data);
      const grey = i => 0.299 * a[i] + 0.587 * a[i + 1] + 0.114 * a[i + 2];
      return Array.from({ length: b.length / 4 }, (_, i) => Math.abs(grey(4 * i) - b[4 * i])).reduce((x, y) => x + y) / (b.length / 4);
    })()`);
    assert.ok(apart < 10, `${apart} of 255 apart`);
    await at.press('Stop the camera');
  });

  test('its answers to test images are there under Train, and it can be trained on', async () => {
    const { page } = at;
    await page.getByRole('link', { name: 'Train', exact: true }).click();
    assert.is(await page.locator('.presets').isVisible(), false);
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    await page.getByRole('heading', { name: 'Confusion matrix' }).scrollIntoViewIfNeeded();
    await page.locator('.inspect').getByText('Ankle boot').filter({ visible: true }).first().waitFor();
  });
}

test.run();
