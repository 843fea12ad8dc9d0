/** Lessons: their experiments, formulas and links hold; in a real browser they compute, answer to sliders and keys, and fit a phone. */
import type { Page } from 'playwright-core';
import temml from 'temml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { datasetFrom } from '../../../datasets/index.ts';
import { formatSpec, parseSpec } from '../../../engine/spec.ts';
import { recipeOf } from '../../../train/config/recipe-of.ts';
import { heldOut, splitIndices } from '../../../train/data/split.ts';
import { planned } from '../../../train/study/experiments.ts';
import { configOf } from '../../../web/form/texts.ts';
import { LESSONS } from '../../../web/lessons/index.ts';
import { onPage, violations, type BuiltPage } from '../../support/process/browser.ts';

const test = suite('lessons');
let at: BuiltPage;
let page: Page;

for (const { topic, title, blocks, about, question, answer, train } of LESSONS) {
  test(`${topic}: its experiments, the values of its sliders, its formulas and its run are accepted`, () => {
    assert.match(topic, /^[a-z-]+$/);
    assert.ok(title && about);
    assert.ok(blocks.some(b => typeof b === 'object' && 'experiment' in b));
    const texts = [about, question, answer, train.what];
    for (const block of blocks) {
      if (typeof block === 'string') texts.push(block);
      else if ('tex' in block) temml.renderToString(block.tex, { displayMode: true, throwOnError: true });
      else {
        texts.push(block.look);
        const spec = parseSpec('figure', block.experiment);
        planned(block.experiment);
        for (const { option, values } of block.controls ?? []) {
          assert.ok(values.includes(spec.options[option] as string), `${topic}: ${option} begins at one of its values`);
          for (const value of values) planned(formatSpec({ ...spec, options: { ...spec.options, [option]: value } }));
        }
      }
    }
    for (const [, tex] of texts.flatMap(text => [...text.matchAll(/\$([^$]+)\$/g)])) temml.renderToString(tex!, { throwOnError: true });
    recipeOf(configOf(train.texts));
  });
}

test('second-order: each step of its run is on all points, as its text says and L-BFGS needs', () => {
  const { config } = recipeOf(configOf(LESSONS.find(({ topic }) => topic === 'second-order')!.train.texts));
  assert.is(config.batchSize, splitIndices(datasetFrom(config.dataset).info.train, heldOut(config)).train.length);
});

if (
  onPage(test, 'page/lessons.test.ts', built => {
    at = built;
    page = built.page;
  })
) {
  test('the list leads to a lesson by keys, and a slider changes what its figure shows', async () => {
    await at.open('lessons');
    await page.getByRole('heading', { name: 'Lessons', level: 2 }).waitFor();
    assert.equal(await page.locator('.overview a').count(), LESSONS.length);
    await page.locator('.overview a', { hasText: 'Gradient descent' }).press('Enter');
    await page.getByRole('heading', { name: 'Gradient descent', level: 2 }).waitFor();
    assert.is(await page.title(), 'Gradient descent – Descent');
    const drawn = page.locator('.experiment').first();
    await drawn.getByText('monotone').waitFor();
    const slider = drawn.getByRole('slider', { name: 'Rate, of the best one' });
    await slider.focus();
    for (let i = 0; i < 8; i++) await slider.press('ArrowRight');
    await drawn.getByText('diverges').waitFor();
    assert.ok((await drawn.locator('math, svg[role=img]').count()) > 1);
    const second = page.locator('.experiment').nth(1);
    await second.getByRole('button', { name: 'Run', exact: true }).click();
    await second.getByText('Expected beside found').waitFor();
    assert.equal(await violations(page), [], 'two figures with tables of the same columns');
  });

  test('a figure that is stopped says so, in place of how far it was', async () => {
    await at.open('lessons/schedules');
    const figure = page.getByRole('region', { name: 'One cycle' });
    await figure.getByRole('button', { name: 'Run', exact: true }).click();
    await figure.getByText('1 of 3: ').waitFor();
    await figure.getByRole('button', { name: 'Stop', exact: true }).click();
    await figure.getByText('Stopped.', { exact: true }).waitFor();
    await figure.getByRole('button', { name: 'Run', exact: true }).waitFor();
  });

  test('a deep link opens its lesson; axe finds nothing in either theme, and a phone shows it without overflow', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await at.open('lessons/momentum');
    await page.locator('.experiment').first().getByText('Expected beside found').waitFor();
    assert.is(await page.evaluate('document.documentElement.scrollWidth'), 390);
    await at.accessible();
  });

  test('formulas fit a phone: none scrolls, which would take the keyboard too', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const { topic, title, blocks } of LESSONS) {
      await page.evaluate(`location.hash = 'lessons/${topic}'`);
      await page.getByRole('heading', { name: title, level: 2, exact: true }).waitFor();
      const formulas = await page
        .locator('.formula')
        .evaluateAll(all =>
          all.map(e => ({ text: e.textContent, scrolls: e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight })),
        );
      assert.ok(formulas.length >= blocks.filter(block => typeof block === 'object' && 'tex' in block).length, topic);
      assert.equal(
        formulas.filter(({ scrolls }) => scrolls),
        [],
        topic,
      );
    }
    await page.setViewportSize({ width: 1280, height: 720 });
    await at.open('lessons/momentum');
  });

  test('an answer unfolds, and its run opens at the top of Train, as the next lesson at its own', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.getByText('Answer', { exact: true }).click();
    await page.locator('.question details p').waitFor();
    const link = page.getByRole('link', { name: 'Open in Train' });
    await link.scrollIntoViewIfNeeded();
    assert.ok((await page.evaluate<number>('scrollY')) > 1000);
    await link.click();
    await page.locator('#start').waitFor();
    assert.match(page.url(), /#train\?model=lenet5&optimizer=nesterov/);
    await page.waitForFunction('scrollY === 0');
    await page.goBack();
    const next = page.getByRole('navigation', { name: 'Next lessons' }).getByRole('link').last();
    await next.scrollIntoViewIfNeeded();
    await next.click();
    await page.getByRole('heading', { name: 'Adaptive rates' }).waitFor();
    await page.waitForFunction('scrollY === 0');
    await page.setViewportSize({ width: 1280, height: 720 });
  });

  test('the console stays silent', () => assert.equal(at.said, []));
}
test.run();
