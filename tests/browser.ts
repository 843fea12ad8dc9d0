/** The built page in Debian's Chromium, with WebGPU on SwiftShader. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { build, preview } from 'vite';
// @ts-expect-error: plain JavaScript, which runs before there are packages
import { findBrowser } from '../scripts/setup/browser.mjs';

export const ROOT = join(import.meta.dirname, '..');
export const browserPath = findBrowser() as string | undefined;
const FLAGS = ['--no-sandbox', '--headless=new', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader',
  '--no-first-run', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];

export interface BuiltPage {
  readonly page: Page;
  readonly address: string;
  /** Of the site, and for what a test writes. */
  readonly folder: string;
  /** Errors and warnings of the console. */
  readonly said: readonly string[];
  close(): Promise<void>;
}

export async function openBuilt(executablePath: string): Promise<BuiltPage> {
  const folder = mkdtempSync(join(tmpdir(), 'descent-web-')), said: string[] = [];
  const common = {
    configFile: join(ROOT, 'vite.config.ts'), root: join(ROOT, 'web'), logLevel: 'silent', build: { outDir: folder },
  } as const;
  await build(common);
  const server = await preview({ ...common, preview: { port: 0, host: 'localhost' } });
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  const context = await browser.newContext();
  context.setDefaultTimeout(120_000); // nothing here is timed: it is as slow as a busy machine with a software adapter
  const page = await context.newPage();
  page.on('console', message => { if (message.type() === 'error' || message.type() === 'warning') said.push(message.text()); });
  page.on('pageerror', error => said.push(error.message));
  const close = async (): Promise<void> => {
    await browser.close();
    await server.close();
    rmSync(folder, { recursive: true });
  };
  return { page, folder, said, address: server.resolvedUrls!.local[0]!, close };
}
