/** The views of the page in a real browser, each by itself: form, data, bench, race. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { milliseconds, perSecond } from '../../../bench/milliseconds.ts';
import { datasetFolder } from '../../../datasets/node/cache.ts';
import { onPage, type BuiltPage } from '../../support/process/browser.ts';
import { tarOf } from '../../support/tar-of.ts';
import { longTests } from '../../support/long.ts';

const test = suite('views of the page');
let at: BuiltPage;
let page: Page;

if (
  onPage(test, 'page/views.test.ts', built => {
    at = built;
    page = built.page;
  })
) {
  test('under its content security policy the page trains, draws and predicts', async () => {
    const context = await page.context().browser()!.newContext();
    const visitor = await context.newPage();
    const said: string[] = [];
    visitor.on('console', message => void (message.type() === 'error' && said.push(message.text())));
    await visitor.goto(
      `${at.address}#train?${new URLSearchParams({ dataset: 'shapes', batchSize: '16', limitTrain: '320', limitTest: '32', epochs: '1' })}`,
    );
    await visitor.getByRole('button', { name: 'Start', exact: true }).click();
    await visitor
      .getByText(/finished|done|complete/i)
      .filter({ visible: true })
      .first()
      .waitFor({ timeout: 120_000 });
    assert.ok((await visitor.content()).includes('Content-Security-Policy'));
    assert.is(
      await visitor.evaluate(
        "new Promise(r => { const s = document.createElement('script'); s.textContent = 'globalThis.ran = 1'; document.body.append(s); setTimeout(() => r(typeof globalThis.ran)); })",
      ),
      'undefined',
    );
    assert.equal(
      said.filter(text => !text.includes('inline script')),
      [],
    );
    await context.close();
  });

  test('specs chosen in the form stand in the link, which opens as the same form', async () => {
    await at.open('train');
    await at.press('Then another optimizer');
    await page.getByLabel('Optimizer, second', { exact: true }).selectOption('lbfgs');
    await page.getByLabel('Schedule', { exact: true }).selectOption('step');
    await page.getByLabel('gamma', { exact: true }).fill('0.5');
    await page.getByLabel('Augmentation', { exact: true }).selectOption('crop');
    await at.press('Add an augmentation');
    await page.getByLabel('Augmentation, second', { exact: true }).selectOption('cutout');
    await page.getByLabel('Validate every', { exact: true }).fill('20');
    await at.press('Share link');
    const link = (await page.evaluate('location.hash')) as string;
    assert.equal(Object.fromEntries(new URLSearchParams(link.split('?')[1])), {
      model: 'lenet5',
      dataset: 'fashion-mnist',
      optimizer: 'adam:epochs=1,lbfgs',
      schedule: 'step:step_size=500,gamma=0.5',
      augment: 'crop,cutout',
      evalEvery: '20',
    });
    await at.open(link.slice(1));
    await at.press('Share link');
    assert.is(await page.evaluate('location.hash'), link);
    await page.getByLabel('gamma', { exact: true }).fill('-1');
    await at.says('Schedule step: gamma is -1; give a number of at least 0');
  });

  test('who comes back to a link finds the form as it was left, and who follows it again as it says', async () => {
    const follow = `location.hash = 'train?model=mlp&dataset=shapes&lr=0.01'`;
    const rate = page.getByLabel('Learning rate', { exact: true });
    const leave = async () => {
      await page.getByRole('link', { name: 'Bench' }).click();
      await page.getByRole('button', { name: 'Time kernels' }).waitFor();
    };
    const back = async () => {
      await page.goBack();
      await rate.waitFor();
      return rate.inputValue();
    };
    await at.open('train');
    await page.evaluate(follow);
    await page.waitForFunction(`document.querySelector('[name=lr]').value === '0.01'`);
    await rate.fill('0.5');
    await leave();
    assert.is(await back(), '0.5');
    await at.press('Share link');
    await rate.fill('0.7');
    await leave();
    assert.is(await back(), '0.7');
    await leave();
    await page.evaluate(follow);
    await page.waitForFunction(`document.querySelector('[name=lr]').value === '0.01'`);
  });

  test('a wrong number beside a box is said at it, counts while the box is checked, and does not check it when it is emptied', async () => {
    await at.open('train?model=mlp:hidden=8&dataset=shapes');
    await page.getByText('Running', { exact: true }).click();
    const box = page.getByLabel('Recompute activations', { exact: true });
    const slowdown = page.getByLabel('Recompute activations: slowdown');
    const wrong = page.locator('.field .wrong');
    await slowdown.fill('abc');
    assert.ok(await box.isChecked());
    assert.match((await wrong.textContent())!, /'abc' is not a number; give a number of at least 1/);
    assert.is(await slowdown.getAttribute('aria-errormessage'), await wrong.getAttribute('id'));
    await page.evaluate('descent.configuration.validate()'); // as once what was kept is found, which may come after the first words are typed
    assert.is(await slowdown.inputValue(), 'abc');
    await box.uncheck();
    assert.is(await wrong.count(), 0);
    await box.check();
    await wrong.waitFor();
    await box.uncheck();
    await slowdown.fill('');
    assert.not.ok(await box.isChecked());
    await slowdown.fill('1.2');
    await at.press('Share link');
    assert.match(await page.evaluate<string>('location.hash'), /checkpointActivations=1\.2/);
  });

  test('files and archives of a data set are checked; a folder of images by class trains, until it stops early', async () => {
    await at.drop('t10k-labels-idx1-ubyte', new Uint8Array(5000));
    await at.notes('5,000 bytes, 10,008 are expected');
    await at.drop('t10k-labels-idx1-ubyte.gz', new Uint8Array(50));
    await at.notes('does not decompress');
    const labels = readFileSync(join(datasetFolder('fashion-mnist'), 't10k-labels-idx1-ubyte'));
    await at.drop('some.tar.gz', gzipSync(tarOf({ 'fashion/readme': Buffer.from('x'), 'fashion/t10k-labels-idx1-ubyte': labels })));
    await at.notes('fashion-mnist: still needs train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte; add them too.');
    const photos = join(at.folder, 'photos');
    const { default: sharp } = await import('sharp');
    for (const [name, background] of [
      ['day', '#ffe080'],
      ['night', '#102040'],
    ] as const) {
      mkdirSync(join(photos, name), { recursive: true });
      for (let i = 0; i < 12; i++)
        await sharp({ create: { width: 20 + i, height: 24, channels: 3, background } })
          .png()
          .toFile(join(photos, name, `${i}.png`));
    }
    await at.open('train?model=mlp:hidden=8&batchSize=4&epochs=40&earlyStop=2&lr=0.02&logEvery=1');
    await at.choose('Add a folder', photos);
    await at.notes('photos: 24 images of 2 classes (day, night), chosen');
    await at.press('Start');
    await at.until('r.state === "done"');
    const { message, step } = await at.seen();
    assert.match(message, /stopped early, 2 epochs without a better validation accuracy; the best weights, of step \d+, are back/);
    assert.ok(step < 40 * 4, `it went on to step ${step}`);
  });

  test('a batch that does not fit is computed in parts, and the page says so', async () => {
    await at.open('train?batchSize=2700&epochs=1&limitTrain=3000&limitTest=100', `?maxBinding=${32 * 2 ** 20}`);
    await at.press('Start');
    await at.notes('Run 1: each batch of 2700 is computed in 2 parts of 1350: ');
    await at.until('r.state === "done"');
    await page.getByRole('status').filter({ hasText: 'Run 1 is done after 1 step. Each batch of 2700 is computed in 2 parts' }).waitFor();
  });

  test('a filter of the bench that leaves no kernel is said, and nothing is called measured', async () => {
    await at.open('bench');
    await page.getByLabel('Filter', { exact: true }).fill('nothing');
    await at.press('Time kernels');
    await at.notes("Filter: no kernel or layer contains 'nothing'; leave it empty for all");
    await at.says('Nothing was measured.');
  });

  test('the bench shows the WGSL of what it timed, indented again', async () => {
    await at.open('bench');
    const { page } = at;
    assert.is(await page.getByRole('region', { name: 'WGSL' }).isVisible(), false);
    await page.getByLabel('Filter', { exact: true }).fill('squeeze and excite');
    await at.press('Time kernels');
    await at.says('Measured on');
    assert.equal(await page.getByLabel('Kernel, variant and shape').locator('option').allTextContents(), [
      'broadcast, vec4, a repeated: squeeze and excite',
      'broadcast_sum, lanes vec4: squeeze and excite backward',
    ]);
    assert.match((await page.getByRole('region', { name: 'WGSL' }).textContent())!, /\nfn main\(.*\{\n {2}\w/);
    const { kernels } = JSON.parse(Buffer.from(await at.downloaded('Download JSON')).toString());
    assert.is(kernels.length, 2);
    for (const { shape, ms, gflops, gbs } of kernels) {
      const row = page.getByRole('row').filter({ has: page.getByRole('cell', { name: shape, exact: true }) });
      const numbers = (await row.locator('td').allTextContents()).filter((_, i) => [2, 3, 5].includes(i));
      assert.equal(numbers, [milliseconds(ms, 3), perSecond(gflops), perSecond(gbs)], shape);
    }
  });

  longTests(test)('kernels and a step are timed by the code of the command line', async () => {
    await at.open('bench');
    await page.getByLabel('Filter', { exact: true }).fill('backward_weight');
    await at.press('Time kernels');
    await at.says('Measured on');
    await page.getByLabel('Batch size', { exact: true }).fill('16');
    await page.getByLabel('Each dispatch').check();
    await at.press('Time a step');
    await page.getByRole('table', { name: 'Time of a step' }).waitFor();
    const { kernels, step, adapter, batch } = JSON.parse(Buffer.from(await at.downloaded('Download JSON')).toString());
    assert.equal([kernels[0].kernel, batch, adapter.software], ['conv_backward_weight', 16, true]);
    const cells = (table: string, column: number) =>
      page.getByRole('table', { name: table }).locator(`tbody td:nth-child(${column})`).allTextContents();
    const times = (kernels as { ms: number }[]).map(({ ms }) => ms).sort((a, b) => b - a);
    assert.equal(
      await cells('Times of kernels', 4),
      times.map(ms => milliseconds(ms, 3)),
    );
    const shares = (await cells('Times of dispatches', 5)).map(Number.parseFloat);
    assert.is(shares.pop(), 100);
    assert.ok(Math.abs(shares.reduce((a, b) => a + b) - 100) < 1, shares.join(' '));
    assert.ok(kernels[0].ms > 0 && kernels[0].gflops > 0 && step.ms > 0 && step.dispatches > 10);
  });

  longTests(test)('the variants of kernels are timed once, and what was found is kept', async () => {
    const train = async () => {
      await at.open('train?model=mlp:hidden=16&dataset=circles&batchSize=16&limitTrain=100&epochs=10000&logEvery=1', '?tune');
      await at.press('Start');
      await at.until('r.step >= 2');
      return (await page.locator('#notice').textContent()) ?? '';
    };
    assert.match(await train(), /the first use of .*: \d+ kernel calls are timed, once/);
    const kept = await page.evaluate<Record<string, Record<string, string[]>>>(
      `caches.open('descent').then(c => c.match('/tuned.json')).then(r => r.json())`,
    );
    assert.ok(Object.keys(kept).some(place => place.includes('swiftshader')));
    assert.ok(Object.values(kept).some(calls => Object.keys(calls).some(call => call.startsWith('matmul'))));
    assert.not.match(await train(), /are timed/);
  });

  test('every control and picture has a name, and what is pressed is 24 pixels high and wide', async () => {
    const cdp = await page.context().newCDPSession(page);
    const roles = [
      'button',
      'link',
      'textbox',
      'combobox',
      'checkbox',
      'slider',
      'application',
      'image',
      'region',
      'table',
      'form',
      'complementary',
      'navigation',
    ];
    const full = 'train?optimizer=adam:epochs=1,lbfgs&augment=crop,flip&schedule=onecycle:max_lr=0.1';
    for (const view of [full, 'lessons/momentum', 'playground', 'race', 'predict', 'teach', 'bench']) {
      await at.open(view);
      await page.locator('#view h2').first().waitFor();
      await page.evaluate(`document.querySelectorAll('details').forEach(d => { d.open = true; })`);
      const small = await page.locator('button, summary, select, [type=range]').evaluateAll(
        all =>
          all.filter(e => {
            const { width, height } = e.getBoundingClientRect();
            return width && Math.min(width, height) < 24;
          }).length,
      );
      assert.is(small, 0, view);
      const { nodes } = await cdp.send('Accessibility.getFullAXTree');
      const seen = nodes.filter(n => !n.ignored && roles.includes(n.role?.value as string));
      assert.ok(seen.length > 8, `${view}: ${seen.length} controls`);
      assert.equal(
        seen.filter(n => !n.name?.value).map(n => n.role?.value),
        [],
        view,
      );
    }
  });

  test('without WebGPU the page says who has it', async () => {
    const other = await page.context().newPage();
    await other.addInitScript('delete Navigator.prototype.gpu');
    await other.goto(at.address);
    await other.getByText('Chrome or Edge from 113, Firefox from 141 or Safari from 26').first().waitFor();
    await other.close();
  });

  test("optimizers descend Beale's function", async () => {
    await at.open('race');
    const row = page.getByRole('table', { name: 'Standings' }).locator('tr', { hasText: 'momentum' });
    await row.waitFor();
    const [steps, height] = await row.locator('td').allTextContents();
    assert.ok(Number(steps) < 400 && Number(height) < 1, `momentum: ${steps} steps, ${height}`);
  });

  test('a configuration that cannot be built says why, at 400 % too, where the header makes room', async () => {
    await at.open('train?model=lenet5&dataset=xor');
    await at.press('Start');
    await page.locator('#notice.error').waitFor();
    assert.match((await page.locator('#notice').textContent()) ?? '', /conv2d|images/);
    await page.setViewportSize({ width: 320, height: 256 });
    await page.evaluate('scrollTo(0, 500)');
    const [header, said] = (await Promise.all(['.top', '#notice'].map(one => page.locator(one).boundingBox()))).map(box => box!);
    assert.ok(header!.y + header!.height <= 12, `the header ends at ${header!.y + header!.height}`);
    assert.ok(said!.y >= 0 && said!.y + said!.height < 128, `the message is at ${said!.y}`);
    await page.setViewportSize({ width: 1280, height: 720 });
    await at.open('train?model=nosuch');
    await at.says("unknown model 'nosuch'");
  });

  test('the console stays silent', () => assert.equal(at.said, []));
}
test.run();
