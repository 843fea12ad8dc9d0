/** The library in a page of Chromium, as a bundler gives it: runs in workers and beside them, and pictures of every kind. */
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CheckpointEvent, EpochEvent, RunEvent, StepEvent } from '../../index.ts';
import { decodeSafetensors } from '../../train/run/read-safetensors.ts';
import { onPage, type BuiltPage } from '../support/process/browser.ts';
import type { Library } from './library/main.ts';

const test = suite('the library in a page');
let at: BuiltPage;
/** What a function of the page's main.ts gives. */
const call = <K extends keyof Library>(name: K): Promise<Awaited<ReturnType<Library[K]>>> => at.page.evaluate(`library.${name}()`);
const ofType = <T extends RunEvent>(events: readonly RunEvent[], type: T['type']) => events.filter((e): e is T => e.type === type);

const opened = async (page: BuiltPage) => {
  at = page;
};
if (onPage(test, 'library.test.ts', opened, { root: join(import.meta.dirname, 'library') })) {
  test.before.each(async () => {
    if (at.page.url() === at.address) return;
    await at.page.goto(at.address);
    await at.page.waitForFunction('globalThis.library');
  });

  let whole: Awaited<ReturnType<Library['byName']>>;
  test('a model by name trains in a worker, tells what happens, and answers in the page', async () => {
    whole = await call('byName');
    assert.is(whole.workers, 1);
    assert.equal(
      ofType<StepEvent>(whole.events, 'step').map(e => e.step),
      Array.from({ length: 12 }, (_, i) => i + 1),
    );
    assert.is(ofType<EpochEvent>(whole.events, 'epoch').length, 4);
    assert.equal([whole.outcome.ended, whole.outcome.step], ['complete', 12]);
    assert.equal(whole.answers, ['down', 'across']);
    assert.equal(ofType(whole.events, 'warning'), []);
    const { metadata } = decodeSafetensors(Uint8Array.from(whole.checkpoint), 'checkpoint');
    assert.is(metadata.classes, '["across","down"]');
  });

  test('a checkpoint of a worker goes on in another to the same bits', async () => {
    const { checkpoint, workers, events } = await call('resumed');
    assert.is(workers, 1);
    assert.equal(ofType<CheckpointEvent>(events, 'checkpoint'), []);
    const tensors = (bytes: readonly number[]) => decodeSafetensors(Uint8Array.from(bytes), 'checkpoint').tensors;
    const [one, other] = [tensors(checkpoint), tensors(whole.checkpoint)];
    for (const [name, { data }] of Object.entries(other)) assert.equal([...one[name]!.data], [...data], name);
  });

  test('a run in a worker starts from weights that the page keeps, and from those at an address, ONNX too', async () => {
    const { losses, workers } = await call('started');
    assert.is(workers, 3);
    assert.ok(losses[0]! < 0.5, `its loss is ${losses[0]}`);
    for (const loss of losses) assert.ok(Math.abs(loss! - losses[0]!) < 1e-5, `losses are ${losses.join()}`);
  });

  test("options and data that a page's framework has made reactive train in a worker too", async () => {
    assert.equal(await call('reactive'), { ended: 'complete', workers: 1 });
  });

  test('a model that is a function trains in the page; to break out of the loop stops a run', async () => {
    const own = await call('byFunction');
    assert.equal([own.workers, own.outcome.step], [0, 12]);
    const broken = await call('broken');
    assert.equal([broken.workers, broken.outcome.ended, broken.events.length], [1, 'stopped', 5]);
    assert.ok(broken.outcome.step < 1000);
  });

  test('rests, goes on, stops, and ends by a signal', async () => {
    const { at: step, still, ended } = await call('held');
    assert.equal([still, ended], [step, 'stopped']);
    assert.equal(await call('aborted'), { kind: 'Error', message: 'enough' });
  });

  test('errors of a worker are those of the library', async () => {
    const [labels, batch, diverged, own, five, schedule, mine] = await call('failures');
    assert.is(labels!.message, 'labels: 1 for 60 images; give one for each');
    assert.is(batch!.message, 'batchSize: 1000 is more than the 54 training images; give 1 to 54');
    assert.match(diverged!.message, /^the loss is (NaN|Infinity) at step/);
    assert.equal(mine, { kind: 'Error', message: 'mine' });
    assert.match(five!.message, /^model: blob:.* exports 5 as its default; export a function there$/);
    assert.match(schedule!.message, /^schedule: it is a function; give a name, as/);
    assert.is(own!.message, 'worker: the run cannot train in one, its model stays in this thread; leave out worker, or give a name');
  });

  test('a picture gives the same bytes in whatever way the page holds it', async () => {
    const { bytes, shape } = await call('pictures');
    assert.equal(shape, [3, 7, 9]);
    for (const [name, values] of Object.entries(bytes)) assert.equal(values, bytes.canvas, name);
    assert.equal(bytes.canvas!.slice(0, 9), [0, 20, 40, 60, 80, 100, 120, 140, 160]);
  });

  test('what is drawn may be drawn over or closed as soon as it was given', async () => {
    assert.equal(await call('changed'), [255, 255, 255, 255]);
  });

  test('what to do about a picture without pixels fits its kind', async () => {
    const advice = ["wait for a video's first frame, of which 'loadeddata' tells", 'close it later', 'close it later'];
    assert.equal(
      await call('empty'),
      [...advice, 'give it a width and a height'].map(what => `the picture: it has no pixels; ${what}`),
    );
  });

  test('values in memory that may shrink are taken, in a worker and beside it', async () => {
    for (const { message } of await call('resizable')) assert.is(message, 'it did not fail');
  });

  test('what is no picture is named; what is too large for memory comes back from a Blob', async () => {
    const [blob, element, missing, floats, rgb] = await call('refused');
    assert.match(blob!.message, /^images\[0\]: cannot be read as an image \(.*\); give a PNG, JPEG, WebP, GIF or AVIF file$/);
    assert.match(element!.message, /^images\[0\]: it is of the class HTMLDivElement; give a picture/);
    const wanted = 'give bytes: red, green, blue and alpha of each pixel';
    assert.is(floats!.message, `the picture: its data are of the class Float32Array; ${wanted}`);
    assert.is(rgb!.message, 'the picture: it has 12 values for 2x2 pixels; four a pixel are needed: red, green, blue, alpha');
    assert.match(missing!.message, /^images\[0\] .*missing\.png: cannot be read as an image \(/);
    const body = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>';
    await at.page.route('http://other.example/**', route => route.fulfill({ body, contentType: 'image/svg+xml' }));
    assert.match((await call('foreign')).message, /^the picture: cannot be read .*; load it with crossOrigin = 'anonymous' from a server/);
    assert.equal(await call('large'), [5, 50, 1, 10, 2, 20, 3, 30]);
  });
}

test.run();
