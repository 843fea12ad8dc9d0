/** Every view and theme without a violation that axe knows, and long histories at the speed of the screen. */
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onPage, violations, type BuiltPage } from '../../support/process/browser.ts';

const test = suite('accessibility and speed of the page');
let at: BuiltPage;
let page: Page;

/** A file of two runs of so many lines. */
const runsOf = (
  n: number,
) => `JSON.stringify(['0.01', '0.1'].map(lr => ({ config: { model: 'mlp', lr }, lines: Array.from({ length: ${n} }, (_, i) =>
  ({ step: i + 1, epoch: i / 500, lr: 1, images_per_s: 1, loss: 2 / (1 + i / 900) + Math.random() / 5, accuracy: 1 - 1 / (1 + i / 900) })) })))`;

if (
  onPage(test, 'page/defects.long.ts', built => {
    at = built;
    page = built.page;
  })
) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`axe finds nothing, ${colorScheme}`, async () => {
      await page.emulateMedia({ colorScheme });
      for (const view of ['train', 'lessons', 'lessons/momentum', 'race', 'predict', 'bench', 'playground', 'teach']) {
        await at.open(view);
        await page.locator('#view h2').first().waitFor();
        if (view === 'train') {
          await page.evaluate(`descent.loadRuns(${runsOf(200)}, 'runs.json')`);
          await page.getByLabel('beta1', { exact: true }).fill('0,9');
        }
        await page.evaluate(`document.querySelectorAll('details').forEach(d => { d.open = true; })`);
        assert.equal(await violations(page), [], `${view}, ${colorScheme}`);
      }
      await page.emulateMedia({ colorScheme: 'light' });
    });
  }

  for (const width of [1440, 390]) {
    test(`no view moves while it loads, ${width} px wide`, async () => {
      await page.setViewportSize({ width, height: 900 });
      for (const view of ['train', 'lessons', 'lessons/momentum', 'race', 'predict', 'bench', 'playground', 'teach']) {
        await at.open(view);
        await page.locator('#view h2').first().waitFor();
        const shift = await page.evaluate<number>(`new Promise(resolve => {
          let sum = 0;
          new PerformanceObserver(list => { for (const e of list.getEntries()) if (!e.hadRecentInput) sum += e.value; }).observe({ type: 'layout-shift', buffered: true });
          setTimeout(() => resolve(sum), 2500);
        })`);
        assert.ok(shift < 0.05, `${view} by ${shift}`);
      }
      await page.setViewportSize({ width: 1280, height: 720 });
    });
  }

  test('50,000 lines of two runs, redrawn ten times a second, leave the page its frames', async () => {
    await at.open('train');
    await page.evaluate(`descent.loadRuns(${runsOf(50_000)}, 'runs.json')`);
    await page.locator('.chart canvas').first().waitFor();
    const frames = await page.evaluate<number>(`new Promise(resolve => {
      let frames = 0;
      const redraw = setInterval(() => descent.draw(), 100);
      const begun = performance.now();
      const tick = () => {
        frames++;
        if (performance.now() - begun < 5000) return requestAnimationFrame(tick);
        clearInterval(redraw);
        resolve((1000 * frames) / (performance.now() - begun));
      };
      requestAnimationFrame(tick);
    })`);
    console.log(`50,000 lines: ${frames.toFixed(1)} frames a second`);
    assert.ok(frames >= 45, `${frames.toFixed(1)} frames a second`); // 60 alone on two cores, which other tests share
  });
}
test.run();
