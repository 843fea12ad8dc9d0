/** The built page in Debian's Chromium, with WebGPU on SwiftShader. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page, type Request } from 'playwright-core';
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import { build, preview, type PreviewServer } from 'vite';
// @ts-expect-error: plain JavaScript, which runs before there are packages
import { findBrowser } from '../../../scripts/setup/browser.mjs';

export const ROOT = join(import.meta.dirname, '../../..');
/** None where no browser is installed. */
export const browserPath = findBrowser() as string | undefined;
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const FLAGS = [
  '--no-sandbox',
  '--headless=new',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--no-first-run',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
];

/** What axe finds wrong on a page: of each violation its rule and the first three elements. */
export async function violations(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: AXE });
  return page.evaluate(
    `axe.run().then(r => r.violations.map(v => v.id + ' ' + v.nodes.slice(0, 3).map(n => n.target.join(' ')).join(', ')))`,
  );
}

/**
 * Milliseconds that is waited for anything: nothing here is timed, it is as slow as a busy machine with a software adapter, and a
 * run was once seen to be built for four minutes.
 */
const PATIENCE = 300_000;
/** Milliseconds of a test after which it is said what stands there. */
const LONG = 100_000;

/** Of the run that is selected. */
export interface Seen {
  state: string;
  step: number;
  losses: number[];
  message: string;
}

/** The built page as a visitor has it before them. */
export class BuiltPage {
  readonly page: Page;
  readonly address: string;
  /** For what a test writes. */
  readonly folder: string;
  /** Errors and warnings of the console. */
  readonly said: string[] = [];
  readonly close: () => Promise<void>;
  /** What was asked of servers and has not come whole. */
  #asked = new Set<Request>();
  #serving: () => Promise<unknown>;

  /** `serving` says how the server does. */
  constructor(page: Page, address: string, folder: string, close: () => Promise<void>, serving: () => Promise<unknown>) {
    this.#serving = serving;
    this.page = page;
    this.address = address;
    this.folder = folder;
    this.close = close;
    page.on('console', message => {
      const isOurs =
        !message.text().includes('blocked by Playwright') && // which says so where a test wants no service worker
        !message.location().url.endsWith('favicon.ico'); // asked for beside a picture that is opened by itself
      if (isOurs && (message.type() === 'error' || message.type() === 'warning')) this.said.push(message.text());
    });
    page.on('pageerror', error => this.said.push(error.message));
    page.context().on('request', request => this.#asked.add(request));
    page.context().on('requestfinished', request => this.#asked.delete(request));
    page.context().on('requestfailed', request => this.#asked.delete(request));
  }

  /** A fresh visit. `query` is that of the address, `?tune`. */
  async open(hash: string, query = ''): Promise<void> {
    await this.page.goto(`${this.address}icon.svg`); // leaves the visit before, and can forget what it has left
    await this.page.evaluate(`localStorage.removeItem('descent-form'), new Promise(done => {
      const onsuccess = () => done();
      Object.assign(indexedDB.deleteDatabase('descent-runs'), { onsuccess, onerror: onsuccess, onblocked: onsuccess });
    })`);
    await this.page.goto(`${this.address}${query}#${hash}`);
    await this.page.waitForFunction('globalThis.descent?.configuration.available.size > 1'); // which data sets are here is asked for first
  }

  press(name: string): Promise<void> {
    return this.page.getByRole('button', { name, exact: true }).click();
  }

  /** Waits until `condition` holds for `r`, the run that is selected. */
  async until(condition: string): Promise<void> {
    await this.page.waitForFunction(`(r => r && (${condition}))(descent.selected)`, undefined, { polling: 50 });
  }

  async pause(): Promise<void> {
    await this.press('Pause');
    await this.until('r.state === "paused"');
  }

  seen(): Promise<Seen> {
    return this.page.evaluate(`(r =>
      ({ state: r.state, step: r.step, message: r.message, losses: r.steps.map(l => l.loss) }))(descent.selected)`);
  }

  drop(name: string, bytes: Uint8Array): Promise<void> {
    return this.page.evaluate(
      ([file, content]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([Uint8Array.from(content as number[])], file as string));
        dispatchEvent(new DragEvent('drop', { dataTransfer: transfer }));
      },
      [name, [...bytes]] as const,
    );
  }

  /** What the button `name` gives. */
  async downloaded(name: string): Promise<Uint8Array> {
    const [download] = await Promise.all([this.page.waitForEvent('download'), this.press(name)]);
    return readFileSync(await download.path());
  }

  /** Answers the button `name` with files. */
  async choose(name: string, ...files: string[]): Promise<void> {
    const [chooser] = await Promise.all([this.page.waitForEvent('filechooser'), this.press(name)]);
    await chooser.setFiles(files);
  }

  /** The page as another machine has it, with nothing in common but the server. */
  async another(timeout = PATIENCE): Promise<BuiltPage> {
    const context = await this.page.context().browser()!.newContext({ bypassCSP: true, serviceWorkers: 'block' });
    context.setDefaultTimeout(timeout);
    return new BuiltPage(await context.newPage(), this.address, this.folder, () => context.close(), this.#serving);
  }

  /** Shares a new run of what the form says; gives the link to it. */
  async share(): Promise<string> {
    await this.page.getByText('Train together').click();
    await this.press('Share a new run');
    const link = this.page.getByLabel('Link to pass on');
    await link.waitFor();
    return link.inputValue();
  }

  /** Requires that axe finds nothing in either theme, and that a phone, which has the dark one here, shows the page without overflow. */
  async accessible(): Promise<void> {
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 390],
    ] as const) {
      await this.page.setViewportSize({ width, height: 720 });
      await this.page.emulateMedia({ colorScheme });
      assert.equal(await violations(this.page), [], colorScheme);
    }
    assert.is(await this.page.evaluate('document.documentElement.scrollWidth'), 390);
    await this.page.emulateMedia({ colorScheme: 'light' });
    await this.page.setViewportSize({ width: 1280, height: 720 });
  }

  /** What stands there now, for who reads why a test failed. */
  async described(): Promise<string> {
    const shown = await this.page
      .evaluate(
        `({
          address: location.hash,
          notice: document.querySelector('#notice')?.textContent,
          status: [...document.querySelectorAll('.status')].map(e => e.textContent),
          runs: [...document.querySelectorAll('.runs li, .runs [role=status]')].map(e => e.textContent),
          states: globalThis.descent?.runs.map(r => [r.id, r.state, r.building, r.step, r.message]),
        })`,
      )
      .catch((error: Error) => error.message);
    const asked = [...this.#asked].map(request => request.url());
    const workers = this.page.workers().map(worker => worker.url());
    return JSON.stringify({ shown, said: this.said, asked, workers, server: await this.#serving() });
  }

  /** Waits for words in the notice. */
  notes(words: string): Promise<void> {
    return this.page.locator('#notice', { hasText: words }).waitFor();
  }

  /** Waits for words anywhere: a message may stand in the notice and in the status line at once, or in either. */
  says(words: string): Promise<void> {
    return this.page.getByText(words).filter({ visible: true }).first().waitFor();
  }
}

/** What a test has the page and its browser be. */
export interface PageOptions {
  /** A folder in place of our page. */
  readonly root?: string;
  /** More flags for the browser. */
  readonly flags?: readonly string[];
}

/** Has the tests of a file find the built page, which `opened` is given. Returns false where there is no browser: says so and skips them. */
export function onPage(
  test: Test,
  file: string,
  opened: (page: BuiltPage) => void,
  { root = join(ROOT, 'web'), flags = [] }: PageOptions = {},
): boolean {
  if (!browserPath) {
    console.log(`${file}: skipped, there is no browser; install chromium, or name one in DESCENT_BROWSER`);
    test.skip('needs a browser', () => undefined);
    return false;
  }
  let page: BuiltPage | undefined;
  let asking: ReturnType<typeof setTimeout>;
  test.before(async () => opened((page = await openBuilt(browserPath, root, flags))));
  test.before.each(() => {
    asking = setTimeout(() => void page!.described().then(what => console.log(`${file}: it takes long: ${what}`)), LONG);
  });
  test.after.each(() => clearTimeout(asking));
  test.after(() => page?.close());
  return true;
}

/** A browser with WebGPU on its software adapter. */
export const launched = (executablePath: string, flags: readonly string[] = []): Promise<Browser> =>
  chromium.launch({ executablePath, args: [...FLAGS, ...flags] });

const sites = new Map<string, Promise<string>>();

/** The folder of the built page of a folder of sources; one build serves all files of tests in a process. */
function site(root: string): Promise<string> {
  const folder =
    sites.get(root) ??
    (async () => {
      const outDir = mkdtempSync(join(tmpdir(), 'descent-site-'));
      process.once('exit', () => rmSync(outDir, { recursive: true, force: true }));
      await build({ ...common(root), build: { outDir } });
      return outDir;
    })();
  sites.set(root, folder);
  return folder;
}
const common = (root: string) => ({ configFile: join(ROOT, 'vite.config.ts'), root, logLevel: 'silent' }) as const;

async function openBuilt(executablePath: string, root: string, flags: readonly string[]): Promise<BuiltPage> {
  const folder = mkdtempSync(join(tmpdir(), 'descent-web-'));
  const server = await preview({ ...common(root), build: { outDir: await site(root) }, preview: { port: 0, host: 'localhost' } });
  const serving = watched(server);
  const browser = await launched(executablePath, flags);
  const context = await browser.newContext({ bypassCSP: true, serviceWorkers: 'block' }); // conditions that tests wait for are evaluated as texts
  context.setDefaultTimeout(PATIENCE);
  const close = async () => {
    await browser.close();
    await server.close();
    rmSync(folder, { recursive: true });
  };
  return new BuiltPage(await context.newPage(), server.resolvedUrls!.local[0]!, folder, close, serving);
}

/** Says of a server who waits for whom: the bytes of each connection that were sent and that are not taken, and how soon Node's threads read a file. */
function watched({ httpServer }: PreviewServer): () => Promise<unknown> {
  const sockets = new Set<Socket>();
  httpServer.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return async () => {
    const begun = performance.now();
    await stat(ROOT);
    const connections = [...sockets].map(({ bytesWritten, writableLength }) => ({ sent: bytesWritten, untaken: writableLength }));
    return { connections, readsInMs: performance.now() - begun };
  };
}
