/** Teach in a real browser: classes by Chromium's fake camera and by pictures, learned, told apart, kept. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onPage, type BuiltPage } from '../../support/process/browser.ts';
import { BLUE, film, RED, still } from '../../support/process/fake-camera.ts';
import { TeachPage } from '../../support/process/teach-page.ts';

const test = suite('teach');
let at: BuiltPage;
let page: Page;
let teach: TeachPage;
const folder = mkdtempSync(join(tmpdir(), 'descent-film-'));
const path = join(folder, 'film.y4m');
writeFileSync(path, film([RED], 3));
test.after(() => rmSync(folder, { recursive: true }));

if (
  onPage(
    test,
    'page/teach.test.ts',
    built => {
      at = built;
      page = built.page;
      teach = new TeachPage(page, built.address);
    },
    { flags: [`--use-file-for-fake-video-capture=${path}`] },
  )
) {
  test('without samples, and with those of one class, it says beside Train what is missing', async () => {
    await teach.open();
    await at.press('Train');
    await at.says('there are no samples yet; hold a button to capture some, or drop pictures on a class');
    await teach.rename('Class 1', 'red');
    await teach.drop('red', 'a.png', await still(RED, 60, 50));
    await teach.card('red').locator('.count').getByText(/^1\b/).waitFor(); // a sample counts once it is decoded
    await teach.drop('red', 'notes.png', Buffer.from('no picture'));
    await at.says('Left out: notes.png: cannot be read as an image');
    await at.press('Train');
    await at.says('only red has samples; capture some of another class too');
    await teach.rename('Class 2', 'red');
    await at.says('another class is called red; give another name');
  });

  test('what has the focus does not lie behind what the camera sees, on a phone and at 200 %', async () => {
    for (const [width, height] of [
      [390, 780],
      [640, 360],
    ] as const) {
      await page.setViewportSize({ width, height });
      await page.getByRole('button', { name: 'Start anew' }).focus();
      for (let presses = 0; presses < 8; presses++) {
        await page.keyboard.press('Shift+Tab');
        const behind = await page.evaluate<string | null>(`(() => {
          const { left, top, width, height } = document.activeElement.getBoundingClientRect();
          const seen = document.elementFromPoint(left + width / 2, top + height / 2);
          return document.activeElement.contains(seen) ? null : document.activeElement.outerHTML;
        })()`);
        assert.is(behind, null, `${width} by ${height}`);
      }
    }
    await page.setViewportSize({ width: 1280, height: 720 });
  });

  test('a class that comes back by Undo is called otherwise where its name was given to another; what is dropped with pictures and is none is told of', async () => {
    await at.press('Remove Class 2');
    await at.press('Add a class');
    await teach.rename('Class 1', 'Class 2');
    await at.press('Undo');
    const names = () => page.locator('.class input').evaluateAll(all => all.map(e => (e as HTMLInputElement).value));
    await page.waitForFunction(`document.querySelectorAll('.class').length === 3`);
    assert.equal(await names(), ['red', 'Class 2 again', 'Class 2']);
    await at.press('Remove Class 2 again');
    const picture = Buffer.from(await still(RED, 60, 50)).toString('base64');
    await teach.card('Class 2').evaluate((element, content) => {
      const dataTransfer = new DataTransfer();
      // a system may know no type for a name
      dataTransfer.items.add(new File([Uint8Array.from(atob(content), c => c.charCodeAt(0))], 'b.png'));
      dataTransfer.items.add(new File(['words'], 'notes.txt', { type: 'text/plain' }));
      element.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true }));
    }, picture);
    await at.says('Left out: notes.txt: cannot be read as an image');
    await teach.card('Class 2').locator('.count').getByText(/^1\b/).waitFor();
    await at.press('Remove Class 2');
    await at.press('Add a class');
    await teach.rename('Class 1', 'Class 2');
  });

  test('what is dropped beside all classes and is no picture is told of, with the picture beside it too', async () => {
    const picture = await still(RED, 60, 50);
    await teach.drop(undefined, 'a.png', picture, 'notes.txt', 'table.xls');
    await at.says('Left out: notes.txt: cannot be read as an image; give a PNG, JPEG, WebP, GIF or AVIF file (and 1 more)');
    await at.says('a.png: nothing can be said of it yet; train first.');
    await teach.drop(undefined, 'bad.safetensors', Buffer.from('abc'), 'notes.txt');
    await at.says('bad.safetensors: 3 bytes are too few for a safetensors header');
    await at.says('Left out: notes.txt: cannot be read as an image; give a PNG, JPEG, WebP, GIF or AVIF file');
    await page.getByText('(and 1 more)').waitFor({ state: 'detached' });
  });

  test('a camera that is denied, or is not there, is told of where it was asked for', async () => {
    for (const [name, words] of [
      ['NotAllowedError', 'the camera may not be used: permission was denied'],
      ['NotFoundError', 'there is no camera'],
    ] as const) {
      const restore = await teach.withoutCamera(name);
      await page.getByRole('button', { name: 'Hold to capture red' }).click();
      await teach.card('red').getByText(words).waitFor();
      await at.press('Use the camera');
      await page.locator('.stage').getByText(words).waitFor();
      await restore();
    }
  });

  test('one thing is captured by mouse and keys, the other dropped as pictures: both are learned, and told apart live', async () => {
    await teach.rename('Class 2', 'blue');
    await at.press('Use the camera');
    await page.locator('.stage video').waitFor();
    await teach.hold('red', 3);
    await teach.holdKey('red', 3);
    for (let i = 0; i < 6; i++) await teach.drop('blue', `${i}.png`, await still(BLUE, 60 + 8 * i, 40 + 5 * i));
    await teach.card('blue').getByText('6 samples').waitFor();
    await at.press('Train');
    await at.says('It tells 2 classes apart.');
    const [samples, trained, held] = await page.locator('.training dd').allTextContents();
    assert.ok(Number(samples) >= 13, `${samples} samples`);
    assert.equal([trained, held], ['100.0 %', '100.0 %']);
    await teach.answers('red');
  });

  test('samples and the net are there again after a reload, and a net comes back from its file', async () => {
    const before = await page.locator('.count').allTextContents();
    const file = await at.downloaded('Weights');
    await page.reload();
    await page.locator('.bars li').first().waitFor();
    assert.equal(await page.locator('.count').allTextContents(), before);
    assert.equal(await page.locator('.bars li > :first-child').allTextContents(), ['red', 'blue']);
    await teach.drop(undefined, 'blue.png', await still(BLUE, 80, 60));
    await teach.answers('blue');
    await at.press('Train');
    await at.press('Start anew');
    await at.press('Delete all'); // while it trains
    await teach.card('Class 2').waitFor();
    assert.equal(await page.locator('.training dd').allTextContents(), ['0', '–', '–', '–']);
    await page.waitForTimeout(3000);
    assert.equal(await page.locator('.bars li').count(), 0, 'the net of samples that are deleted does not come');
    assert.is(
      await page
        .locator('.training p')
        .allTextContents()
        .then(all => all.join('')),
      '',
    );
    await teach.drop(undefined, 'mine.safetensors', file);
    await at.says('mine.safetensors: answers now, 2 classes.');
    await teach.drop(undefined, 'blue.png', await still(BLUE, 80, 60));
    await teach.answers('blue');
  });

  test('a picture that is shown before there is a net is answered once there is; what is confused stands in a table of its colours, which axe takes', async () => {
    await at.press('Start anew');
    await at.press('Delete all');
    await teach.card('Class 2').waitFor();
    await teach.drop(undefined, 'blue.png', await still(BLUE, 80, 60));
    await at.says('blue.png: nothing can be said of it yet; train first.');
    const things = [RED, BLUE, BLUE, BLUE, RED, RED];
    for (const [i, thing] of things.entries())
      await teach.drop(i < 3 ? 'Class 1' : 'Class 2', `${i}.png`, await still(thing, 60 + 5 * i, 50));
    for (const name of ['Class 1', 'Class 2']) await teach.card(name).getByText('3 samples').waitFor();
    await at.press('Train');
    await at.says('It tells 2 classes apart.');
    await page.waitForFunction(`document.querySelector('.bars li')?.style.getPropertyValue('--share') > 0`);
    assert.is(await page.getByText('blue.png: nothing can be said of it yet').count(), 0);
    await page.getByRole('region', { name: 'Confused samples' }).getByRole('option').first().waitFor();
    const colour = await page.locator('.confusion td').first().evaluate('e => getComputedStyle(e).backgroundColor');
    assert.is.not(colour, 'rgba(0, 0, 0, 0)');
    await at.accessible();
  });

  test('of more than twenty classes those pairs are listed that are confused most', async () => {
    for (let classes = 3; classes <= 21; classes++) await at.press('Add a class');
    for (let i = 3; i <= 21; i++) await teach.drop(`Class ${i}`, `${i}.png`, await still(RED, 60, 50));
    for (let i = 3; i <= 21; i++) await teach.drop(`Class ${i}`, `${i}.png`, await still(RED, 60, 50));
    for (let i = 3; i <= 21; i++) await teach.card(`Class ${i}`).getByText('2 samples').waitFor();
    assert.is(await page.locator('.class select option').count(), 21, 'lists of where to move to are filled where there is what to move');
    const sample = teach.card('Class 3').locator('.samples li').first();
    await sample.click();
    assert.is(await teach.card('Class 3').locator('select option').count(), 22);
    await sample.click();
    await at.press('Train');
    await at.says('It tells 21 classes apart.');
    const confused = page.getByRole('region', { name: 'Confused samples' });
    await confused.getByText('21 classes are too many for a table: these are confused most.').waitFor();
    assert.is(await confused.getByText(/^Class \d+ → Class \d+ \d+$/).count(), 12);
    assert.ok((await confused.getByRole('option').first().boundingBox())!.width > 90);
    await at.accessible();
  });

  test('axe finds nothing in either theme, and nothing moves by itself', async () => {
    assert.ok((await teach.shift()) < 0.05, `layout shift ${await teach.shift()}`);
    await at.accessible();
  });

  test('the console stays silent', () => assert.equal(at.said, []));
}
test.run();
