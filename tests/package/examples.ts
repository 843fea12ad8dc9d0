/** The examples, as they stand, with the installed package. */
import { cp, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from 'vite';
import { longTests } from '../support/long.ts';
import { runOnnx } from '../support/onnx.ts';
import { browserPath } from '../support/process/browser.ts';
import { ROOT, told, type Installed } from './installed.ts';
import { visiting } from './pages.ts';

const EXAMPLES = join(ROOT, 'examples');

/** What docs/library.md begins with. */
async function quickStart(): Promise<string> {
  const docs = await readFile(join(ROOT, 'docs/library.md'), 'utf8');
  return /```js\n(import[^]*?)```/.exec(docs)![1]!;
}

export function addExamples(test: Test, app: Installed): void {
  const start = async (file: string, ...args: string[]) => {
    await cp(join(EXAMPLES, file), join(app.folder, file));
    const { code, out, err } = await app.node(file, ...args);
    assert.is(code, 0, out + err);
    return out;
  };

  test('the quick start of docs/library.md has 15 lines of code and runs as pasted under Node', async () => {
    const code = await quickStart();
    assert.ok(code.split('\n').filter(line => line.trim()).length <= 15, code);
    await writeFile(join(app.folder, 'quick-start.mjs'), code);
    const { out, err } = await app.node('quick-start.mjs');
    assert.match(out, /epoch 10: loss 0\.\d+, right (0\.[89]|1\n)/, err);
    assert.match(out, /label: '(disc|square)'/);
    assert.ok((await stat(join(app.folder, 'shapes.safetensors'))).size > 50_000);
  });

  test('train.mjs learns curves, and predicts from the file that it kept', async () => {
    const out = await start('train.mjs');
    assert.match(out, /^test: (9\d\.\d|100\.0)% right$/m);
    assert.match(out, /^sine \d+%$/m);
  });

  test('own-layer.mjs trains with kernels and a rule of its own', async () => {
    const out = await start('own-layer.mjs');
    assert.match(out, /^epoch 5: loss [01]\.\d+, \d+% right$/m);
    assert.match(out, /^beta of act1: (?!(1\.00 ?){8}$)/m);
  });

  test('by-hand.mjs tells two spirals apart', async () => {
    assert.match(await start('by-hand.mjs'), /^step 600: loss 0\.[01]\d+, (6\d|5[5-9]) of 64 right$/m);
  });

  test('onnx.mjs trains on from its own file, and ONNX Runtime takes what it wrote', async () => {
    assert.match(await start('onnx.mjs'), /^test: ([89]\d|100)% right\ndisc: disc \d+%\nsquare: square \d+%$/m);
    const file = await readFile(join(app.folder, 'outlines.onnx'));
    const { logits } = await runOnnx(file, new Float32Array(512), [2, 1, 16, 16]);
    assert.equal(logits!.dims, [2, 2]);
  });

  test('serve.mjs answers over HTTP', async () => {
    const out = await start('serve.mjs', 'curves.safetensors', '--measure');
    assert.match(out, /^64 clients: \d+ answers\/s, median \d+\.\d ms/m);
  });

  if (!browserPath) {
    console.log(
      'package.test.ts: the examples of pages are skipped, there is no browser; install chromium, or name one in DESCENT_BROWSER',
    );
    test.skip('needs a browser', () => undefined);
    return;
  }
  const browser = browserPath;
  const dist = join(app.root, 'dist');

  test('the quick start runs as pasted in Chromium, from the one file', async () => {
    const folder = join(app.folder, 'pasted');
    await mkdir(folder);
    const [html] = /<script type="importmap">[^]*?<\/script>/.exec(await readFile(join(EXAMPLES, 'page.html'), 'utf8'))!;
    await writeFile(join(folder, 'index.html'), `<!doctype html>${html}<script type="module">${await quickStart()}</script>`);
    await visiting(browser, folder, dist, async ({ page, said, asked }, url) => {
      const download = page.waitForEvent('download');
      await page.goto(`${url}/index.html`);
      assert.is((await download).suggestedFilename(), 'shapes.safetensors');
      assert.match(said.join('\n'), /epoch 10: loss 0\.\d+, right (0\.[89]|1\n)/);
      assert.equal([...new Set(asked)], ['descent.min.js']);
    });
  });

  test('a page without a bundler writes and opens ONNX files, for which alone it loads their reader', async () => {
    const folder = join(app.folder, 'onnx');
    await mkdir(folder);
    const [html] = /<script type="importmap">[^]*?<\/script>/.exec(await readFile(join(EXAMPLES, 'page.html'), 'utf8'))!;
    const code = `import { dense, exportOnnx, openDevice, Predictor, sequential } from 'descent-gpu';
      const weights = {
        'fc.weight': { shape: [2, 3], data: Float32Array.of(1, 0, 0, 0, 1, 1) },
        'fc.bias': { shape: [2], data: Float32Array.of(0.5, -1) },
      };
      const bytes = await exportOnnx({ model: sequential({ fc: dense(2) }), shape: [3], weights, classes: ['a', 'b'] });
      const model = await Predictor.open(await openDevice(), new File([bytes], 'net.onnx'));
      console.log(\`logits \${await model.logits(Float32Array.of(1, 2, 3))}\`);`;
    await writeFile(join(folder, 'index.html'), `<!doctype html>${html}<script type="module">${code}</script>`);
    await visiting(browser, folder, dist, async ({ page, said, asked }, url) => {
      const told = page.waitForEvent('console');
      await page.goto(`${url}/index.html`);
      assert.is((await told).text(), 'logits 1.5,4', said.join('\n'));
      assert.equal([...new Set(asked)], ['descent.min.js', 'train/onnx/proto.js']);
    });
  });

  const long = longTests(test);

  long('page.html learns drawings in a page without a bundler', () =>
    visiting(browser, EXAMPLES, dist, async ({ page, said }, url) => {
      await page.goto(`${url}/page.html`);
      await page.getByText(/^cross \d+%, /).waitFor();
      assert.equal(said, []);
    }),
  );

  long('the Vite app compiles, trains on canvas images, and answers from what it kept after a reload', async () => {
    const folder = join(app.folder, 'vite');
    await cp(join(EXAMPLES, 'vite'), folder, { recursive: true });
    await app.add('vite');
    const { out, err } = await told(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder], folder);
    assert.is(out + err, '');
    await build({ root: folder, configFile: false, logLevel: 'silent' });
    await visiting(browser, join(folder, 'dist'), dist, async ({ page, said }, url) => {
      await page.goto(`${url}/index.html`);
      await page.getByText(/^ cross \d+%$/).waitFor();
      assert.match((await page.locator('#loss').textContent())!, /^step \d+: loss 0\.\d+$/);
      await page.reload();
      await page.getByText(/^ cross \d+%$/).waitFor();
      assert.is(await page.locator('#loss').textContent(), '', 'it trained again');
      assert.equal(said, []);
    });
  });
}
