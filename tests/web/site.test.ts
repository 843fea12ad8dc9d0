/** A built page as a site: offline after a visit, in a frame, and with words for those who link to it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onPage, type BuiltPage } from '../support/process/browser.ts';

const test = suite('site');
let at: BuiltPage;

if (onPage(test, 'site.test.ts', built => void (at = built))) {
  test('once visited it opens without a network, any view of it', async () => {
    const context = await at.page.context().browser()!.newContext();
    const page = await context.newPage();
    await page.goto(at.address);
    await page.evaluate('navigator.serviceWorker.ready.then(() => undefined)');
    const kept = (await page.evaluate(
      'caches.keys().then(names => Promise.all(names.map(async name => [name, (await (await caches.open(name)).keys()).map(r => r.url)])))',
    )) as [string, string[]][];
    assert.match(kept[0]![0], /^descent-page-[0-9a-f]{12}$/);
    assert.ok(kept[0]![1].includes(`${at.address}index.html`), 'the page itself is kept');
    await context.setOffline(true);
    await page.goto(`${at.address}#bench`);
    await page.reload();
    await page.getByRole('button', { name: 'Time kernels' }).waitFor();
    await page.getByRole('link', { name: 'Playground' }).click();
    await page.locator('a[aria-current=page]', { hasText: 'Playground' }).waitFor();
    await context.close();
  });

  test('?embed shows one view and no frame of ours around it', async () => {
    const { page } = at;
    await page.goto(`${at.address}?embed=playground`);
    await page.locator('html.embedded').waitFor();
    assert.is(await page.locator('header.top').isVisible(), false);
    assert.is(await page.locator('[role=alert]:visible').count(), 0);
    assert.match((await page.locator('meta[name=description]').getAttribute('content')) ?? '', /Train/);
    assert.is((await page.request.get(new URL('manifest.webmanifest', at.address).href)).status(), 200);
  });
}

test.run();
