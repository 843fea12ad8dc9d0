/** A site without data has a set fetched from where it is published: a server here plays that host, with and without the header that lets pages read it. */
import { createServer } from 'node:https';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { getCertificate } from '@vitejs/plugin-basic-ssl';
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { datasetFolder } from '../../../datasets/node/cache.ts';
import { publishedFor } from '../../../web/data/published.ts';
import { browserPath, onPage, type BuiltPage } from '../../support/process/browser.ts';

const test = suite('data sets from where they are published');
const { url, host } = publishedFor('fashion-mnist')!;
/** What the host does at a request: gives the file to all pages, to none, or less than all of it. */
let does: 'gives' | 'refuses' | 'cuts' = 'refuses';
const asked: string[] = [];
const compressed = new Map<string, Buffer>();
let at: BuiltPage;
let page: Page;

const folder = mkdtempSync(join(tmpdir(), 'descent-host-'));
const pem = browserPath ? await getCertificate(folder, 'descent', [host]) : '';
rmSync(folder, { recursive: true });
const server = createServer({ key: pem, cert: pem }, ({ url: path = '' }, response) => {
  const file = path.slice(path.lastIndexOf('/') + 1);
  asked.push(`https://${host}${path}`);
  const whole = compressed.get(file) ?? gzipSync(readFileSync(join(datasetFolder('fashion-mnist'), file.replace('.gz', ''))), { level: 1 });
  compressed.set(file, whole);
  if (does !== 'refuses') response.setHeader('access-control-allow-origin', '*');
  response.end(does === 'cuts' ? whole.subarray(0, whole.length / 2) : whole);
});
if (browserPath) await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
test.after(() => void server.close());
const { port = 0 } = (server.address() ?? {}) as Partial<AddressInfo>;

if (
  onPage(test, 'page/published.test.ts', built => void (at = built), {
    flags: [`--host-resolver-rules=MAP ${host}:443 127.0.0.1:${port}`, '--ignore-certificate-errors'],
  })
) {
  const fetchIt = () => page.getByRole('button', { name: `Fetch 30.9 MB from ${host}`, exact: true });

  test('a host that refuses, and a file that is cut short, are told of in one line', async () => {
    const context = await at.page.context().browser()!.newContext({ serviceWorkers: 'block' }); // under the page's own content security policy
    page = await context.newPage();
    await page.route('**/data/index.json', route => route.fulfill({ json: [] }));
    await page.route(/localhost.*\/data\/[\w-]+\/.*gz$/, route => route.fulfill({ status: 404 }));
    await page.goto(`${at.address}#train?dataset=fashion-mnist`);
    const notice = page.locator('#notice');
    for (const [doing, words] of [
      ['refuses', `fashion-mnist: ${host} cannot be reached, or does not let this page read it; fetch the files at ${url} by hand`],
      ['cuts', 'train-images-idx3-ubyte.gz: is damaged, it does not decompress; fetch it again'],
    ] as const) {
      does = doing;
      await fetchIt().click();
      await notice.filter({ hasText: words }).waitFor();
      await fetchIt().waitFor();
    }
  });

  test('one that allows it gives the files, which are checked, chosen, kept, and train', async () => {
    does = 'gives';
    asked.length = 0;
    await fetchIt().click();
    await page.locator('#notice').filter({ hasText: 'fashion-mnist: is complete, and chosen.' }).waitFor();
    assert.is(asked.length, 4);
    assert.ok(asked.every(address => address.startsWith(url)));
    assert.is(await fetchIt().isVisible(), false);
    await page.reload();
    await page.locator('#dataset option', { hasText: /^fashion-mnist$/ }).waitFor({ state: 'attached' });
    await page.getByText('Classes and samples').click();
    await page.getByText(/60,000 to train on, 10,000 to test on/).waitFor();
  });

  test('a set that no page may read is linked to', async () => {
    await page.getByLabel('Data set', { exact: true }).selectOption('cifar10');
    await page.getByText('Its host lets no page read it').waitFor();
    const link = page.getByRole('link', { name: 'cifar-10-binary.tar.gz' });
    assert.is(await link.getAttribute('href'), 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz');
    await page.context().close();
  });
}
test.run();
