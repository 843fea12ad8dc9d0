/** Looking into a run as a person does: its mistakes, what is confused with what. */
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onPage, type BuiltPage } from '../../support/process/browser.ts';
import { longTests } from '../../support/long.ts';

const test = suite('looking into a run');
const long = longTests(test);
let at: BuiltPage;
let page: Page;
const small = { model: 'mlp:hidden=8', dataset: 'shapes', batchSize: '16', limitTrain: '320', limitTest: '60', epochs: '1' };

if (
  onPage(test, 'page/looking.test.ts', built => {
    at = built;
    page = built.page;
  })
) {
  const tiles = (of: string) => page.getByRole('region', { name: of }).locator('.tile');

  test('by Tab alone one comes to the test images and to the net of a finished run', async () => {
    await at.open(`train?${new URLSearchParams(small)}`);
    await at.press('Start');
    await at.until('r.state === "done"');
    await page.evaluate(`document.querySelector('.together summary').focus()`);
    const isIn = (selector: string) => page.evaluate<boolean>(`document.activeElement.matches(${JSON.stringify(`${selector} *`)})`);
    await page.keyboard.press('Tab');
    await tiles('Test images').first().waitFor();
    await page.keyboard.press('Tab');
    assert.ok(await isIn('[aria-label="Test images"]'), 'the test images');
    for (let presses = 0; presses < 60 && !(await isIn('[aria-label="The net"]')); presses++) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(`document.activeElement.matches('[aria-label="The net"]')`))
        await page.locator('.net .box').first().waitFor();
    }
    assert.ok(await isIn('[aria-label="The net"]'), 'the net');
  });

  test('mistakes come first, each with label and answer; others by a choice', async () => {
    await at.open(`train?${new URLSearchParams(small)}`);
    await at.press('Start');
    await at.until('r.state === "done"');
    const box = page.getByRole('region', { name: 'Test images' });
    await box.scrollIntoViewIfNeeded();
    await tiles('Test images').first().waitFor();
    const said = (await box.getByText(/ of 60 are wrong/).textContent())!;
    const wrong = Number.parseInt(said, 10);
    assert.is(await tiles('Test images').count(), Math.min(30, wrong));
    const words = await tiles('Test images').locator('figcaption').allInnerTexts();
    const sure = words.map(text => Number(/✗\s\w+ (\d+)\s%$/.exec(text)![1]));
    assert.equal(
      sure,
      [...sure].sort((a, b) => b - a),
    );
    await page.getByLabel('Which test images').selectOption('unsure');
    await page.waitForFunction(`document.querySelectorAll('.panel[aria-label="Test images"] .tile').length === 30`);
    await page.getByLabel('Which test images').selectOption('first');
    await tiles('Test images').first().and(page.locator('[title^="Test image 1,"]')).waitFor();
    await page.setViewportSize({ width: 1440, height: 900 });
    const tops = await tiles('Test images').evaluateAll(all => all.map(tile => (tile as HTMLElement).offsetTop));
    assert.is(tops.filter(top => top === tops[0]).length, 6, 'five whole rows beside the table, not six that leave a gap below it');
    await page.setViewportSize({ width: 1280, height: 720 });
  });

  test('a cell of the confusion matrix opens its images, by mouse and by keys; recall and precision stand at the margins', async () => {
    await tiles('Test images').first().getByRole('button').click();
    await page.getByRole('img', { name: 'Saliency for' }).waitFor();
    await page.getByText('Grad-CAM is of nets that have feature maps.').waitFor();
    const table = page.getByRole('grid', { name: 'Labels and answers' });
    await table.scrollIntoViewIfNeeded();
    await page.getByRole('heading', { name: /^Most often: \w+ taken for \w+: \d+/ }).waitFor();
    const counts = await table.getByRole('button').evaluateAll(all => all.map(b => Number(b.textContent)));
    assert.is(
      counts.reduce((a, b) => a + b),
      60,
    );
    const k = Math.sqrt(counts.length);
    const most = counts.indexOf(Math.max(...counts));
    await table.getByRole('button').nth(most).click();
    const opened = page.getByRole('region', { name: 'Images of the cell' });
    await opened.locator('.tile').first().waitFor();
    assert.is(await opened.locator('.tile').count(), Math.min(30, counts[most]!));
    await table.getByRole('button').nth(0).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await opened.getByRole('heading', { name: `taken for` }).waitFor();
    const margins = await table.locator('td.margin').allTextContents();
    assert.is(margins.length, 2 * k + 1);
    const right = counts.filter((_, i) => i % (k + 1) === 0).reduce((a, b) => a + b);
    assert.is(margins.at(-1), String(Math.round((100 * right) / 60)));
    await at.press('Close the images');
    await opened.waitFor({ state: 'hidden' });
    const focused = (of: string) => page.evaluate<boolean>(`document.activeElement.matches(${JSON.stringify(of)})`);
    assert.ok(await focused('.confusion button'), 'who closes the images is at the table again');
    await at.press('Close the explanation');
    assert.ok(await focused('[aria-label="Test images"] .tile button'), 'who closes the explanation is at its image again');
    await at.accessible();
  });

  test('what was not filled before a run failed says so, what was stays', async () => {
    const words = page.locator('.inspect').getByText('Run 1 has failed: its net is gone.').filter({ visible: true });
    const fail = () => page.workers().at(-1)!.evaluate(`void setTimeout(() => { throw new Error('broken'); })`);
    await page.evaluate('scrollTo(0, 0)');
    for (const isSeen of [true, false]) {
      await at.open(`train?${new URLSearchParams({ ...small, epochs: '1000' })}`);
      await at.press('Start');
      await at.until('r.steps.length');
      if (isSeen) {
        await page.getByRole('heading', { name: 'Confusion matrix' }).scrollIntoViewIfNeeded();
        await page.getByRole('grid', { name: 'Labels and answers' }).waitFor();
      }
      await at.pause();
      await fail();
      await at.until('r.state === "failed"');
      await page.getByRole('heading', { name: 'Confusion matrix' }).scrollIntoViewIfNeeded();
      await (isSeen ? page.getByRole('grid', { name: 'Labels and answers' }) : words.nth(1)).waitFor(); // the page draws a little later
      assert.is(await words.count(), isSeen ? 0 : 2);
    }
  });

  test('the samples below the data set are of the one that the form names, from the first visit on', async () => {
    await at.open('train');
    await page.getByText('Classes and samples').click();
    await page.locator('.classes li', { hasText: 'Ankle boot' }).locator('canvas').nth(7).waitFor();
    await page.getByLabel('Learning rate', { exact: true }).fill('-1');
    await page.getByLabel('Data set', { exact: true }).selectOption('shapes');
    await page.getByText('Shown once the form holds no wrong value.').waitFor();
    assert.is(await page.locator('.classes').count(), 0);
    await page.getByLabel('Learning rate', { exact: true }).fill('');
    await page.locator('.classes li', { hasText: 'circle' }).locator('canvas').nth(7).waitFor();
  });

  long('below their fields stand the rates of a run, the data set, and what augmentation makes of its images', async () => {
    await at.open(
      `train?${new URLSearchParams({ ...small, epochs: '2', optimizer: 'adam:epochs=1,sgd', schedule: 'cosine', augment: 'flip' })}`,
    );
    await page.locator('.rates').scrollIntoViewIfNeeded(); // they are drawn when they are first seen
    const rates = page.getByRole('img', { name: 'Learning rate by step' });
    assert.match((await rates.getAttribute('aria-label'))!, 'adam to step 18, 0.001 at most; sgd to step 36, 0.1 at most');
    await page.getByLabel('Batch size', { exact: true }).fill('32');
    await page.getByRole('img', { name: 'sgd to step 18,' }).waitFor();
    await page.getByText('Classes and samples').click();
    await page.locator('.classes li').first().locator('canvas').nth(7).waitFor();
    await page.getByText('What the net sees').click();
    await page.locator('.augmented canvas').nth(31).waitFor();
    await page.getByLabel('Augmentation', { exact: true }).selectOption('saturation');
    await page.locator('.augmented canvas').nth(31).waitFor();
    await at.accessible();
  });

  long('a rate is found and taken; a sweep shows its runs side by side, and one of them is taken', async () => {
    await page.getByLabel('Learning rate', { exact: true }).fill('7');
    await page.getByText('Find a rate').click();
    await at.press('Try rates');
    const take = page.getByRole('button', { name: 'Take ' });
    await take.waitFor();
    const rate = (await take.textContent())!.slice(5);
    await take.click();
    assert.is(await page.getByLabel('Learning rate', { exact: true }).inputValue(), rate);
    await page.getByText('Sweep', { exact: true }).click();
    await page.getByLabel('Try', { exact: true }).fill('lr=0.01 hidden=4,8');
    await at.press('Run all');
    await page.getByText("unknown key 'hidden'").waitFor();
    await page.getByLabel('Try', { exact: true }).fill('lr=0.002,0.03');
    await at.press('Run all');
    await page.getByText(/^Best: lr 0.0[03]/).waitFor();
    assert.is(await page.locator('.small-charts figure').count(), 2);
    await at.press('Use lr 0.03');
    assert.is(await page.getByLabel('Learning rate', { exact: true }).inputValue(), '0.03');
    await page.getByLabel('Learning rate', { exact: true }).fill('');
    await page.getByLabel('Try', { exact: true }).fill('optimizer=adam,lbfgs');
    await at.press('Run all');
    await page.getByText('Best: optimizer ').waitFor();
    const heights = await page.locator('.small-charts path.muted').evaluateAll(all =>
      all.map(path =>
        path
          .getAttribute('d')!
          .match(/ [\d.]+/g)!
          .map(Number),
      ),
    );
    assert.ok(
      heights.flat().every(y => y > 18),
      `no curve runs along the edge of its chart: ${heights.join(' | ')}`,
    );
    await at.accessible();
  });

  test('the console stays silent', () => assert.equal(at.said, []));
}
test.run();
