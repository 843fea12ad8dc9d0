/** The list of runs as a person uses it: sorted, annotated, with what was removed brought back; and no run that trains is left unasked. */
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onPage, type BuiltPage } from '../../support/process/browser.ts';

const test = suite('the list of runs');
const SMALL = 'model=mlp:hidden=8&dataset=shapes&batchSize=32&limitTrain=320&limitTest=32&logEvery=1&valSplit=0.2';

let at: BuiltPage;
let page: Page;
/** Whether the colour of the first run is on the chart of the loss: curves that step back are fainter. */
const drawnInFull = `(() => {
  const rgb = getComputedStyle(document.querySelector('.runs .swatch')).backgroundColor.match(/\\d+/g).map(Number);
  const canvas = document.querySelector('.chart canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 220 && rgb.every((v, c) => Math.abs(v - data[i + c]) < 8)) return true;
  return false;
})()`;
/** The numbers of the runs as they are listed. */
const listed = () => page.locator('.runs .pick').evaluateAll(all => all.map(e => Number.parseInt(e.textContent!, 10)));
const until = async (order: readonly number[]) => {
  await page.waitForFunction(`[...document.querySelectorAll('.runs .pick')].map(e => parseInt(e.textContent)).join() === '${order}'`);
};
const sort = (order: string) => page.getByLabel('Sort runs').selectOption(order);
async function begin(button: string, lr: string, epochs: string): Promise<void> {
  await page.getByLabel('Learning rate', { exact: true }).fill(lr);
  await page.locator('[name=epochs]').fill(epochs);
  await at.press(button);
}

if (
  onPage(test, 'page/run-list.test.ts', built => {
    at = built;
    page = built.page;
  })
) {
  test('runs are sorted by what differs, by their best validation and by state', async () => {
    await at.open(`train?${SMALL}`);
    await begin('Start', '0.1', '2');
    await at.until('r.state === "done"');
    await begin('Compare', '0.0001', '3');
    await at.until('r.id === 1 && r.state === "done"');
    await begin('Compare', '0.01', '10000');
    await at.until('r.id === 2 && r.validation.length > 3');
    await at.pause();
    assert.equal(await listed(), [1, 2, 3]);
    await sort('by what differs');
    await until([2, 3, 1]);
    await sort('by state');
    await until([3, 1, 2]);
    await sort('by best validation');
    const scores = await page.evaluate<[number, number][][]>('descent.runs.map(r => r.validation.map(l => [l.accuracy, -l.loss]))');
    const better = (a: readonly number[], b: readonly number[]) => b[0]! - a[0]! || b[1]! - a[1]!;
    const best = scores.map((all, i) => [...all.toSorted(better)[0]!, i + 1]);
    await until(best.toSorted(better).map(b => b[2]!));
    await sort('as begun');
    await until([1, 2, 3]);
  });

  test('a removed run comes back as it was: its place, colour, curves and net', async () => {
    await page.getByRole('button', { name: /^1:/ }).click();
    await at.until('r.id === 0');
    const before = await at.downloaded('Export weights');
    const look = () => page.locator('.runs .swatch').first().getAttribute('style');
    const [colour, seen] = [await look(), await at.seen()];
    await page.getByRole('button', { name: 'Remove run 1' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Run 1 removed').waitFor();
    assert.equal(await listed(), [2, 3]);
    await page.waitForFunction(drawnInFull); // though the row that stood out went without being left
    assert.is(await page.evaluate('document.activeElement.textContent'), 'Undo');
    await page.keyboard.press('Enter');
    await until([1, 2, 3]);
    assert.match(String(await page.evaluate('document.activeElement.textContent')), /^1:/);
    assert.is(await page.getByText('Run 1 removed').count(), 0);
    assert.is(await look(), colour);
    assert.equal(await at.seen(), seen);
    assert.ok(Buffer.from(await at.downloaded('Export weights')).equals(Buffer.from(before)));
  });

  test('one that trains rests meanwhile and goes on; the next removal ends what can be undone, a new run in its place too', async () => {
    await page.getByRole('button', { name: /^3:/ }).click();
    await at.press('Resume');
    await at.until('r.id === 2 && r.state === "running"');
    await at.press('Remove run 3');
    await page.getByText('Run 3 removed').waitFor();
    await at.press('Undo');
    await at.until('r.id === 2 && r.state === "running"');
    await at.pause();
    await at.press('Remove run 1');
    await page.getByText('Run 1 removed').waitFor();
    await at.press('Remove run 2');
    await page.getByText('Run 2 removed').waitFor();
    assert.is(await page.getByRole('button', { name: 'Undo' }).count(), 1);
    assert.equal(await listed(), [3]);
    await begin('Start', '0.1', '10000');
    await page.getByText('Run 3 removed').waitFor();
    await at.pause();
    await at.press('Undo');
    await until([3, 4]);
  });

  test('notes stay with a run, in the file that is saved and over a reload, where a removed one is gone', async () => {
    await page.getByLabel('Notes on run 4').fill('too large a rate?');
    const saved = JSON.parse(Buffer.from(await at.downloaded('Save runs')).toString()) as readonly { readonly notes?: string }[];
    assert.equal(
      saved.map(r => r.notes),
      [undefined, 'too large a rate?'],
    );
    await at.press('Remove run 3');
    await page.getByText('Run 3 removed').waitFor();
    await page.waitForTimeout(300);
    await page.reload();
    await at.until('r.state === "kept"');
    await until([4]);
    assert.is(await page.getByLabel('Notes on run 4').inputValue(), 'too large a rate?');
    await at.drop('runs.json', new TextEncoder().encode(JSON.stringify(saved)));
    await at.notes('2 runs loaded');
    assert.is(await page.getByLabel('Notes on run 6').inputValue(), 'too large a rate?');
  });

  test('one that is removed while it is opened again comes back by Undo too', async () => {
    await page.evaluate(`{
      const buttons = ['Resume', '×'].map(name => [...document.querySelectorAll('#view button')].find(b => b.textContent === name));
      for (const button of buttons) button.click();
    }`);
    await page.getByText('Run 4 removed').waitFor();
    assert.equal(await listed(), [5, 6]);
    await at.press('Undo');
    await until([4, 5, 6]);
    await page.getByRole('button', { name: /^4:/ }).click();
    await at.until('r.id === 3 && (r.state === "running" || r.state === "paused")');
    if ((await at.seen()).state === 'running') await at.pause();
    assert.is(await page.locator('#notice').isVisible(), false);
  });

  test('who leaves while a run trains is asked, and only then', async () => {
    let asked = 0;
    page.on('dialog', dialog => {
      asked++;
      assert.is(dialog.type(), 'beforeunload');
      void dialog.dismiss();
    });
    await at.press('Resume');
    await at.until('r.state === "running"');
    await page.evaluate('location.reload()');
    await page.waitForFunction('descent.selected.state === "running"');
    assert.is(asked, 1);
    await at.pause();
    await page.reload();
    await until([4, 5, 6]);
    assert.is(asked, 1);
  });

  test('the list has no barriers, and the console stays silent', async () => {
    await at.accessible();
    assert.equal(at.said, []);
  });
}
test.run();
