/** A run that is changed while it trains, and branches of it, as a visitor makes them in a real browser. */
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onPage, violations, type BuiltPage } from '../../support/process/browser.ts';

const test = suite('changes while a run trains');
/** Long enough that no machine is done with it before a test pauses it. */
const SMALL = {
  dataset: 'shapes',
  model: 'mlp:hidden=8',
  optimizer: 'momentum',
  lr: '0.002',
  batchSize: '16',
  limitTrain: '640',
  limitTest: '64',
  epochs: '10000',
  evalEvery: '0',
};

let at: BuiltPage;
let page: Page;
const panel = () => page.locator('.change');
const said = (words: string) => panel().locator('.wrong[role=status]', { hasText: words }).waitFor();
const change = () => panel().getByRole('button', { name: 'Change', exact: true }).click();
const marked = (words: RegExp) => page.waitForFunction(`document.querySelector('.chart').ariaLabel.match(${words})`);
const changes = () => page.evaluate<string | undefined>('descent.selected.config.changes');

if (
  onPage(test, 'page/changes.test.ts', built => {
    at = built;
    page = built.page;
    page.setDefaultTimeout(40_000);
  })
) {
  test('what is wrong is said at its field and stays there; what is right holds from the next step on, and curves and list say so', async () => {
    await at.open(`train?${new URLSearchParams(SMALL)}`);
    await at.press('Start');
    await at.until('r.step >= 10');
    await page.getByText('Change while it trains').click();
    const [rate, momentum] = [panel().getByLabel('Learning rate'), panel().getByLabel('momentum', { exact: true })];
    await rate.fill('-1');
    await panel().locator('.field', { hasText: 'Learning rate: -1 is out of range' }).waitFor();
    await momentum.fill('0.5');
    await change();
    await said('-1 is out of range; give a number of at least 0');
    assert.equal([await changes(), await rate.inputValue(), await momentum.inputValue()], [undefined, '-1', '0.5']);
    await rate.fill('0.001');
    await change();
    await at.until('/^\\d+: lr=0\\.001 momentum=0\\.5$/.test(r.config.changes) && r.state === "running"');
    await panel()
      .getByText(/After step \d+: lr 0\.001, momentum 0\.5/)
      .waitFor();
    await marked(/1: lr 0\.001, momentum 0\.5 after step \d+/);
    await at.until('r.steps.at(-1).lr === 0.001');
    assert.equal(await violations(page), []);
  });

  test('other kernels are made without a restart, a reload keeps all, and the configuration repeats it to the bit', async () => {
    await panel().getByLabel('Augmentation', { exact: true }).selectOption('crop');
    await panel().getByLabel('padding', { exact: true }).fill('40');
    await change();
    await said('Augmentation: crop: padding 40 does not fit images of 32x32; give 1 to 31');
    await panel().getByLabel('padding', { exact: true }).fill('2');
    await panel().getByLabel('L2 penalty (weight decay)').fill('0.001');
    await change();
    await at.until('r.config.changes.includes("weight-decay=0.001") && r.state === "running"');
    await at.pause();
    const text = (await changes())!;
    assert.match(text, /^\d+: lr=0\.001 momentum=0\.5; \d+: .*augment=crop:padding=2/);
    await changeMomentum('0.9');
    await changeMomentum('0.5'); // changed back before another step
    assert.is(await changes(), text);

    await page.waitForFunction(`new Promise(done => {
      const opening = indexedDB.open('descent-runs');
      opening.onsuccess = () => {
        const all = opening.result.transaction('runs').objectStore('runs').getAll();
        all.onsuccess = () => (opening.result.close(), done(all.result[0].config.changes === ${JSON.stringify(text)}));
      };
    })`); // it is written a moment later
    await page.reload();
    await at.until('r.state === "kept"');
    assert.is(await changes(), text);
    await at.press('Resume');
    await at.until('r.state === "running"');
    await at.pause();
    const { step } = await at.seen();
    const weights = Buffer.from(await at.downloaded('Export weights'));
    await page.getByRole('button', { name: 'Use the configuration of run 1' }).click();
    await page.getByText('Running', { exact: true }).click();
    assert.is(await page.locator('[name=changes]').inputValue(), text);
    await page.locator('[name=steps]').fill(String(step));
    await at.press('Compare');
    await at.until('r.id === 1 && r.state === "done"');
    assert.ok(Buffer.from(await at.downloaded('Export weights')).equals(weights));
    await marked(/2: .*lr 0\.001, momentum 0\.5 after step \d+/);
    await at.press('5 more epochs');
    await at.until(`r.state === "done" && r.step === ${step} + 5 * r.facts.stepsPerEpoch`);
  });

  test('a branch begins from where a run is, with what stands in the fields; the list and a file say where it is from', async () => {
    const { step } = await at.seen();
    await panel().locator('summary').first().click();
    await panel().getByLabel('Learning rate').fill('0.0005');
    await at.press('Branch from here');
    await at.until('r.id === 2 && r.state === "done"');
    assert.match((await changes())!, new RegExp(`; ${step}: lr=0.0005$`));
    const row = page.locator('.runs li').last();
    await row.getByText(`branched from run 2 at step ${step}`).waitFor();
    await at.press('5 more epochs');
    await at.until(`r.state === "done" && r.step > ${step}`);
    assert.ok((await page.evaluate<number>('r = descent.selected.steps[0].step')) > step);
    assert.is(await page.evaluate('descent.selected.steps.at(-1).lr'), 0.0005);

    const file = await at.downloaded('Save runs');
    await at.drop('runs.json', file);
    await at.notes('runs.json: 3 runs loaded');
    const saved = JSON.parse(Buffer.from(file).toString()) as { branched?: object; config: { changes: string } }[];
    assert.equal(saved.at(-1)!.branched, { from: 2, step });
    await row.getByText(`branched from run 5 at step ${step}`).waitFor(); // the file's second run has that number here
    await at.drop('one.json', new TextEncoder().encode(JSON.stringify(saved.slice(-1))));
    await row.getByText(`branched from run 2 of one.json at step ${step}`).waitFor();
  });

  test('after Reset the list has no change that is still to come, though a rate that was typed stays', async () => {
    await at.open(`train?${new URLSearchParams(SMALL)}`);
    await at.press('Start');
    await at.until('r.step >= 10');
    await at.pause();
    await page.getByText('Change while it trains').click();
    const rate = panel().getByLabel('Learning rate');
    await rate.fill('0.001');
    await change();
    const listed = panel().locator('.made li');
    await listed.waitFor();
    await rate.fill('0.5');
    await at.press('Reset');
    await listed.waitFor({ state: 'detached' });
    assert.is(await rate.inputValue(), '0.5');
  });

  test('the console stays silent', () => assert.equal(at.said, []));
}

/** Changes the momentum. */
async function changeMomentum(text: string): Promise<void> {
  const before = await changes();
  await panel().getByLabel('momentum', { exact: true }).fill(text);
  await change();
  await at.until(`r.config.changes !== ${JSON.stringify(before)}`);
}

test.run();
