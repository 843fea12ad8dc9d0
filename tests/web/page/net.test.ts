/** The net drawn, in a browser: before there is a run, while it trains, by keys. */
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeSafetensors } from '../../../train/run/safetensors.ts';
import { onPage, type BuiltPage } from '../../support/process/browser.ts';

const test = suite('the net on the page');
let at: BuiltPage;
let page: Page;
const small = { model: 'mlp:hidden=8', dataset: 'shapes', batchSize: '16', limitTrain: '320', limitTest: '60', epochs: '1' };

if (
  onPage(test, 'page/net.test.ts', built => {
    at = built;
    page = built.page;
  })
) {
  const box = (label: string) => page.locator(`.net .box[data-key="${label}"]`);
  const focused = () => page.evaluate(`document.activeElement.dataset.key`);

  test('before Start it stands there as the form says, with shapes, parameters and FLOPs; blocks are folded', async () => {
    await at.open(`train?${new URLSearchParams({ ...small, model: 'resnet56' })}`);
    await page.locator('.net-place').scrollIntoViewIfNeeded(); // it is loaded when it is first seen
    await page.locator('.net .box').first().waitFor();
    assert.is(await page.getByRole('treeitem').count(), 8);
    assert.match(
      (await page.getByRole('treeitem').nth(3).getAttribute('aria-label'))!,
      /^layer1, 16×32×32 · 54 layers, 42,048 parameters, /,
    );
    await page.getByLabel('Model', { exact: true }).selectOption('lenet5');
    await page.getByText(/^lenet5 for images of 3×32×32: 62,006 parameters/).waitFor();
  });

  test('keys go through it, unfold and fold it', async () => {
    await page.getByLabel('Model', { exact: true }).selectOption('resnet20');
    await page.getByText(/^resnet20 for images/).waitFor();
    await page.getByRole('treeitem').first().focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowRight', 'ArrowRight']) await page.keyboard.press(key);
    assert.is(await focused(), 'layer1.0');
    assert.is(await page.getByRole('treeitem').count(), 11);
    for (const key of ['ArrowLeft', 'ArrowLeft']) await page.keyboard.press(key);
    assert.is(await focused(), 'layer1');
    assert.is(await page.getByRole('treeitem').count(), 8);
    const [saved] = await Promise.all([page.waitForEvent('download'), at.press('Save as SVG')]);
    assert.is(saved.suggestedFilename(), 'resnet20.svg');
  });

  test('while its net is there boxes say what layers do, and one opens its weights and activations', async () => {
    await at.open(`train?${new URLSearchParams(small)}`);
    await at.press('Start');
    await at.until('r.state === "done"');
    await page.getByRole('region', { name: 'The net' }).scrollIntoViewIfNeeded();
    await page.locator('.net').getByText(/^∇ /).first().waitFor();
    assert.match((await box('act1').getAttribute('aria-label'))!, /mean .*, deviation .*, zeros \d+ %/);
    await box('fc1').focus();
    await page.keyboard.press('Enter');
    const layer = page.getByRole('region', { name: 'The layer' });
    await layer.getByRole('img', { name: /^Gradients, −.* step \d+$/ }).waitFor();
    assert.is(await layer.getByRole('figure').count(), 3);
    await layer.getByRole('img', { name: 'weights 8×3072' }).waitFor();
    await page.getByLabel('Test image', { exact: true }).focus();
    await page.evaluate(`dispatchEvent(new Event('scroll'))`); // after which it looks anew
    await page.waitForTimeout(1000);
    assert.is(await page.evaluate('document.activeElement.ariaLabel'), 'Test image');
    await box('fc2').click();
    const scores = layer.getByRole('list', { name: 'Scores of classes' }).getByRole('listitem');
    await scores.filter({ hasText: /^circle−?\d+\.\d\d$/ }).waitFor();
    await at.press('Close the layer');
    assert.is(await focused(), 'fc2');
  });

  test('a net that was set back to its first weights shows no gradient', async () => {
    await at.press('Reset');
    await at.until('r.step === 0');
    await page.getByRole('region', { name: 'The net' }).scrollIntoViewIfNeeded();
    await page.evaluate(`dispatchEvent(new Event('scroll'))`); // after which it looks anew
    await page.waitForFunction(`!document.querySelector('.net .box[data-key=fc2]').ariaLabel.includes('gradient')`);
    await page.locator('.net .box[data-key=fc2][aria-label*="deviation"]').waitFor();
    await box('fc1').click();
    const layer = page.getByRole('region', { name: 'The layer' });
    await layer.getByRole('img', { name: /^Weights, .* step 0$/ }).waitFor();
    assert.is(await layer.getByRole('img', { name: /^Gradients/ }).count(), 0);
    await at.press('Close the layer');
  });

  test('tensors of zeros and of NaN are called that, and answers of a net of NaN are none', async () => {
    const given = (v: number) => {
      const tensor = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)).fill(v) });
      const tensors = { 'fc1.weight': tensor(8, 3072), 'fc1.bias': tensor(8), 'fc2.weight': tensor(10, 8), 'fc2.bias': tensor(10) };
      return encodeSafetensors(tensors, {});
    };
    const layer = page.getByRole('region', { name: 'The layer' });
    const answers = page.getByRole('region', { name: 'Test images' });
    await answers.scrollIntoViewIfNeeded();
    await answers.getByText(/of 60 are wrong/).waitFor();
    for (const [v, range] of [
      [0, 'all 0'],
      [NaN, '24,576 not finite'],
    ] as const) {
      await at.drop('given.safetensors', given(v));
      await at.notes('given.safetensors: imported');
      await box('fc1').click();
      await layer.getByRole('img', { name: `Weights, ${range}, step 0`, exact: true }).waitFor();
    }
    await answers.scrollIntoViewIfNeeded();
    await answers.getByText('the largest logit of image 0 is NaN').waitFor();
    assert.is(await answers.getByText(/are wrong/).count(), 0);
    await page.getByRole('region', { name: 'The net' }).scrollIntoViewIfNeeded();
    await at.press('Close the layer');
  });

  test('axe finds nothing in either theme, on a phone too', async () => {
    await page.keyboard.press('Enter');
    await at.accessible();
  });

  test('the console stays silent', () => assert.equal(at.said, []));
}

test.run();
