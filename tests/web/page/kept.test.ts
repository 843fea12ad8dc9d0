/** What outlasts a reload, in a real browser: runs with their curves and checkpoints, dropped data, the form; and what does not. */
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onPage, type BuiltPage } from '../../support/process/browser.ts';
import { longTests } from '../../support/long.ts';

const test = suite('runs outlast a reload');
const long = longTests(test);
const SMALL = {
  dataset: 'shapes',
  model: 'mlp:hidden=8',
  optimizer: 'adam',
  limitTrain: '640',
  limitTest: '64',
  epochs: '16',
  valSplit: '0.1',
};

let at: BuiltPage;
let page: Page;
const reloaded = async (): Promise<void> => {
  await page.reload();
  await page.waitForFunction('globalThis.descent?.configuration.available.size > 1');
};

/** Waits until so many runs are kept as they are at their end. */
async function keeps(count: number): Promise<void> {
  const done = `new Promise(done => {
    indexedDB.open('descent-runs').onsuccess = ({ target: { result } }) => {
      result.transaction('runs').objectStore('runs').getAll().onsuccess = ({ target: { result: runs } }) => {
        result.close();
        done(runs.filter(r => r.done).length);
      };
    };
  })`;
  while ((await page.evaluate<number>(done)) < count) await page.waitForTimeout(100);
}

if (
  onPage(test, 'page/kept.test.ts', built => {
    at = built;
    page = built.page;
  })
) {
  test('a run goes on from its checkpoint after a reload, to the weights of one that nobody interrupted', async () => {
    await at.open(`train?${new URLSearchParams(SMALL)}`);
    await at.press('Start');
    await at.until('r.step >= 10');
    await at.pause();
    const before = await at.seen();
    const atPause = await at.downloaded('Export weights');
    await page.locator('[name=epochs]').fill('17');
    await reloaded();
    await at.until('r.state === "kept"');
    await at.says('is from before this page was opened');
    assert.equal((await at.seen()).losses, before.losses);
    assert.is(await page.locator('[name=epochs]').inputValue(), '17');
    assert.is(await page.locator('.runs li').count(), 1);

    await page.getByText('Change while it trains', { exact: true }).click();
    await page.locator('.change').getByLabel('Learning rate').fill('0.02');
    await at.press('Branch from here'); // of one that is not open: from its last checkpoint
    await at.until('r.id === 1 && r.state === "running"');
    await at.press('Pause');
    await at.until('r.state === "paused" || r.state === "done"'); // where the first was paused late, few steps are left
    await page.getByText(/branched from run 1 at step \d+$/).waitFor();
    assert.is(await page.evaluate('descent.runs[0].state'), 'kept');
    assert.match(await page.evaluate<string>('descent.selected.config.changes'), /^\d+: lr=0\.02$/);
    await at.press('Remove run 2');
    await at.until('r.id === 0');

    await at.press('Resume');
    await at.until('r.state === "running" || r.state === "done"');
    await at.until('r.state === "done"');
    const resumed = await at.downloaded('Export weights');
    assert.not.ok(Buffer.from(resumed).equals(Buffer.from(atPause)));
    const { losses } = await at.seen();

    await page.locator('[name=epochs]').fill('16');
    await at.press('Compare');
    await at.until('r.id === 2 && r.state === "done"');
    assert.ok(Buffer.from(await at.downloaded('Export weights')).equals(Buffer.from(resumed)));
    // a line is the mean of the steps since the one before it, or since the run went on: those well behind the reload have the same steps
    assert.equal((await at.seen()).losses.slice(-4), losses.slice(-4));
  });

  test('a branch of a closed tab says which run it is of by the number that this has now, or that it is not here', async () => {
    const branch = async (on: Page): Promise<void> => {
      await on.getByRole('button', { name: 'Start', exact: true }).click();
      await on.waitForFunction('descent.selected?.state === "done"');
      await on.locator('summary', { hasText: 'Change while it trains' }).click();
      await on.locator('.change').getByLabel('Learning rate').fill('0.02');
      await on.getByRole('button', { name: 'Branch from here' }).click();
      await on.waitForFunction('descent.runs.length === 2 && descent.selected.state === "done"');
    };
    const link = `train?${new URLSearchParams({ ...SMALL, limitTrain: '64', epochs: '1' })}`;
    await at.open(link);
    await branch(page);
    const others: Page[] = [];
    for (const removes of [true, false]) {
      const other = await page.context().newPage();
      await other.goto(`${at.address}#${link}`);
      await other.waitForFunction('globalThis.descent?.configuration.available.size > 1');
      await branch(other);
      if (removes) await other.getByRole('button', { name: 'Remove run 1' }).click();
      others.push(other); // the next one would take the runs of one that is closed
    }
    await keeps(6); // those that are removed too
    for (const other of others) await other.close();
    for (let visit = 0; visit < 2; visit++) {
      await reloaded();
      await page.waitForFunction(`document.querySelectorAll('.runs li').length === 5`);
      const said = await page.locator('.runs .quiet').allTextContents();
      assert.equal(
        said.map(text => /branched from run .*/.exec(text)?.[0]),
        [
          undefined,
          'branched from run 1 at step 7',
          'branched from run 1 (not here) at step 7',
          undefined,
          'branched from run 4 at step 7',
        ],
      );
      assert.ok(
        said.every(text => text.startsWith('kept, step 7')),
        said.join(),
      );
    }
  });

  long('another tab neither shows nor changes the runs of this one, and a run that is deleted is gone after a reload', async () => {
    const other = await page.context().newPage();
    await other.goto(at.address);
    await other.waitForFunction('globalThis.descent?.configuration.available.size > 1');
    assert.is(await other.evaluate('descent.runs.length'), 0);
    await other.close();
    await page.getByRole('button', { name: 'Remove run 1' }).click();
    await reloaded();
    await at.until('r.state === "kept"');
    assert.equal(await page.evaluate('descent.runs.map(r => r.id + 1)'), [3]);
    await at.press('Resume'); // one at its end opens and trains no more
    await at.until('r.state === "done"');
  });

  test('a run that this release cannot take is told of, and those beside it come back', async () => {
    const before = (await page.evaluate('descent.runs.length')) as number;
    await page.evaluate(`new Promise(done => {
      indexedDB.open('descent-runs').onsuccess = ({ target: { result } }) => {
        const transaction = result.transaction('runs', 'readwrite');
        const runs = transaction.objectStore('runs');
        runs.getAll().onsuccess = ({ target: { result: [run] } }) => runs.put({ ...run, config: { ...run.config, optimizer: 'later' } });
        transaction.oncomplete = () => done(result.close());
      };
    })`);
    await reloaded();
    await at.notes("unknown optimizer 'later'");
    await page.waitForFunction(`descent.runs.length === ${before - 1}`);
    await page.getByRole('link', { name: 'Predict' }).click();
    await at.says('has no net here now. Choose a net that comes along');
    await page.getByRole('link', { name: 'Train', exact: true }).click();
  });

  test('where the browser has no space left it is said in one line, and the run goes on', async () => {
    await page.evaluate(`IDBObjectStore.prototype.put = () => { throw new DOMException('no', 'QuotaExceededError'); }`);
    await at.press('Compare');
    await at.notes('will not outlast a reload, as the browser does not keep it: it has no space left for this page');
    await at.until('r.step > 1');
    assert.equal(at.said, []);
  });

  long('a folder that was dropped is there after a reload', async () => {
    await at.open('train');
    await page.evaluate(async () => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 8 });
      const blob = await new Promise<Blob>(done => canvas.toBlob(b => done(b!)));
      const paths = ['train/a', 'train/b', 'test/a', 'test/b'].map(folder => `own/${folder}/0.png`);
      const files = paths.map(path => ({ path, file: new File([blob], '0.png') }));
      await (
        globalThis as unknown as { descent: { configuration: { addFolder(f: unknown): Promise<void> } } }
      ).descent.configuration.addFolder(files);
    });
    await at.notes('own: 4 images of 2 classes');
    await reloaded();
    await page.waitForFunction('descent.configuration.available.has("own")');
    assert.is(await page.locator('#dataset').inputValue(), 'own');
  });
}

test.run();
