/** The race in a real browser: functions, racers and steps as a visitor changes them. */
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onPage, type BuiltPage } from '../../support/process/browser.ts';

const test = suite('race in a browser');
let at: BuiltPage;
let page: Page;

/** Until the race is at the end. */
const ended = (): Promise<void> => at.says('Step 400 of 400 from').then(() => undefined);
const hash = (): Promise<string> => page.evaluate('decodeURIComponent(location.hash)');
/** The rows of the standings. */
const rows = (): Promise<string[]> => page.getByRole('table', { name: 'Standings' }).locator('tbody tr').allInnerTexts();

if (
  onPage(test, 'page/race.test.ts', built => {
    at = built;
    page = built.page;
  })
) {
  test('it is paused, scrubbed and goes on from there', async () => {
    await at.open('race?racers=sgd,adam');
    await at.press('Pause');
    const step = page.getByLabel('Step', { exact: true });
    // sharp turns would end in long spikes
    await page.evaluate(`{
      globalThis.joins = new Set();
      const { stroke } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.stroke = function (...path) {
        if (this.canvas.closest('[role=application]') && this.lineWidth > 2) joins.add(this.lineJoin);
        stroke.apply(this, path);
      };
    }`);
    await step.fill('100');
    await at.says('Step 100 of 400 from (1.00, 1.50).');
    await page.waitForFunction('joins.size');
    assert.equal(await page.evaluate('[...joins]'), ['round']);
    await step.press('ArrowRight');
    await at.says('Step 101 of 400');
    await at.press('Play');
    await page.waitForFunction(`Number(document.querySelector('#race-step').value) > 110`);
    await step.press('End');
    await ended();
    assert.ok(await page.getByRole('button', { name: 'Play', exact: true }).isVisible());
    assert.match(
      (await page.getByRole('application', { name: /^f above its minimum by step; / }).getAttribute('aria-label'))!,
      /sgd: .*; adam: /,
    );
  });

  test('who wants little motion sees the whole race at once', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' }); // so do the tests below, which then need not wait
    await at.press('From the start');
    await ended();
  });

  test('rates and momenta are seen and changed, all at once too, and the address says so', async () => {
    const rate = page.getByLabel('adam: rate', { exact: true });
    assert.is(await rate.inputValue(), '0.05');
    const before = await rows();
    await rate.fill('0');
    await at.says('adam: rate: 0 is out of range');
    await rate.fill('0.2');
    await page.getByLabel('adam: beta1', { exact: true }).fill('0.5');
    await page.getByLabel('All rates').fill('1');
    await page.waitForFunction(`document.querySelector('[aria-label="sgd: rate"]').value === '0.1'`);
    assert.is(await rate.inputValue(), '2');
    assert.is(await hash(), '#race?racers=sgd,adam:lr=0.2,beta1=0.5&times=10');
    await page.getByLabel('All rates').fill('0');
    await page.waitForFunction(`document.querySelector('.standings').innerText.includes('adam')`);
    await page.waitForFunction(`!/computes/.test(document.querySelector('#view .status').textContent)`);
    assert.not.equal(await rows(), before);
    assert.match((await rows())[0]!, /^adam\s+\d+\s+\d/);
  });

  test('a function of one\u2019s own is gone down, with its errors at the field', async () => {
    await page.getByLabel('Landscape', { exact: true }).selectOption('own');
    const f = page.getByLabel('f(x, y)');
    await f.fill('(x^2 - 1)^2 + y^2 + foo(x)');
    await at.says("f(x, y): 'foo' is not known; use x, y");
    assert.is(await f.getAttribute('aria-invalid'), 'true');
    await f.fill('(x^2 - 1)^2 + y^2');
    await page.waitForFunction(`document.querySelector('.own input').ariaInvalid === 'false'`);
    await page.getByLabel('x from .. to').fill('2..-2');
    await at.says("x from .. to: '2..-2' is not accepted; give two numbers, the smaller one first, as -3..3");
    await page.getByLabel('x from .. to').fill('-2..2');
    await at.says('Step 400 of 400 from (-1.20, 1.80).');
    const link = await hash();
    assert.is(link, '#race?land=own&f=(x^2+-+1)^2+++y^2&x=-2..2&racers=sgd,adam:lr=0.2,beta1=0.5');
    const found = await rows();
    assert.ok(
      found.every(row => /^(sgd|adam)\s+\d+\s+(0|\d\.\d+e-\d+|0\.\d+)$/.test(row)),
      found.join('\n'),
    );
    await page.reload();
    await at.says('Step 400 of 400 from (-1.20, 1.80).');
    assert.equal([await hash(), await rows()], [link, found]);
  });

  test('on the saddle who reaches one of two minima is ranked by steps, and no height is written sixteen times', async () => {
    await at.open('race?land=saddle&start=1.2,0.001&racers=momentum,adagrad,sgd');
    await ended();
    const found = await rows();
    const steps = found.map(row => Number(row.split(/\s+/)[1]));
    assert.equal(
      steps.toSorted((a, b) => a - b),
      steps,
    );
    assert.ok(found.every(row => !row.includes('-1')));
  });

  test('the start moves by finger and arrow keys, and a swipe over the map scrolls', async () => {
    const phone = await page
      .context()
      .browser()!
      .newContext({
        viewport: { width: 390, height: 700 },
        hasTouch: true,
        isMobile: true,
        reducedMotion: 'reduce',
        bypassCSP: true,
        serviceWorkers: 'block',
      });
    const visitor = await phone.newPage();
    await visitor.goto(`${at.address}#race?racers=adam&land=valley`);
    const map = visitor.getByRole('application', { name: /^Landscape/ });
    const from = (words: string) => visitor.getByText(new RegExp(`from \\(${words}\\)`)).waitFor();
    await from('-9.00, 1.20');
    await map.scrollIntoViewIfNeeded();
    const box = (await map.boundingBox())!;
    await map.tap({ position: { x: box.width / 2, y: box.height / 2 } });
    await from('-[34].\\d\\d, -?0.0\\d');
    await map.press('ArrowUp');
    await from('-[34].\\d\\d, 0.0[5-9]');
    const cdp = await phone.newCDPSession(visitor);
    const swipe = async (x: number, from: number, to: number, across = 0) => {
      const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...points: { x: number; y: number }[]) =>
        cdp.send('Input.dispatchTouchEvent', { type, touchPoints: points });
      await touch('touchStart', { x, y: from });
      for (let k = 1; k <= 8; k++) await touch('touchMove', { x: x + (k / 8) * across, y: from + (k / 8) * (to - from) });
      await touch('touchEnd');
    };
    const before = (await visitor.evaluate('scrollY')) as number;
    await swipe(box.x + 60, box.y + 60, box.y + 200);
    await visitor.waitForFunction(`scrollY < ${before - 40}`);
    await from('-[34].\\d\\d, 0.0[5-9]');
    for (let y = NaN, last = 0; y !== last; ) {
      // the page glides on after the finger has left it, and the handle with it
      [last, y] = [y, await visitor.evaluate<number>('new Promise(done => setTimeout(() => done(scrollY), 150))')];
    }
    await map.evaluate(element => element.scrollIntoView({ block: 'center' }));
    const handle = (await visitor.locator('.race .start').boundingBox())!;
    const at0 = { x: handle.x + handle.width / 2, y: handle.y + handle.height / 2 };
    await swipe(at0.x, at0.y, at0.y, box.width);
    await from('2.00, -?0.\\d\\d'); // held on the map
    assert.is(await visitor.evaluate('document.documentElement.scrollWidth'), 390);
    await phone.close();
  });

  test('axe finds nothing in either theme', () => at.accessible());

  test('the console stays silent', () => assert.equal(at.said, []));
}
test.run();
