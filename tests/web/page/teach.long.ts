/** Teach at length: a camera before which things come and go, a phone, samples sorted by keys, exports that other programs read. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { predict } from '../../../cli/run/predict.ts';
import { runOnnx } from '../../support/onnx.ts';
import { onPage, violations, type BuiltPage } from '../../support/process/browser.ts';
import { BLUE, film, RED, still } from '../../support/process/fake-camera.ts';
import { printed } from '../../support/process/printed.ts';
import { TeachPage, type Thing } from '../../support/process/teach-page.ts';

const test = suite('teach, at length');
const folder = mkdtempSync(join(tmpdir(), 'descent-film-'));
const path = join(folder, 'film.y4m');
writeFileSync(path, film([RED, BLUE], 4));
test.after(() => rmSync(folder, { recursive: true }));
let at: BuiltPage;
let page: Page;
let teach: TeachPage;

/** The probabilities that the page shows, of all classes by name. */
const shares = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    await page
      .locator('.bars li')
      .evaluateAll(all => all.map(bar => [bar.firstChild!.textContent!, Number((bar as HTMLElement).style.getPropertyValue('--share'))])),
  );

if (
  onPage(
    test,
    'page/teach.long.ts',
    built => {
      at = built;
      page = built.page;
      teach = new TeachPage(page, built.address);
    },
    { flags: [`--use-file-for-fake-video-capture=${path}`] },
  )
) {
  test('two things that come before the camera in turn are captured, learned, and told apart as they come again', async () => {
    await teach.open();
    await teach.rename('Class 1', 'red');
    await teach.rename('Class 2', 'blue');
    await at.press('Use the camera');
    await page.locator('.stage video').waitFor();
    for (const thing of ['red', 'blue'] as const) {
      await teach.sees(thing === 'red' ? 'blue' : 'red');
      await teach.sees(thing);
      await teach.hold(thing, 10);
    }
    await at.press('Train');
    await at.says('It tells 2 classes apart.');
    for (const thing of ['red', 'blue', 'red'] as const) {
      await teach.sees(thing);
      await teach.answers(thing);
    }
  });

  test('samples in the wrong class are found, chosen by keys, moved and deleted; a class that is deleted comes back', async () => {
    for (let i = 0; i < 2; i++) await teach.drop('red', `${i}.png`, await still(BLUE, 60 + 20 * i, 60));
    await at.says('The samples have changed since it learned: train again.');
    await at.press('Train');
    await at.says('It tells 2 classes apart.');
    const confused = page.getByRole('listbox', { name: 'Confused samples' });
    await confused.getByText('red → blue').nth(1).waitFor();
    const counts = () => page.locator('.class .count').evaluateAll(all => all.map(one => Number.parseInt(one.textContent!, 10)));
    const [red, blue] = (await counts()) as [number, number];
    await confused.getByRole('option').first().focus();
    await page.keyboard.press('Space');
    await page.locator('.confused').getByLabel('Move the chosen samples to').selectOption('blue');
    assert.equal(await counts(), [red - 1, blue + 1]);
    await confused.getByRole('option').first().focus();
    await page.keyboard.press('Delete');
    assert.equal(await counts(), [red - 2, blue + 1]);
    await at.press('Undo');
    await teach
      .card('red')
      .getByText(`${red - 1} samples`)
      .waitFor();
    await page.getByRole('listbox', { name: 'Samples of red' }).getByRole('option').last().focus();
    await page.keyboard.press('Delete');
    assert.equal(await counts(), [red - 2, blue + 1]);
    await at.press('Remove blue');
    assert.equal(await counts(), [red - 2]);
    await at.press('Undo');
    assert.equal(await counts(), [red - 2, blue + 1]);
    await page.getByRole('listbox', { name: 'Samples of red' }).getByRole('option').first().focus();
    await page.keyboard.press('Control+a');
    await teach
      .card('red')
      .getByText(`${red - 2} chosen`)
      .waitFor();
  });

  test('what is exported says of a picture elsewhere what the page says of it', async () => {
    const picture = join(folder, 'a.png');
    const bytes = await still(RED, 70, 60);
    writeFileSync(picture, await sharp(bytes).extract({ left: 20, top: 0, width: 120, height: 120 }).resize(32, 32).png().toBuffer());
    await teach.drop(undefined, 'a.png', await sharp(picture).toBuffer());
    await page.getByRole('img', { name: 'The picture' }).waitFor();
    await teach.answers('red');
    const seen = await shares();
    const [weights, onnx, html] = [await at.downloaded('Weights'), await at.downloaded('ONNX'), await at.downloaded('Web page')];

    const file = join(folder, 'taught.safetensors');
    writeFileSync(file, weights);
    const said = JSON.parse(await printed(() => predict(file, [picture], { top: '2', json: true }))) as {
      predictions: { class: string; probability: number }[];
    };
    for (const { class: name, probability } of said.predictions)
      assert.ok(Math.abs(probability - seen[name]!) < 1e-4, `${name}: predict says ${probability}, the page ${seen[name]}`);

    const pixels = await sharp(picture).removeAlpha().raw().toBuffer();
    const planes = Float32Array.from({ length: 3072 }, (_, i) => pixels[(i % 1024) * 3 + Math.floor(i / 1024)]! / 255);
    const { logits } = await runOnnx(onnx, planes, [1, 3, 32, 32]);
    const exp = Array.from(logits!.data, Math.exp);
    const share = exp[0]! / (exp[0]! + exp[1]!);
    assert.ok(Math.abs(share - seen.red!) < 1e-4, `red: ONNX Runtime says ${share}, the page ${seen.red}`);

    const offline = await page.context().browser()!.newContext({ offline: true });
    const other = await offline.newPage();
    const exported = join(folder, 'taught.html');
    writeFileSync(exported, html);
    await other.goto(pathToFileURL(exported).href);
    await other.getByText('Ready: 2 classes.').waitFor({ timeout: 120_000 });
    await other.locator('#choose').setInputFiles(picture);
    await other.locator('.bar').nth(1).waitFor({ timeout: 120_000 });
    assert.is(await other.locator('.bar').first().locator('span').last().textContent(), `${(seen.red! * 100).toFixed(1)}%`);
    await offline.close();

    for (const [name, content] of [
      ['taught.onnx', onnx],
      ['taught.html', html],
    ] as const) {
      await teach.drop(undefined, name, content);
      await at.says(`${name}: answers now, 2 classes.`);
      await teach.drop(undefined, 'a.png', await sharp(picture).toBuffer());
      await teach.answers('red');
      const again = await shares();
      assert.ok(Math.abs(again.red! - seen.red!) < 1e-4, `${name} says ${again.red}, the page ${seen.red}`);
    }
    await teach.drop(undefined, 'cut.safetensors', weights.subarray(0, 5000));
    await at.says('cut.safetensors: ');
    await teach.drop(undefined, 'other.html', Buffer.from('<p>nothing</p>'));
    await at.says('other.html: has no net in it; give a page that was exported here');
  });

  test('folders that are dropped become classes of their names', async () => {
    for (const name of ['apple', 'plum']) {
      mkdirSync(join(folder, 'fruit', name), { recursive: true });
      for (let i = 0; i < 3; i++)
        writeFileSync(join(folder, 'fruit', name, `${i}.png`), await still(name === 'apple' ? RED : BLUE, 50 + 20 * i, 60));
    }
    const cdp = await page.context().newCDPSession(page);
    await page.evaluate('scrollTo(0, 0)');
    const { x, y } = (await page.locator('.stage h2').boundingBox())!;
    const data = { items: [], files: [join(folder, 'fruit')], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) await cdp.send('Input.dispatchDragEvent', { type, x, y, data });
    await teach.card('plum').getByText('3 samples').waitFor();
    await teach.card('apple').getByText('3 samples').waitFor();
  });

  test('on a phone: held by a finger, nothing too wide, nothing moves, axe finds nothing', async () => {
    const context = await page
      .context()
      .browser()!
      .newContext({ bypassCSP: true, viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, permissions: ['camera'] });
    context.setDefaultTimeout(120_000);
    const phone = await context.newPage();
    const held = new TeachPage(phone, at.address);
    await held.open();
    await held.rename('Class 1', 'red');
    await held.rename('Class 2', 'blue');
    await phone.getByRole('button', { name: 'Use the camera' }).tap();
    await phone.locator('.stage video').waitFor();
    for (const thing of ['red', 'blue'] satisfies Thing[]) {
      await held.sees(thing === 'red' ? 'blue' : 'red');
      await held.sees(thing);
      await held.touch(thing, 4);
    }
    await phone.getByRole('button', { name: 'Train', exact: true }).tap();
    await phone.getByText('It tells 2 classes apart.').waitFor();
    assert.is(await phone.evaluate('document.documentElement.scrollWidth'), 390);
    assert.ok((await held.shift()) < 0.05, `layout shift ${await held.shift()}`);
    assert.equal(await violations(phone), []);
    await context.close();
  });

  test('a browser that keeps nothing says so, and teaches all the same', async () => {
    const context = await page.context().browser()!.newContext({ bypassCSP: true });
    context.setDefaultTimeout(120_000);
    const other = await context.newPage();
    await other.addInitScript(`IDBFactory.prototype.open = () => { throw new DOMException('no room', 'QuotaExceededError'); }`);
    const lasting = new TeachPage(other, at.address);
    await lasting.open();
    await other.getByText('The browser does not keep samples over a reload: it has no space left for this page.').waitFor();
    await lasting.drop('Class 1', 'a.png', await still(RED, 60, 60));
    await lasting.card('Class 1').getByText('1 sample').waitFor();
    await context.close();
  });

  test('the console stays silent', () => assert.equal(at.said, []));
}
test.run();
