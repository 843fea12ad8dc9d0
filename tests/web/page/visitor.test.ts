/** What a visitor does beside training: drops and pastes, leaves, looks in the dark, with large letters, on a tablet. */
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onPage, type BuiltPage } from '../../support/process/browser.ts';

const test = suite('visitor of the page');
let at: BuiltPage;
let page: Page;
const run = (lr: string) => ({
  config: { model: 'mlp', lr },
  lines: [1, 2, 3].map(step => ({ step, epoch: step, loss: 1 / step, accuracy: step / 4, lr: 0.1, images_per_s: 1 })),
});
const runs = new TextEncoder().encode(JSON.stringify([run('0.1'), run('0.2')]));

if (
  onPage(test, 'page/visitor.test.ts', built => {
    at = built;
    page = built.page;
  })
) {
  test('runs have colours of their own whichever came and went, and their charts one height', async () => {
    await at.open('train');
    await at.drop('two.json', runs);
    await at.press('Remove run 1');
    await at.drop('two.json', runs);
    await page.locator('.runs li').nth(2).waitFor();
    const colours = await page.locator('.runs .swatch').evaluateAll(all => all.map(e => (e as HTMLElement).style.background));
    assert.is(new Set(colours).size, 3);
    const [loss, accuracy] = await Promise.all([0, 1].map(i => page.locator('.chart').nth(i).boundingBox()));
    assert.equal([loss!.y, loss!.height], [accuracy!.y, accuracy!.height]);
  });

  test('images/s is what the clock says of the last steps', async () => {
    const speed = await page.evaluate<number>(
      `Object.assign(new descent.runs[0].constructor(98, descent.runs[0].config, () => {}), {
        facts: { batchSize: 64 }, steps: [1, 2, 3, 14].map((seconds, i) => ({ step: 10 * i, seconds })) }).imagesPerSecond`,
    );
    assert.is(speed, (64 * 10) / 11); // validation, looks and all lie between its last two lines
  });

  test('images/s of a tab that joins again are of the steps since: others made those between', async () => {
    const speed = await page.evaluate<number>(`(async () => {
      const run = new descent.runs[0].constructor(99, descent.runs[0].config, () => {});
      const { postMessage } = Worker.prototype;
      let tell;
      Worker.prototype.postMessage = function ({ engine }) { tell = event => this.onmessage({ data: { engine, event } }); };
      void run.engine.call('play');
      Worker.prototype.postMessage = postMessage;
      run.facts = { batchSize: 64 };
      const pause = () => new Promise(done => setTimeout(done, 200));
      const line = step => tell({ kind: 'metrics', lines: [{ step, epoch: 1, loss: 1, accuracy: 0, lr: 1 }] });
      tell({ kind: 'state', state: 'running', step: 0 });
      for (const step of [10, 20]) { await pause(); line(step); }
      tell({ kind: 'rewind', step: 5000, message: '' });
      await pause();
      line(5001);
      return run.imagesPerSecond;
    })()`);
    assert.ok(speed > 0 && speed <= 64 / 0.1, `${speed} of one step in 0.2 s or more`);
  });

  test('with letters of twice the size fields grow too, and what has the focus lies below the header', async () => {
    const size = () => page.locator('[name=lr]').evaluate(e => Number.parseFloat(getComputedStyle(e).fontSize));
    const before = await size();
    await page.evaluate(`document.documentElement.style.fontSize = '200%'`);
    assert.is(await size(), 2 * before);
    await page.evaluate(`document.documentElement.style.fontSize = ''`);
    await page.setViewportSize({ width: 390, height: 600 });
    await page.getByRole('button', { name: 'Remove run 3' }).focus();
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press('Shift+Tab');
      const [top, header, what] = await page.evaluate<[number, number, string]>(
        `[document.activeElement.getBoundingClientRect().top, document.querySelector('.above').getBoundingClientRect().bottom, document.activeElement.outerHTML.slice(0, 99)]`,
      );
      assert.ok(top >= header, `${top} behind the header, which ends at ${header}: ${what}`);
    }
    await page.setViewportSize({ width: 1280, height: 720 });
  });

  test('what is held over the page shows where it can be dropped; what is missing is said; a double click starts one run', async () => {
    const over = (type: string) =>
      page.evaluate(`(() => { const dataTransfer = new DataTransfer(); dataTransfer.items.add(new File(['x'], 'x.png'));
        dispatchEvent(new DragEvent('${type}', { dataTransfer, cancelable: true })); })()`);
    await over('dragover');
    await page.locator('body.held').waitFor();
    await over('dragleave');
    await page.locator('body:not(.held)').waitFor();
    await at.open('train?model=mlp:hidden=8&dataset=shapes&batchSize=16&limitTrain=320&limitTest=32&epochs=10000&logEvery=1');
    await at.press('Save runs');
    await at.notes('There is no run to save yet; press Start.');
    await page.getByRole('button', { name: 'Start', exact: true }).dblclick();
    await at.until('r.step >= 1');
    assert.is(await page.evaluate('descent.runs.length'), 1);
    await page.evaluate('for (const _ of [1, 2]) document.getElementById("start").click()'); // while it trains
    await at.until('r.id === 1 && r.step >= 1');
    await page.getByText('Run 1 removed').waitFor();
    assert.equal(await page.evaluate('descent.runs.map(r => r.id)'), [1]);
  });

  test('who leaves while a run trains is asked', async () => {
    const [dialog] = await Promise.all([page.waitForEvent('dialog'), page.close({ runBeforeUnload: true })]);
    assert.is(dialog.type(), 'beforeunload');
    await dialog.dismiss();
    await at.pause();
  });

  test('a picture that is pasted is asked about', async () => {
    await page.evaluate(`(async () => {
      const blob = await new Promise(done => Object.assign(document.createElement('canvas'), { width: 9, height: 9 }).toBlob(done));
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([blob], 'pasted.png', { type: 'image/png' }));
      dispatchEvent(new ClipboardEvent('paste', { clipboardData }));
    })()`);
    await page.locator('.answer .bars li').first().waitFor();
    assert.is(await page.evaluate('location.hash'), '#predict');
  });

  test('pictures that are dropped while the first net is built are answered by it, the last drop as it was dropped', async () => {
    await at.open('predict');
    await page.getByText('There is no trained net yet.').waitFor();
    await page.evaluate(`(async () => {
      const blob = await new Promise(done => Object.assign(document.createElement('canvas'), { width: 9, height: 9 }).toBlob(done));
      const drop = async (...names) => {
        const dataTransfer = new DataTransfer();
        for (const name of names) dataTransfer.items.add(new File([blob], name, { type: 'image/png' }));
        dispatchEvent(new DragEvent('drop', { dataTransfer }));
      };
      drop('a.png');
      while (!document.querySelector('.predict .hint').textContent.includes('is being built')) await new Promise(done => setTimeout(done, 5));
      drop('b.png', 'c.png');
    })()`);
    const table = page.getByRole('table', { name: 'Answers' });
    await table.getByRole('rowheader', { name: 'c.png' }).waitFor();
    assert.is(await page.locator('#notice').isVisible(), false);
    assert.is(await page.locator('.answer').count(), 0);
  });

  test('a playground that is left while it builds does not train unseen; what was wrong there is gone once it is right', async () => {
    await at.open('playground?hidden=4');
    await at.press('Start');
    await page.getByRole('link', { name: 'Bench' }).click();
    await page.getByRole('button', { name: 'Time kernels' }).waitFor();
    await page.waitForTimeout(1500);
    await page.getByRole('link', { name: 'Playground' }).click();
    await page.getByRole('button', { name: /^(Start|Resume)$/ }).waitFor();
    const notice = page.locator('#notice');
    await page.getByLabel('Learning rate').fill('-1');
    await page.getByText("'-1' is not accepted").filter({ visible: true }).first().waitFor();
    await page.getByLabel('Learning rate').fill('0.01');
    await page.getByText("'-1' is not accepted").filter({ visible: true }).first().waitFor({ state: 'hidden' });
    assert.is(await notice.isVisible(), false);
    await page.setViewportSize({ width: 820, height: 1180 });
    assert.ok((await page.locator('.boundary').boundingBox())!.width > 230);
    await page.setViewportSize({ width: 1280, height: 720 });
  });

  test('before the first run the keyboard skips the configuration to what one could try, and then goes on at the run', async () => {
    await at.open('train');
    const has = (text: string) => page.waitForFunction(`document.activeElement.textContent === ${JSON.stringify(text)}`);
    await page.getByRole('button', { name: 'Compare', exact: true }).focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await has('A trained LeNet-5 (Fashion-MNIST)');
    await page.keyboard.press('Enter');
    await at.until('r.state === "paused"');
    await has('Resume'); // the button that was pressed is gone
    await at.press('Remove run 1');
  });

  test('a race is drawn anew when the system turns dark', async () => {
    await at.open('race');
    await page.getByText(/^Step \d+ of/).waitFor();
    const drawn = () => page.evaluate<string>(`document.querySelector('canvas.race, .race canvas').toDataURL()`);
    const light = await drawn();
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForFunction(`document.querySelector('canvas.race, .race canvas').toDataURL() !== ${JSON.stringify(light)}`);
    await page.emulateMedia({ colorScheme: 'light' });
  });

  test('the console stays silent', () => assert.equal(at.said, []));
}
test.run();
