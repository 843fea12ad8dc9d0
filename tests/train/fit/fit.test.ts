/** fit as a program meets it: what a run tells, how it is held and stopped, and what a program brings of its own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { datasetOf, fit, optimizer, rules, type FitData, type FitOptions, type RunEvent, type Samples } from '../../../index.ts';
import { losses } from '../../../layers/loss.ts';
import { useNode } from '../../../train/run/node/platform.ts';
import { refused } from '../../support/refusal.ts';
import { data, images, labels, net, quick } from '../../support/rows.ts';

const test = suite('fit');
const folder = mkdtempSync(join(tmpdir(), 'descent-fit-'));
test.before(useNode);
test.after(() => rmSync(folder, { recursive: true }));

test('tells steps and epochs, says how it ended, and gives a model that answers', async () => {
  const seen: RunEvent[] = [];
  const steps: number[] = [];
  const run = fit(net, { ...data, test: 0.2 }, { ...quick, epochs: 20, onStep: ({ step }) => void steps.push(step) });
  for await (const event of run) seen.push(event);
  const epochs = seen.filter(e => e.type === 'epoch');
  assert.equal(
    epochs.map(e => e.epoch),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  assert.ok(epochs.at(-1)!.train.loss < 0.5 * epochs[0]!.train.loss, 'it learns');
  assert.equal(
    steps,
    Array.from({ length: 60 }, (_, i) => i + 1),
  );
  const { ended, step, epoch, validation, test: tested, train } = await run.done;
  assert.equal([ended, step, epoch], ['complete', 60, 20]);
  assert.equal([validation, train], [epochs.at(-1)!.validation, epochs.at(-1)!.train]);
  assert.ok(tested!.accuracy! > 0.8);
  const model = await run.model;
  const [answer] = await model.predict([0, 0, 2]);
  assert.is(answer!.label, 'high');
  model.destroy();
});

test('images of their own to validate on are all that is validated on, and none of them is trained on', async () => {
  const own = { images: images.slice(0, 7), labels: labels.slice(0, 7) };
  const run = fit(net, { ...data, validation: own }, { ...quick, epochs: 2 });
  const { step, validation } = await run.done;
  assert.is(step, 10, '120 images in batches of 24');
  const model = await run.model;
  const answers = await model.predict(own.images, { top: 3 });
  const shares = answers.map((all, i) => all.find(({ label }) => label === own.labels[i])!.probability);
  assert.ok(Math.abs(validation!.loss - shares.reduce((sum, p) => sum - Math.log(p) / 7, 0)) < 1e-5);
  assert.is(validation!.accuracy, answers.filter(([likely], i) => likely!.label === own.labels[i]).length / 7);
  model.destroy();
  const shared = await refused(() => fit(net, { ...data, validation: own }, { ...quick, valSplit: 0.2 }).done);
  assert.match(shared.message, /^valSplit: samples has 7 images of its own for validation; leave it out/);
});

test('classes have weights by name, and images of the ignored label count for nothing', async () => {
  const partly = { images, labels: labels.map((label, i) => (i % 5 ? label : '?')), test: 0.2 };
  const options: FitOptions = { ...quick, valSplit: 0, ignoreLabel: '?', classWeights: { low: 2, high: 0 }, sample: 'balanced' };
  const run = fit(net, partly, { ...options, epochs: 20 });
  const model = await run.model;
  assert.equal(model.classes, ['high', 'low', 'middle']);
  const answers = await model.predict(
    [0, 1, 2].map(k => [0, 0, k]),
    { top: 1 },
  );
  assert.ok(
    answers.every(([likely]) => likely!.label !== 'high'),
    'what weighs nothing is never said',
  );
  model.destroy();
  const given = await refused(() => fit(net, partly, { ...options, classWeights: { lwo: 2 } }).done);
  assert.match(given.message, /^unknown class in classWeights 'lwo'; did you mean 'low'\? known: high, low, middle$/);
  const twice = await refused(async () => fit(net, await datasetOf(data), { ignoreLabel: '?' }).done);
  assert.match(twice.message, /^ignoreLabel: the data are a data set already; give it to datasetOf$/);
});

test('what is left out of a folder is told as a warning', async () => {
  const root = join(folder, 'photos');
  for (const [k, name] of ['a', 'b'].entries()) {
    mkdirSync(join(root, name), { recursive: true });
    for (let i = 0; i < 4; i++) {
      await sharp({ create: { width: 9, height: 6, channels: 3, background: { r: 200 * k, g: 20 * i, b: 0 } } }).toFile(
        join(root, name, `${i}.png`),
      );
    }
  }
  writeFileSync(join(root, 'a/broken.png'), 'no picture');
  const warnings: string[] = [];
  const dataDir = process.env.DESCENT_DATA;
  process.env.DESCENT_DATA = folder;
  try {
    const options: FitOptions = { epochs: 1, imageSize: '4x6', skipBroken: true, onWarning: message => void warnings.push(message) };
    const model = await fit(net, root, options).model;
    assert.equal([model.shape, warnings], [[3, 4, 6], ['photos: 1 broken image is left out: a/broken.png']]);
    model.destroy();
  } finally {
    if (dataDir === undefined) delete process.env.DESCENT_DATA;
    else process.env.DESCENT_DATA = dataDir;
  }
});

test('options as objects are the same run as texts, and batches are as large as there are images', async () => {
  const end = async (options: FitOptions) => (await fit(net, data, { epochs: 2, ...options }).done).train!.loss;
  const texts = await end({ optimizer: 'adam:lr=0.01,beta1=0.8', schedule: 'cosine:warmup=2', batchSize: 54 });
  const objects: FitOptions = { optimizer: [{ name: 'adam', lr: 0.01, beta1: 0.8 }], schedule: { name: 'cosine', warmup: 2 } };
  assert.is(await end({ ...objects, batchSize: 54 }), texts);
  const isPrivate = await end({ dp: 'clip=0.5,noise=0.2', optimizer: 'sgd:lr=0.1', batchSize: 54 });
  assert.is(await end({ dp: { clip: 0.5, noise: 0.2 }, optimizer: 'sgd:lr=0.1', batchSize: 54, clipNorm: undefined }), isPrivate);
  const grey: Samples = { images: images.map((_, i) => Uint8Array.of(i, 2 * i)), labels, shape: [2, 1, 1] };
  const attacked = (adversarial: FitOptions['adversarial']) => fit(net, grey, { steps: 2, adversarial, earlyStop: 3 }).done;
  assert.equal(await attacked({ name: 'pgd', epsilon: 0.1, steps: 2 }), await attacked('pgd:epsilon=0.1,steps=2'));
  const all = await fit(net, { images: images.slice(0, 30), labels: labels.slice(0, 30) }, { epochs: 2 }).done;
  assert.is(all.step, 2);
});

test('who is slow misses steps, never epochs, and holds nothing up', async () => {
  const run = fit(net, data, { ...quick, epochs: 6 });
  const events = run[Symbol.asyncIterator]();
  await run.done; // nothing was taken meanwhile
  const seen: string[] = [];
  for (let next = await events.next(); !next.done; next = await events.next()) {
    const event = next.value;
    seen.push(`${event.type} ${'step' in event ? event.step : ''}`);
  }
  assert.equal(
    seen,
    [4, 8, 12, 16, 20, 24].flatMap(step => [`step ${step}`, `epoch ${step}`]),
  );
});

test('who asks for several events at once gets them in their order', async () => {
  const run = fit(net, data, { ...quick, epochs: 1 });
  const events = run[Symbol.asyncIterator]();
  const given: (string | undefined)[] = [];
  for (let i = 0; i < 6; i++) void events.next().then(({ value }) => given.push((value as RunEvent | undefined)?.type));
  await run.done;
  await new Promise(resolve => setTimeout(resolve));
  assert.is(given.length, 6, 'none waits for ever');
  assert.is(given.filter(Boolean).at(-1), 'epoch');
  assert.is(given.at(-1), undefined);
});

test('to break out of the loop stops the run, and its model is valid', async () => {
  const run = fit(net, data, { ...quick, epochs: 1000 });
  for await (const event of run) if (event.type === 'epoch') break;
  const { ended, step } = await run.done;
  assert.is(ended, 'stopped');
  assert.ok(step < 12, `it went on to step ${step}`);
  const model = await run.model;
  assert.is((await model.predict([0, 0, 0])).length, 3);
  model.destroy();
});

test('rests while it is paused, goes on, and stops', async () => {
  let steps = 0;
  const run = fit(net, data, { ...quick, epochs: 1000, onStep: ({ step }) => void (steps = step) });
  while (steps < 3) await new Promise(resolve => setTimeout(resolve, 5));
  await run.pause();
  const at = steps;
  const held = await run.checkpoint();
  await new Promise(resolve => setTimeout(resolve, 50));
  assert.is(steps, at);
  assert.ok(held.length > 0);
  run.resume();
  while (steps < at + 3) await new Promise(resolve => setTimeout(resolve, 5));
  await run.pause();
  await run.stop();
  await run.pause(); // of a run that is over nothing is left to hold
  assert.is((await run.done).ended, 'stopped');
});

test('a signal ends the run and is the reason of its end', async () => {
  const control = new AbortController();
  const reason = new Error('enough');
  const run = fit(net, data, { ...quick, epochs: 1000, signal: control.signal, onEpoch: () => control.abort(reason) });
  const thrown = await run.done.catch((error: unknown) => error);
  assert.is(thrown, reason);
  assert.is(await run.model.catch((error: unknown) => error), reason);
  const late = fit(net, data, { signal: control.signal });
  assert.is(await late.done.catch((error: unknown) => error), reason);
});

test('a loss and a model of your own, also from a module', async () => {
  let called = 0;
  const own: typeof losses.mse = (...args) => {
    called++;
    return losses.mse!(...args);
  };
  const end = async (loss: FitOptions['loss']) => (await fit(net, data, { ...quick, loss }).done).train!.loss;
  assert.is(await end(own), await end('mse'));
  assert.ok(called > 0);
  const file = join(folder, 'net.mjs');
  const layers = pathToFileURL(join(import.meta.dirname, '../../../layers/dense.ts')).href;
  writeFileSync(file, `import { dense } from '${layers}';\nexport default ({ classes }) => dense(classes);\n`);
  const run = fit(pathToFileURL(file), data, quick);
  assert.is((await run.done).step, 12);
  (await run.model).destroy();
});

test('an optimizer with a rule and a schedule of your own', async () => {
  const seen: number[] = [];
  const schedule = {
    at(t: number) {
      seen.push(t);
      return { lr: 0.02 / (1 + t) };
    },
  };
  const end = async (options: FitOptions) => (await fit(net, data, { epochs: 2, batchSize: 24, ...options }).done).train!.loss;
  const own = { ...rules.adam!, name: 'mine' };
  const byOwn = await end({ optimizer: optimizer(own, { lr: 0.02 }), schedule });
  assert.ok(seen.includes(7));
  assert.is(byOwn, await end({ optimizer: 'adam:lr=0.02', schedule }));
  const unheard = await refused(() => fit(net, data, { optimizer: optimizer(own, {}), weightDecay: 0.1 }).done);
  assert.is(
    unheard.message,
    'weightDecay: the optimizer is one of your own, which would not hear of it; give it to optimizer(rule, options, pieces)',
  );
});

test('data that went to the disk train to the same bits as those in memory', async () => {
  const end = async (samples: FitData) => {
    const run = fit(net, samples, quick);
    await run.done;
    return Buffer.from(await run.checkpoint());
  };
  const held = await datasetOf({ ...data, test: 0.2 }, 100);
  assert.ok(held.train.stored && held.test.stored);
  assert.ok((await end(held)).equals(await end({ ...data, test: 0.2 })));
});

test.run();
