import { chromium } from 'playwright-core';
import { preview, build } from 'vite';
const common = { configFile: '/tmp/w/p-sight/vite.config.ts', root: '/tmp/w/p-sight/web', logLevel: 'silent' } as const;
const outDir = '/tmp/w/site-sight';
if (process.argv[2] === 'build') await build({ ...common, build: { outDir, emptyOutDir: true } });
const server = await preview({ ...common, build: { outDir }, preview: { port: 0, host: 'localhost' } });
const at = server.resolvedUrls!.local[0]!;
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--headless=new', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'] });
const c = await browser.newContext({ viewport: { width: 1440, height: 500 }, serviceWorkers: 'block', bypassCSP: true });
const p = await c.newPage();
const N = 150; p.setDefaultTimeout(240000);
for (const every of (process.argv[3] ?? '0,,0,,0,').split(',')) {
  await p.goto(`${at}icon.svg`);
  await p.evaluate(`localStorage.removeItem('descent-form'), new Promise(done => Object.assign(indexedDB.deleteDatabase('descent-runs'), { onsuccess: done, onerror: done, onblocked: done }))`);
  await p.goto(`${at}#train?${process.argv[4] ?? 'model=lenet5&dataset=fashion-mnist'}&epochs=10${every === '' ? '' : `&evalEvery=${every}`}`);
  await p.waitForFunction('globalThis.descent?.configuration.available.size > 1');
  await p.getByRole('button', { name: 'Start', exact: true }).click();
  await p.waitForFunction(`descent.selected?.step >= 20`, undefined, { polling: 20, timeout: 240000 });
  const [t, s] = await p.evaluate('[performance.now(), descent.selected.step]') as number[];
  await p.waitForFunction(`descent.selected?.step >= ${20 + N}`, undefined, { polling: 20, timeout: 240000 });
  const [t2, s2, shown, vals] = await p.evaluate('[performance.now(), descent.selected.step, descent.selected.imagesPerSecond, descent.selected.validation.length]') as number[];
  const share = await p.evaluate(`(r => { const at = s => r.steps.find(l => l.step === s)?.seconds; const spent = r.validation.map(v => v.seconds - at(v.step)); const w = r.steps.filter(l => l.step % 10 === 0); const gaps = w.slice(1).map((l, i) => [l.step, (l.seconds - w[i].seconds).toFixed(2)]); return { spent: spent.map(s => s.toFixed(3)), of: (r.validation.at(-1)?.seconds ?? 0).toFixed(2), gaps: gaps.join(' ') }; })(descent.selected)`);
  console.log('every', every || 'default', ((s2! - s!) * 64 / (t2! - t!) * 1000).toFixed(0), 'images/s by the clock; shown', Math.round(shown!), 'validations', vals, JSON.stringify(share));
}
await browser.close(); await server.close(); process.exit(0);
