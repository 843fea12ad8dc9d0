/** A built page as a site: offline after a visit, in a frame, and with words for those who link to it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HtmlTagDescriptor } from 'vite';
import { browsable, foot, type About } from '../../web/node/footer.ts';
import { tagsOf } from '../../web/node/site.ts';
import { onPage, ROOT, type BuiltPage } from '../support/process/browser.ts';

const test = suite('site');
let at: BuiltPage;

/** Most bytes, gzipped, of the page and its worker up to the first steps of a run, and most files that they are in. */
const FIRST_USE = { bytes: 184_100, files: 14 };

test('the address of a repository as npm writes it is opened by a browser; what is none is left out', () => {
  for (const address of ['git+https://example.org/a/b.git', 'https://example.org/a/b', 'https://example.org/a/b/'])
    assert.is(browsable(address), 'https://example.org/a/b');
  for (const none of [undefined, '', 'a/b', 'git@example.org:a/b.git', 'javascript:alert(1)']) assert.is(browsable(none), undefined);
});

test('who links to it is shown a picture of the size that its words say, and who asks for source and documentation is led there', async () => {
  const picture = readFileSync(join(ROOT, 'web/public/preview.png'));
  assert.ok(picture.length < 150_000, `${picture.length} bytes`);
  const said = Object.fromEntries(
    tagsOf('https://example.org/descent/').map(({ attrs }) => [attrs!.property ?? attrs!.name, attrs!.content]),
  );
  assert.is(said['og:image'], 'https://example.org/descent/preview.png');
  assert.equal([said['og:image:width'], said['og:image:height']].map(Number), [picture.readUInt32BE(16), picture.readUInt32BE(20)]);
  const links = (about: Partial<About>) => (foot({ version: '1.2.3', ...about }).children as HtmlTagDescriptor[]).map(t => t.attrs?.href);
  assert.equal(links({ source: 'https://example.org/a' }), [undefined, 'https://example.org/a#readme', 'https://example.org/a']);
});

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

  test('the tab of a first visit goes on where the site has none of its files any more', async () => {
    const context = await at.page.context().browser()!.newContext({ bypassCSP: true });
    const page = await context.newPage();
    await page.goto(at.address);
    await page.waitForFunction('navigator.serviceWorker.controller !== null');
    await context.setOffline(true);
    await page.getByRole('link', { name: 'Race' }).click();
    await page.getByLabel('Landscape', { exact: true }).waitFor();
    await context.close();
  });

  test('a part of the page that cannot be fetched is said so, and is there once it can', async () => {
    const visit = await at.another();
    const { page } = visit;
    await page.route('**/assets/race-view-*', route => route.abort());
    await page.goto(at.address);
    await page.getByRole('link', { name: 'Race' }).click();
    await visit.notes('this part of the page cannot be fetched; reload the page');
    await page.unroute('**/assets/race-view-*');
    await page.getByRole('link', { name: 'Train' }).click();
    await page.getByRole('link', { name: 'Race' }).click();
    await page.getByLabel('Landscape', { exact: true }).waitFor();
    await visit.close();
  });

  test('the first steps of a first visit take few bytes and few files, the worker included', async () => {
    const visit = await at.another();
    const asked = new Set<string>();
    visit.page.context().on('request', request => {
      const { protocol, origin, pathname } = new URL(request.url());
      if (protocol.startsWith('http') && !pathname.includes('/data/')) asked.add(origin + pathname);
    });
    await visit.page.goto(`${at.address}#train?model=lenet5&dataset=shapes&batchSize=16&limitTrain=160&limitTest=16`);
    await visit.press('Start');
    await visit.until('r.steps.length');
    await visit.page.locator('.chart canvas').first().waitFor();
    await visit.close();
    const files = await Promise.all(
      Array.from(asked, async url => ({
        name: url.slice(at.address.length),
        bytes: gzipSync(await (await fetch(url)).arrayBuffer()).length,
      })),
    );
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    const said = files.sort((a, b) => b.bytes - a.bytes).map(file => `${file.name} ${file.bytes}`);
    assert.ok(
      files.some(({ name }) => name.startsWith('assets/worker-')),
      'the worker is counted',
    );
    assert.ok(bytes <= FIRST_USE.bytes, `${bytes} bytes to first use, at most ${FIRST_USE.bytes}: ${said.join(', ')}`);
    assert.ok(files.length <= FIRST_USE.files, `${files.length} files to first use, at most ${FIRST_USE.files}: ${said.join(', ')}`);
  });

  test('its foot says which version it is, without links to nowhere', async () => {
    await at.page.goto(at.address);
    const foot = at.page.locator('footer.foot');
    assert.match((await foot.textContent())!, /Descent \d+\.\d+\.\d+/);
    for (const link of await foot.locator('a').all()) assert.match((await link.getAttribute('href'))!, /^https?:/);
  });

  test('?embed shows one view and no frame of ours around it', async () => {
    const { page } = at;
    await page.goto(`${at.address}?embed=playground`);
    await page.locator('html.embedded').waitFor();
    assert.is(await page.locator('header.top').isVisible(), false);
    assert.is(await page.locator('footer.foot').isVisible(), false);
    assert.is(await page.locator('[role=alert]:visible').count(), 0);
    assert.match((await page.locator('meta[name=description]').getAttribute('content')) ?? '', /Train/);
    assert.is((await page.request.get(new URL('manifest.webmanifest', at.address).href)).status(), 200);
  });

  test('where a browser refuses storage it opens all the same, and its theme changes', async () => {
    const visit = await at.another();
    await visit.page.addInitScript(`for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(globalThis, name, { get() {
      throw new DOMException('Access is denied for this document.', 'SecurityError');
    } });
    Object.defineProperty(globalThis, 'indexedDB', { get: () => undefined });`);
    await visit.page.goto(`${at.address}?embed=playground`);
    await visit.page.locator('.playground').waitFor();
    await visit.page.goto(`${at.address}#teach`);
    await visit.notes('will not outlast a reload, as the browser does not keep it: it has no IndexedDB. All else goes on');
    await visit.page.getByText('The browser does not keep samples over a reload: it has no IndexedDB.').waitFor();
    await visit.page.getByRole('button', { name: 'Theme: as the system; switch to light' }).click();
    await visit.page.locator('html[data-theme=light]').waitFor();
    assert.equal(visit.said, []);
    await visit.close();
  });
}

test.run();
