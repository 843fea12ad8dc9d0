/** The playground in a real browser: it is alive at once, and goes on while it is changed. */
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onPage, type BuiltPage } from '../../support/process/browser.ts';

const test = suite('playground in a browser');
let at: BuiltPage;
let page: Page;

/** The step that the net is at. */
const step = async (): Promise<number> =>
  Number((await page.locator('.playground .status').textContent())!.match(/Step ([\d,]+)/)?.[1]?.replaceAll(',', ''));
const goesOn = async (): Promise<void> => {
  const before = await step();
  await page.waitForFunction(
    `Number(document.querySelector('.playground .status').textContent.match(/Step ([\\d,]+)/)?.[1].replaceAll(',', '')) > ${before}`,
  );
};
/** Pauses, and waits until what was trained by then is shown. */
const paused = async (): Promise<void> => {
  await at.press('Pause');
  await page.locator('.playground .status[data-state=paused]').waitFor();
};
/** Goes to a unit of the drawn net, and gives what is said of it. */
const told = async (name: string): Promise<string> => {
  await page.getByRole('button', { name, exact: true }).focus();
  return (await page.locator('.detail').textContent())!;
};

if (
  onPage(test, 'page/playground.test.ts', built => {
    at = built;
    page = built.page;
  })
) {
  test('Start says that it builds, a second press does nothing, and two circles are separated', async () => {
    await at.open('playground?hidden=4&batchSize=20');
    await at.press('Start');
    const button = page.getByRole('button', { name: 'Building …' });
    if (await button.count()) {
      assert.ok(await button.isDisabled().catch(() => true));
      await button.click({ force: true, timeout: 100 }).catch(() => undefined);
    }
    await page.waitForFunction(`/right (9[0-9]|100)/.test(document.querySelector('.playground .status')?.textContent)`);
    assert.ok(await page.getByRole('button', { name: 'Pause', exact: true }).isVisible());
  });

  test('it goes on while rate, penalty, noise and batch size change, which the address says', async () => {
    await page.getByLabel('Learning rate').fill('-1');
    await at.says("Learning rate: '-1' is not accepted; give a number above 0 and at most 1000");
    await page.getByLabel('Learning rate').fill('0.01');
    await page.getByLabel('Regularisation').selectOption('l2');
    await goesOn();
    await page.getByLabel('Noise').fill('0.5');
    await page.getByLabel('Batch size').fill('20');
    await goesOn();
    await paused();
    assert.is(await page.evaluate('location.hash'), '#playground?noise=0.5&hidden=4&lr=0.01&batchSize=20&penalty=l2');
    assert.equal(at.said, []);
  });

  test('a net that changes keeps the weights between units that stay', async () => {
    await page.waitForFunction(`!/Building/.test(document.querySelector('.toolbar .primary').textContent)`);
    const before = await told('unit 2 of layer 1');
    assert.match(before, /^Unit 2 of layer 1: −?\d+\.\d\d × x [+−] \d+\.\d\d × y [+−] \d+\.\d\d \(bias\), then the activation\.$/);
    const steps = await step();
    await at.press('One unit more in layer 1');
    await page.waitForFunction(`document.querySelector('.drawing path:nth-child(15)')?.style.stroke.startsWith('rgb')`);
    assert.is(await told('unit 2 of layer 1'), before);
    assert.is(await step(), steps);
    await page.keyboard.press('ArrowRight');
    assert.match((await page.locator('.detail').textContent())!, /^The output: .* × unit 1 .* × unit 5 .*\(bias\)\.$/);
  });

  test('a weight tells its value under the pointer, and a unit that is pressed stays big', async () => {
    const from = (await page.getByRole('button', { name: 'Input x', exact: true }).boundingBox())!;
    const to = (await page.getByRole('button', { name: 'unit 1 of layer 1' }).boundingBox())!;
    assert.is(from.y, to.y);
    await page.mouse.move(from.x + from.width + 20, from.y + from.height / 2);
    await at.says('Weight from x to unit 1 of layer 1: ');
    await page.getByRole('button', { name: 'unit 1 of layer 1' }).click();
    await page.mouse.move(0, 0);
    await page.getByRole('heading', { name: 'Unit 1 of layer 1' }).waitFor();
    const values = page.getByRole('group', { name: 'Weights of unit 1 of layer 1' });
    await values.getByLabel('bias').fill('-2.5');
    await values.getByLabel('y').press('Enter');
    await page.getByRole('button', { name: 'unit 1 of layer 1' }).hover();
    await at.says('− 2.50 (bias), then the activation'); // which may give 0 everywhere with such a bias, and then says so
    await values.getByLabel('bias').fill('-1.5');
    await values.getByLabel('bias').press('Enter');
    await at.says('− 1.50 (bias), then the activation'); // though the pointer has not moved
    await page.getByRole('button', { name: 'unit 1 of layer 1' }).click();
    await page.mouse.move(0, 0);
    await page.getByRole('heading', { name: 'Output', exact: true }).waitFor();
  });

  test('points of one\u2019s own by click, by key and from a table; the address gives them back', async () => {
    await page.evaluate(`location.hash = 'playground?problem=own-classes&hidden=4&batchSize=20&test=0'`);
    await at.says('There are no points to train on yet');
    assert.ok(await page.getByRole('button', { name: 'Start', exact: true }).isDisabled());
    const heights = await page.evaluate<number[]>(`[...document.querySelector('.alive').children].map(panel => panel.offsetHeight)`);
    assert.is(heights[0], heights[1], 'no empty ground below the shorter of both panels');
    const plane = page.getByRole('application', { name: /^Plane/ });
    await plane.click({ position: { x: 40, y: 40 } });
    await at.says('All points to train on are of one class');
    await plane.click({ position: { x: 90, y: 90 }, button: 'right' });
    await page.getByRole('application', { name: 'Plane with 2 points' }).waitFor();
    await plane.press('ArrowRight');
    await plane.press('Enter');
    await page.getByRole('application', { name: 'Plane with 3 points' }).waitFor();
    await plane.press('Delete');
    await at.press('Undo');
    await page.getByRole('application', { name: 'Plane with 3 points' }).waitFor();
    await page.waitForFunction(`/Step 0/.test(document.querySelector('.playground .status').textContent)`);
    await at.drop('points.csv', Buffer.from('x,y,label\n1,2,hot\n3,warm\n'));
    await at.says('points.csv: row 2 has 2 cells, its head 3; give each row as many cells as there are columns');
    await at.drop('points.csv', Buffer.from('x,y,value\n1,2,0.5\n3,1,0.25\n0,0,-1\n-2,-2,0\n'));
    await at.says('4 points.');
    assert.is(await page.getByLabel('Problem').inputValue(), 'own-numbers');
    await page.reload();
    await page.getByRole('application', { name: 'Plane with 4 points' }).waitFor();
  });

  test('leaving the view pauses', async () => {
    await at.press('Start');
    await page.waitForFunction(`/Step [1-9]/.test(document.querySelector('.playground .status').textContent)`);
    await page.getByRole('link', { name: 'Race' }).click();
    await page.waitForFunction(`!document.querySelector('.playground')`);
    await page.getByRole('link', { name: 'Playground' }).click();
    await page.getByRole('button', { name: 'Resume', exact: true }).waitFor();
    const before = await step();
    await at.press('Step');
    await page.waitForFunction(
      `!document.querySelector('.playground .status').textContent.includes('Step ${before.toLocaleString('en-US')},')`,
    );
    assert.is(await step(), before + 1);
  });

  test('Back brings the net as it was left', async () => {
    await at.open('playground?hidden=3&batchSize=20');
    await at.press('Step');
    await page.waitForFunction(`/Step 1,/.test(document.querySelector('.playground .status').textContent)`);
    await page.getByRole('link', { name: 'Race' }).click();
    await page.waitForFunction(`!document.querySelector('.playground')`);
    await page.goBack();
    await page.getByRole('button', { name: 'Resume', exact: true }).waitFor();
    await at.press('Step');
    await page.waitForFunction(`/Step 2,/.test(document.querySelector('.playground .status').textContent)`);
    assert.is(await page.evaluate('location.hash'), '#playground?hidden=3&batchSize=20');
  });

  test('inputs come and go while it trains, weights of the others stay, and a change of units too goes on', async () => {
    await at.open('playground?problem=xor&hidden=2&batchSize=20');
    await at.press('Start');
    await page.waitForFunction(`/Step [1-9]/.test(document.querySelector('.playground .status').textContent)`);
    await at.press('Input xy');
    await goesOn();
    assert.ok((await step()) > 0);
    await told('unit 1 of layer 1');
    await page.locator('.detail', { hasText: / × x .* × y .* × xy / }).waitFor(); // it is told anew when the net of three inputs answers
    await at.press('One unit more in layer 1');
    await page.waitForFunction(`location.hash.includes('hidden=3')`);
    await goesOn();
    await paused();
    assert.is(await page.evaluate('location.hash'), '#playground?problem=xor&features=x-y-xy&hidden=3&batchSize=20');
  });

  test('test points and plain classes are shown when asked for, with their loss beside that of training', async () => {
    await at.says('; test: loss ');
    const picture = (): Promise<string> =>
      page.evaluate(`[...document.querySelectorAll('.boundary canvas')].map(c => c.toDataURL()).join()`);
    const before = await picture();
    await page.getByLabel('Test points').check();
    const withTest = await picture();
    await page.getByLabel('Discretise').check();
    assert.is(new Set([before, withTest, await picture()]).size, 3);
    const link = (await page.evaluate('location.hash')) as string;
    assert.ok(link.endsWith('&showTest=true&discrete=true'));
    await page.reload();
    await page.getByRole('button', { name: 'Start', exact: true }).waitFor();
    assert.is(await page.evaluate('location.hash'), link);
    assert.ok(await page.getByLabel('Test points').isChecked());
    assert.is(await page.getByRole('button', { name: 'Input xy', exact: true }).getAttribute('aria-pressed'), 'true');
  });

  test('numbers are learnt as colours and as a curve, without a share that is right', async () => {
    const learnt = async (problem: string) => {
      await page.getByLabel('Problem').selectOption(problem);
      // A share that is right belongs to the classes of the problem before, until the first answer for this one.
      await page.waitForFunction(`/Step 0,(?!.*right)/.test(document.querySelector('.playground .status').textContent)`);
      const words = await page.locator('.playground .status').textContent();
      const first = Number(words!.match(/Training: loss ([\d.]+)/)![1]);
      await at.press('Start');
      await page.waitForFunction(
        `Number(document.querySelector('.playground .status').textContent.match(/Step [1-9].*Training: loss ([\\d.]+)/)?.[1]) < ${first}`,
      );
      await paused();
    };
    await learnt('slope');
    await learnt('sine');
    assert.ok(await page.getByLabel('Discretise').isHidden()); // a curve has no classes
  });

  test('Undo of a table brings back the points as what they were, classes or numbers', async () => {
    await at.open('playground?problem=own-classes');
    await page.locator('.boundary').click({ position: { x: 50, y: 60 } });
    const before = await page.evaluate('location.hash');
    await at.drop('points.csv', Buffer.from('x,y,value\n1,2,0.5\n3,1,0.25\n0,0,-1\n'));
    await page.waitForFunction(`location.hash.includes('own-numbers')`);
    await at.press('Undo');
    await page.waitForFunction(`location.hash === '${before as string}'`);
  });

  test('points that were numbers are, as classes, of the class of their sign', async () => {
    await at.drop('points.csv', Buffer.from('x,y,value\n1,2,0.5\n3,1,0.25\n0,0,-0.5\n'));
    await page.waitForFunction(`location.hash.includes('own-numbers')`);
    await page.getByLabel('Problem').selectOption('own-classes');
    const labels = Buffer.from(await at.downloaded('Save CSV')).toString();
    assert.equal(
      labels
        .trim()
        .split('\n')
        .map(row => row.split(',')[2])
        .sort(),
      ['-1', '1', '1', 'label'],
    );
  });

  test('a swipe over the picture scrolls, on a phone too', async () => {
    const phone = await page
      .context()
      .browser()!
      .newContext({ viewport: { width: 390, height: 700 }, hasTouch: true, isMobile: true });
    const visitor = await phone.newPage();
    await visitor.goto(`${at.address}#playground?problem=own-classes`);
    const plane = visitor.locator('.boundary');
    await plane.scrollIntoViewIfNeeded();
    const box = (await plane.boundingBox())!;
    const before = (await visitor.evaluate('scrollY')) as number;
    const cdp = await phone.newCDPSession(visitor);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...ys: number[]) =>
      cdp.send('Input.dispatchTouchEvent', { type, touchPoints: ys.map(y => ({ x: box.x + 150, y: box.y + y })) });
    await touch('touchStart', 60);
    for (let y = 80; y <= 260; y += 20) await touch('touchMove', y);
    await touch('touchEnd');
    await visitor.waitForFunction(`scrollY < ${before - 60}`);
    await visitor.getByRole('application', { name: 'Plane with 0 points' }).waitFor(); // the swipe draws nothing
    assert.ok(((await visitor.evaluate('document.documentElement.scrollWidth')) as number) <= 390);
    await phone.close();
  });

  test('axe finds nothing in either theme', async () => {
    await at.accessible();
  });

  test('the console stays silent', () => assert.equal(at.said, []));
}
test.run();
