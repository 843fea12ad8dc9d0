/** What the runs of a page share: one worker holds their data, their device and what was compiled for it, and gives back what each of them held. */
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onPage, type BuiltPage } from '../../support/process/browser.ts';

const test = suite('one worker for all runs');
const ENDLESS = 'model=mlp:hidden=8&dataset=shapes&batchSize=32&limitTrain=320&limitTest=32&valSplit=0.2&logEvery=200&epochs=10000';

let at: BuiltPage;
let page: Page;
/** Counts in the worker what is compiled, and the bytes of buffers that are there. */
const COUNT = `(() => {
  self.compiled = 0;
  self.held = new Map();
  const { createComputePipelineAsync: compile, createBuffer: make } = GPUDevice.prototype;
  GPUDevice.prototype.createComputePipelineAsync = function (...a) { self.compiled++; return compile.apply(this, a); };
  GPUDevice.prototype.createBuffer = function (d) { const b = make.call(this, d); self.held.set(b, d.size); return b; };
  const { destroy } = GPUBuffer.prototype;
  GPUBuffer.prototype.destroy = function () { self.held.delete(this); destroy.call(this); };
})()`;
const counted = () =>
  page
    .workers()[0]!
    .evaluate<{ compiled: number; bytes: number }>(
      '({ compiled: self.compiled, bytes: [...self.held.values()].reduce((a, b) => a + b, 0) })',
    );
/** Presses Start, which takes the place of the run before. */
async function again(id: number): Promise<void> {
  await at.press('Start');
  await at.until(`r.id === ${id} && r.steps.length > 5 && r.validation.length`);
  await at.pause();
}

if (
  onPage(test, 'page/one-worker.test.ts', built => {
    at = built;
    page = built.page;
  })
) {
  test('the same once more is compiled no more, and a run that is gone holds nothing', async () => {
    await at.open(`train?${ENDLESS}`);
    if (!page.workers().length) await page.waitForEvent('worker'); // it gets ready before anyone presses Start
    await again(0);
    assert.equal(await page.evaluate('descent.selected.steps.slice(0, 5).map(l => l.step)'), [1, 2, 5, 8, 10]); // 8 is an epoch
    await page.workers()[0]!.evaluate(COUNT);
    for (const id of [1, 2]) await again(id);
    const { compiled, bytes } = await counted();
    assert.is(compiled, 0);
    for (const id of [3, 4, 5]) await again(id);
    assert.equal(await counted(), { compiled, bytes });
    await at.press('Remove run 6');
    await at.press('Start'); // ends what could be undone
    await at.until('r.id === 6 && r.state === "running"');
    await at.press('Remove run 7');
    await page.getByText('Run 7 removed').waitFor();
    assert.is(page.workers().length, 1);
  });

  test('two runs train at once, and both go on after their device is lost; to remove one leaves the other', async () => {
    await at.press('Undo');
    await at.press('Compare');
    await at.until('r.id === 7 && r.steps.length > 5');
    assert.equal(await page.evaluate('descent.runs.map(r => r.state)'), ['running', 'running']);
    const before = await page.evaluate<number[]>('descent.runs.map(r => r.steps.length)');
    await page.evaluate('descent.selected.engine.call("loseDevice")');
    await at.says('the run goes on from its last checkpoint');
    await page.waitForFunction(`descent.runs.every((r, i) => r.state === 'running' && r.steps.length > ${JSON.stringify(before)}[i])`);
    assert.ok(
      await page.evaluate(
        'descent.runs.every(r => r.steps.every((l, i) => (!i || l.step > r.steps[i - 1].step) && Number.isFinite(l.loss)))',
      ),
    );
    await at.press('Remove run 8');
    const { step } = await at.seen();
    await at.until(`r.id === 6 && r.step > ${step} + 20`);
    await at.pause();
  });

  test('one that is removed while it is built comes no more', async () => {
    await at.press('Compare');
    await at.press('Remove run 9');
    await page.waitForTimeout(1000);
    assert.equal(await page.evaluate('descent.runs.map(r => r.id)'), [6]);
    assert.equal(at.said, []);
  });

  test('runs whose worker ends stay where they were, and come back after a reload', async () => {
    const { step } = await at.seen();
    await at.press('Compare');
    await at.until('r.id !== 6 && r.steps.length > 5');
    const number = await page.evaluate<number>('descent.selected.id + 1');
    await at.press(`Remove run ${number}`);
    await page.getByText(`Run ${number} removed`).waitFor();
    await page.workers()[0]!.evaluate(`setTimeout(() => { throw new Error('out of luck'); })`);
    await at.until('r.state === "failed"');
    await at.notes('Run 7: the worker stopped: Uncaught Error: out of luck; reload the page'); // not of the one that may come back
    assert.is((await at.seen()).step, step);
    await at.press('Undo');
    await at.until(`r.id === ${number - 1} && r.state === 'failed'`);
    assert.equal(at.said, []);
    await page.reload();
    await page.waitForFunction('globalThis.descent?.selected?.state === "kept"');
  });
}
test.run();
