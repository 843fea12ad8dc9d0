/** The playground in a real browser: it is alive at once, and goes on while it is changed. */
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onPage, type BuiltPage } from '../support/process/browser.ts';

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
/** Goes to a unit of the drawn net, and gives what is said of it. */
const told = async (name: string): Promise<string> => {
  await page.getByRole('button', { name, exact: true }).focus();
  return (await page.locator('.detail').textContent())!;
};

if (
  onPage(test, 'web-playground.test.ts', built => {
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
    await at.press('Pause');
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

  test('axe finds nothing in either theme', async () => {
    await page.addScriptTag({ path: createRequire(import.meta.url).resolve('axe-core/axe.min.js') });
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      assert.equal(
        await page.evaluate(`axe.run(document).then(found => found.violations.map(v => v.id + ' ' + v.nodes[0].target))`),
        [],
        scheme,
      );
    }
  });

  test('the console stays silent', () => assert.equal(at.said, []));
}
test.run();
