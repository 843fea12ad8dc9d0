/** Pages that use the installed package, in a browser. */
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import type { Page } from 'playwright-core';
import { launched } from '../support/process/browser.ts';

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
/** Where pages without a bundler take the library from. */
const CDN = 'https://cdn.jsdelivr.net/npm/descent-gpu/dist/';

export interface Visit {
  readonly page: Page;
  /** What the page wrote to its console, errors that nobody caught among it. */
  readonly said: readonly string[];
  /** The files that it asked the CDN for. */
  readonly asked: readonly string[];
}

/** Has `use` visit the pages of a folder; what they ask the CDN for is in the folder `dist`. */
export async function visiting(
  executablePath: string,
  folder: string,
  dist: string,
  use: (visit: Visit, url: string) => Promise<void>,
): Promise<void> {
  const server = createServer((request, response) => {
    const file = join(folder, new URL(request.url!, 'http://localhost').pathname);
    createReadStream(file)
      .once('open', () => response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream'))
      .once('error', () => response.writeHead(404).end())
      .pipe(response);
  });
  await new Promise<void>(ready => server.listen(0, 'localhost', ready));
  const browser = await launched(executablePath);
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(120_000); // nothing here is timed: it is as slow as a busy machine with a software adapter
    const said: string[] = [];
    page.on('console', message => said.push(message.text()));
    page.on('pageerror', error => said.push(`uncaught: ${error.message}`));
    const headers = { 'access-control-allow-origin': '*' };
    const asked: string[] = [];
    await page.context().route(`${CDN}**`, route => {
      const file = route.request().url().slice(CDN.length);
      asked.push(file);
      return route.fulfill({ path: join(dist, file), contentType: 'text/javascript', headers });
    });
    await use({ page, said, asked }, `http://localhost:${(server.address() as AddressInfo).port}`);
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}
