/** The curves of runs as one works with them, on runs of a file: nothing is trained here. What a phone and high contrast make of the page. */
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onPage, violations, type BuiltPage } from '../../support/process/browser.ts';

const test = suite('curves');
let at: BuiltPage;
let page: Page;

/** Two runs whose losses fall by a factor of 0.9 a line, from 8 and from 4, with one validation each. */
const runs = [8, 4].map((from, i) => ({
  config: { model: 'mlp', lr: String(0.1 * (i + 1)) },
  lines: [
    ...Array.from({ length: 40 }, (_, n) => ({
      step: 10 * (n + 1),
      epoch: (n + 1) / 10,
      seconds: n + 1,
      loss: from * 0.9 ** n * (n % 2 ? 1.2 : 1),
      accuracy: n / 40,
      lr: 0.1,
    })),
    { split: 'val', step: 400, epoch: 4, seconds: 40, loss: 0.5, accuracy: 0.9 },
  ],
}));
const loss = () => page.locator('.chart').first();
const picture = () => page.evaluate<string>(`document.querySelector('.chart canvas').toDataURL()`);
/** Waits until a chart is not drawn as it was, and gives how it is now. */
async function redrawn(before: string): Promise<string> {
  await page.waitForFunction(`document.querySelector('.chart canvas').toDataURL() !== ${JSON.stringify(before)}`, undefined, {
    polling: 50,
  });
  return picture();
}

if (
  onPage(test, 'page/curves.test.ts', built => {
    at = built;
    page = built.page;
  })
) {
  test('scales, what lies across, the trend and single runs are for the viewer to choose', async () => {
    await at.open('train');
    await at.drop('two.json', new TextEncoder().encode(JSON.stringify(runs)));
    await page.locator('.chart canvas').first().waitFor();
    await page.locator('.chart[aria-label*="at step 400"]').first().waitFor();
    const linear = await picture();
    await page.getByLabel('Scale').selectOption('log');
    const logarithmic = await redrawn(linear);
    await page.getByLabel('Scale').selectOption('most');
    await redrawn(logarithmic);
    await page.getByLabel('Across').selectOption('epoch');
    await page.locator('.chart[aria-label*="at epoch 4"]').first().waitFor();
    await page.getByLabel('Across').selectOption('seconds');
    await page.locator('.chart[aria-label*="at seconds 40"]').first().waitFor();
    await page.getByLabel('Across').selectOption('step');
    const last = async () => Number(/training: ([\d.]+) at/.exec((await loss().getAttribute('aria-label'))!)![1]);
    const trend = await last();
    await page.getByRole('slider', { name: 'Smooth' }).fill('0');
    const exact = 8 * 0.9 ** 39 * 1.2;
    await page.waitForFunction(`!document.querySelector('.chart').ariaLabel.includes('training: ${trend} at')`);
    assert.ok(Math.abs((await last()) - exact) < 1e-3 && trend !== exact, `${await last()} in place of ${exact}, smoothed ${trend}`);
    const both = await picture();
    await page.locator('.runs .pick').first().hover();
    await redrawn(both);
    await page.mouse.move(0, 0);
    await page.waitForFunction(`document.querySelector('.chart canvas').toDataURL() === ${JSON.stringify(both)}`);
    await page.getByRole('button', { name: 'Hide' }).first().click();
    await page.waitForFunction(`document.querySelector('.chart').ariaLabel.match(/training:/g).length === 1`);
    await page.getByRole('button', { name: 'Show' }).first().click();
    await page.waitForFunction(`document.querySelector('.chart').ariaLabel.match(/training:/g).length === 2`);
  });

  test('the pointer tells all of many runs within the window, in columns where it is low; of a part that is zoomed in the last point is read', async () => {
    const many = Array.from({ length: 26 }, (_, i) => ({
      config: { model: 'mlp', lr: String(i + 1) },
      lines: [1, 2, 3, 4].flatMap(n => [
        { step: 100 * n, epoch: n, seconds: n, loss: (i + 1) / n, accuracy: 0.5, lr: 0.1 },
        { split: 'val', step: 100 * n, epoch: n, seconds: n, loss: (i + 1.3) / n, accuracy: 0.5 },
      ]),
    }));
    await at.open('train');
    await at.drop('many.json', new TextEncoder().encode(JSON.stringify(many)));
    await page.locator('.chart[aria-label*="at step 400"]').first().waitFor();
    const lines = loss().locator('.tooltip .lines > div');
    const columns = async () => {
      const boxes = await Promise.all((await lines.all()).map(line => line.boundingBox()));
      return new Set(boxes.map(box => box!.x)).size;
    };
    /** Points at the middle of the chart in a window of that size, where all that the tooltip says is to be seen. */
    const pointed = async (size: { width: number; height: number }) => {
      await page.setViewportSize(size);
      await loss().evaluate(chart => chart.scrollIntoView({ block: 'center' }));
      const { x, y, width, height } = (await loss().boundingBox())!;
      await page.mouse.move(0, 0);
      await page.mouse.move(x + width / 2, y + height * 0.7);
      await loss().locator('.tooltip').waitFor();
      const box = (await loss().locator('.tooltip').boundingBox())!;
      assert.ok(box.y >= 0 && box.y + box.height <= size.height, `from ${box.y} to ${box.y + box.height} in ${size.height}`);
      assert.ok(box.x >= x && box.x + box.width <= x + width + 1, 'within the chart, of which a part of a pixel is rounded');
    };
    const some = async () => [await lines.count(), await columns(), await lines.last().locator('b').count()];
    await pointed({ width: 1280, height: 900 });
    assert.equal(await some(), [26, 1, 2], 'training and validation of a run in one line');
    await pointed({ width: 844, height: 320 });
    assert.equal(await some(), [26, 2, 2]);
    await pointed({ width: 390, height: 260 });
    await lines.getByText(/^and \d+ more$/).waitFor();
    await pointed({ width: 1280, height: 720 });
    const { x, y, width, height } = (await loss().boundingBox())!;
    await page.mouse.down();
    await page.mouse.move(x + width * 0.85, y + height * 0.7, { steps: 3 });
    await page.mouse.up();
    await page.waitForFunction(`!document.querySelector('.chart').ariaLabel.includes('at step 400')`);
    assert.match((await loss().getAttribute('aria-label'))!, /^Loss; 1: .*training: 0\.3333 at step 300; 1: .*at step 300$/);
    await page.getByRole('button', { name: 'Whole run' }).click();
    await at.open('train');
    await at.drop('two.json', new TextEncoder().encode(JSON.stringify(runs)));
    await page.locator('.chart[aria-label*="at step 400"]').first().waitFor();
  });

  test('by keys alone one goes from point to point, hears what all runs are there, and zooms', async () => {
    await page.setViewportSize({ width: 1280, height: 720 });
    await page.mouse.move(0, 0);
    await page.getByRole('button', { name: 'Loss as PNG' }).focus();
    await page.keyboard.press('Tab');
    const told = () => loss().locator('.tooltip');
    const [title, spoken] = [told().locator('strong'), loss().locator('+ .spoken')];
    await page.keyboard.press('ArrowLeft'); // before what answers to keys can be there
    await title.getByText('step 390', { exact: true }).waitFor();
    assert.is(await loss().getAttribute('role'), 'application');
    assert.match((await spoken.textContent())!, /^step 390; 1: .*, training [\d.]+; 2: .*, training [\d.]+$/);
    await page.keyboard.press('PageUp');
    await page.keyboard.press('ArrowRight');
    assert.match((await spoken.textContent())!, /^step 300;/);
    assert.equal([await title.textContent(), await told().locator('b').count()], ['step 300', 2]);
    await page.keyboard.press('End');
    assert.match((await spoken.textContent())!, /^step 400; 1: .*validation 0\.5; 2: .*validation 0\.5$/);
    await page.keyboard.press('Home');
    await page.keyboard.press('+');
    const back = page.getByRole('button', { name: 'Whole run' });
    await back.waitFor();
    assert.match((await loss().getAttribute('aria-label'))!, / at step 200$/, 'half of the run, about its first point');
    assert.is(await title.textContent(), 'step 10', 'and it stays there');
    await page.keyboard.press('=');
    assert.match((await loss().getAttribute('aria-label'))!, / at step 100$/);
    await page.keyboard.press('-');
    assert.match((await loss().getAttribute('aria-label'))!, / at step 200$/);
    await page.keyboard.press('ArrowRight');
    assert.is(await title.textContent(), 'step 20');
    await page.keyboard.press('0');
    await back.waitFor({ state: 'hidden' });
    await page.keyboard.press('+');
    await page.keyboard.press('Escape');
    await back.waitFor({ state: 'hidden' });
    assert.is(await told().isVisible(), true);
    await page.keyboard.press('Escape');
    assert.is(await told().isVisible(), false);
    await page.keyboard.press('ArrowLeft');
    await told().waitFor();
    assert.equal(await violations(page), []);
    await page.evaluate('window.scrollTo(0, document.body.scrollHeight)');
    assert.ok((await loss().evaluate(chart => chart.getBoundingClientRect().bottom)) < 0, 'it is out of sight');
    await page.getByLabel('Scale').evaluate(scale => scale.dispatchEvent(new Event('change'))); // curves are drawn anew, as while it trains
    assert.is(await told().isVisible(), false, 'nothing of it stays over what is in sight');
    await page.keyboard.press('ArrowLeft');
    assert.is(await told().isVisible(), false);
    await loss().evaluate(chart => chart.scrollIntoView());
    await told().waitFor();
    await page.keyboard.press('Tab');
    await told().waitFor({ state: 'hidden' });
  });

  test('a finger that taps a chart is told the values there', async () => {
    const phone = await at.page
      .context()
      .browser()!
      .newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, bypassCSP: true });
    const visit = await phone.newPage();
    await visit.goto(`${at.address}#train`);
    await visit.waitForFunction('globalThis.descent?.configuration.available.size > 1');
    await visit.evaluate(runs => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([JSON.stringify(runs)], 'two.json'));
      dispatchEvent(new DragEvent('drop', { dataTransfer: transfer }));
    }, runs);
    const chart = visit.locator('.chart').first();
    await chart.locator('canvas').waitFor();
    await chart.tap();
    await chart
      .locator('.tooltip')
      .getByText(/^step \d+$/)
      .waitFor();
    assert.is(await chart.locator('.tooltip b').count(), 2);
    assert.is(await visit.evaluate('document.documentElement.scrollWidth'), 390);
    await phone.close();
  });

  test('a chart is saved as PNG, the values of all runs as CSV', async () => {
    const png = Buffer.from(await at.downloaded('Loss as PNG'));
    assert.equal([...png.subarray(1, 4)], [...Buffer.from('PNG')]);
    assert.ok(png.readUInt32BE(16) > 300 && png.readUInt32BE(20) > 230, 'as wide as the chart, and higher by its names');
    const [head, ...lines] = Buffer.from(await at.downloaded('CSV'))
      .toString('utf8')
      .split('\r\n');
    assert.is(head, 'run,split,step,epoch,seconds,loss,accuracy,rmse');
    assert.is(lines.length, 82);
    assert.match(lines[0]!, /^.*train,10,0\.1,1,8,0,$/);
  });

  test('a phone that is turned has charts of its new width', async () => {
    await page.setViewportSize({ width: 844, height: 390 });
    await page.waitForFunction('document.querySelector(".chart .uplot").offsetWidth > 390');
    await page.setViewportSize({ width: 390, height: 844 });
    await page.waitForFunction('document.querySelector(".chart .uplot").offsetWidth < 390');
    assert.is(await page.evaluate('document.documentElement.scrollWidth'), 390);
  });

  test('on a phone fields have letters of 16 px, so that it does not enlarge the page', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.evaluate(`document.querySelectorAll('details').forEach(d => { d.open = true; })`);
    const small = await page.evaluate<string[]>(
      `[...document.querySelectorAll('select, textarea, input')].filter(e => parseFloat(getComputedStyle(e).fontSize) < 16).map(e => e.id || e.name)`,
    );
    assert.equal(small, []);
    await page.setViewportSize({ width: 1280, height: 720 });
  });

  test('forced colours keep the swatches of runs, and show which is selected', async () => {
    const colour = () => page.evaluate<string>(`getComputedStyle(document.querySelector('.runs .swatch')).backgroundColor`);
    const before = await colour();
    await page.emulateMedia({ forcedColors: 'active' });
    assert.is(await colour(), before);
    const outline = (of: string) => page.evaluate<string>(`getComputedStyle(document.querySelector('${of}')).outlineStyle`);
    assert.equal(await Promise.all(['.runs li.selected', '.top nav a[aria-current]'].map(outline)), ['solid', 'solid']);
    await page.emulateMedia({ forcedColors: 'none' });
  });

  test('a race that fails says that nothing was computed', async () => {
    const other = await at.another();
    await other.page.addInitScript(
      `globalThis.Worker = class { postMessage() { setTimeout(() => this.onerror(new ErrorEvent('error', { message: 'no device' }))); } terminate() {} };`,
    );
    await other.open('race');
    await other.page.getByText('Nothing was computed.').waitFor();
    await other.notes('the worker stopped: no device; reload the page');
    await other.close();
  });

  test('the console stays silent', () => assert.equal(at.said, []));
}
test.run();
