/** fit as a program meets it: what a run tells, how it is held, stopped and gone on with, and what it says of mistakes. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  datasetOf,
  dense,
  fit,
  openDevice,
  Predictor,
  optimizer,
  rules,
  type FitData,
  type FitOptions,
  type Model,
  type RunEvent,
  type Samples,
} from '../../../index.ts';
import { losses } from '../../../layers/loss.ts';
import { decodeSafetensors } from '../../../train/run/read-safetensors.ts';
import { encodeSafetensors } from '../../../train/run/safetensors.ts';
import { useNode } from '../../../train/run/node/platform.ts';
import { refused } from '../../support/refusal.ts';
import { data, images, labels, net, quick } from '../../support/rows.ts';

const test = suite('fit');
const folder = mkdtempSync(join(tmpdir(), 'descent-fit-'));
test.before(useNode);
test.after(() => rmSync(folder, { recursive: true }));

const said = async (model: unknown, samples: unknown, options: unknown = {}) =>
  (await refused(async () => fit(model as Model, samples as Samples, options as FitOptions).done)).message;

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

test('a checkpoint of before options had defaults goes on to the same bits: its images stay held out at random', async () => {
  const options: FitOptions = { ...quick, stratify: 'none', epochs: 2, valSplit: 0.2 };
  const half = fit(net, data, { ...options, epochs: 1 });
  await half.done;
  const bytes = await half.checkpoint();
  const { tensors, metadata } = decodeSafetensors(bytes, 'half');
  const { stratify, sample, skipBroken, ...config } = JSON.parse(metadata.config!) as Record<string, unknown>;
  assert.equal([stratify, sample, skipBroken], ['none', 'all', false]);
  const old = encodeSafetensors(tensors, { ...metadata, config: JSON.stringify(config) });
  const { stratify: _, ...unsaid } = options;
  const [whole, goneOn] = await Promise.all([fit(net, data, options).done, fit(net, data, { ...unsaid, resume: old }).done]);
  assert.equal([goneOn.train, goneOn.validation], [whole.train, whole.validation]);
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
  assert.match(
    await said(net, await datasetOf(data), { ignoreLabel: '?' }),
    /^ignoreLabel: the data are a data set already; give it to datasetOf$/,
  );
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

test('a checkpoint goes on to the same bits as a run that was not interrupted', async () => {
  const options: FitOptions = { ...quick, epochs: 4, schedule: 'plateau:patience=0', ema: 0.9, earlyStop: '3' };
  const whole = fit(net, data, options);
  const kept: Uint8Array[] = [];
  const first = fit(net, data, { ...options, checkpointEvery: 6, onCheckpoint: ({ bytes }) => void kept.push(bytes) });
  await first.done;
  assert.is(kept.length, 2);
  const second = fit(net, data, { ...options, resume: kept[0]! });
  assert.equal([await (await second).done, (await second.done).step], [await whole.done, 16]);
  assert.ok(Buffer.from(await second.checkpoint()).equals(Buffer.from(await whole.checkpoint())));
  const { message } = await refused(() => fit(net, data, { ...options, lr: 0.5, resume: kept[0]! }).done);
  assert.match(
    message,
    /^resume: lr was 0\.02, now it is 0\.5; a run that goes on keeps its options, only epochs, steps, logEvery and later changes/,
  );
});

test('a checkpoint is a file of the weights too', async () => {
  const run = fit('mlp:hidden=8', data, { ...quick, earlyStop: '3' });
  await run.done;
  const device = await openDevice();
  const [one, other] = [await Predictor.open(device, await run.checkpoint()), await run.model];
  assert.equal(await one.predict(images[0]!), await other.predict(images[0]!));
  one.destroy();
  other.destroy();
  device.close();
});

test('early stopping brings the best weights back; weights are a start for another run', async () => {
  const run = fit(net, data, { ...quick, epochs: 200, earlyStop: '2', optimizer: 'sgd:lr=0' } as FitOptions);
  const { ended, validation } = await run.done;
  assert.is(ended, 'early');
  const next = fit(net, data, { ...quick, epochs: 1, optimizer: 'sgd:lr=0', init: await run.checkpoint(), seed: 9 });
  assert.ok(validation);
  assert.is((await next.done).ended, 'complete');
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
  assert.is(
    await said(net, data, { optimizer: optimizer(own, {}), weightDecay: 0.1 }),
    'weightDecay: the optimizer is one of your own, which would not hear of it; give it to optimizer(rule, options, pieces)',
  );
});

test('an error of the program in a handler ends the run, and says itself', async () => {
  const run = fit(net, data, {
    ...quick,
    onEpoch() {
      throw new Error('mine');
    },
  });
  assert.is(((await run.done.catch((error: unknown) => error)) as Error).message, 'mine');
  const seen: unknown[] = [];
  try {
    for await (const event of fit(net, { images, labels: labels.slice(1) })) seen.push(event);
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).message, 'labels: 119 for 120 images; give one for each');
  }
});

const mistakes: readonly [what: string, model: unknown, samples: unknown, options: unknown, message: RegExp][] = [
  ['an unknown model', 'lenet6', data, {}, /^unknown model 'lenet6'; did you mean 'lenet5'\? known: mlp, /],
  [
    'no model',
    undefined,
    data,
    {},
    /^model: it is undefined; give a name as 'lenet5' .*, or a function of \{ classes, shape \} that returns a layer$/,
  ],
  [
    'a layer as the model',
    dense(3),
    data,
    {},
    /^model: its function fails: .*; give a name .*, or a function of \{ classes, shape \} that returns a layer$/,
  ],
  ['a model that gives nothing', () => undefined, data, {}, /^model: its function returns undefined, which is no layer; give a name/],
  [
    'a model of too few outputs',
    () => dense(2),
    data,
    quick,
    /^model: its output is \[24, 2\], expected \[24, 3\] for 3 classes; end it with dense\(3\)$/,
  ],
  ['unknown data', net, 'no-such-set', {}, /^(unknown dataset|dataset) 'no-such-set'/],
  ['no data', net, undefined, {}, /^data: it is undefined; give \{ images, labels \} or \{ images, targets \}, or the name of a data set$/],
  [
    'a rule',
    net,
    data,
    { optimizer: rules.sgd },
    /^optimizer: it is the rule sgd; give optimizer\(rule, { lr }\), or its name, as 'adam'$/,
  ],
  [
    'a loss that tells no gradient',
    net,
    data,
    { loss: () => undefined },
    /^loss: it returned no gradient; return that of the outputs where/,
  ],
  ['an option that does not exist', net, data, { learningRate: 1 }, /^unknown option of fit 'learningRate'; known: optimizer, lr, /],
  ['an option that is misspelt', net, data, { epoch: 1 }, /^unknown option of fit 'epoch'; did you mean 'epochs'\?/],
  ['what a program does otherwise', net, data, { distribute: 'sync' }, /^unknown option of fit 'distribute'; /],
  ['options that are none', net, data, 5, /^fit: its options are 5; give an object, as \{ epochs: 5 \}$/],
  ['epochs of a half', net, data, { epochs: 0.5 }, /^epochs: 0\.5 is not a whole number; give a whole number/],
  ['NaN', net, data, { lr: NaN }, /^lr: 'NaN' is not a number; give /],
  ['a batch that is too large', net, data, { batchSize: 200 }, /^batchSize: 200 is more than the 108 training images; give 1 to 108$/],
  ['an optimizer that is a function', net, data, { optimizer: () => 0 }, /^optimizer: it is a function; give a name, as 'adam'/],
  ['an optimizer without a name', net, data, { optimizer: { lr: 1 } }, /^optimizer: it is an object of lr; give a name/],
  ['an unknown optimizer', net, data, { optimizer: 'adma' }, /^unknown optimizer 'adma'; /],
  ['a hyper-parameter that does not exist', net, data, { optimizer: { name: 'adam', beta3: 1 } }, /beta3/],
  [
    'a hyper-parameter that is no number',
    net,
    data,
    { optimizer: { name: 'adam', lr: [1] } },
    /^optimizer: adam: lr: it is of the class Array; /,
  ],
  ['an unknown loss', net, data, { loss: 'mes' }, /^loss: 'mes' is not known; /],
  ['an unknown normalisation', net, data, { normalize: 'mean-std' }, /^normalize: 'mean-std' is not known; did you mean 'meanstd'\?/],
  ['colours of a table', net, data, { augment: 'brightness' }, /^augment: /],
  [
    'early stopping on nothing',
    net,
    data,
    { earlyStop: '2', valSplit: 0 },
    /^earlyStop: no images are held out for validation; give a larger valSplit$/,
  ],
  ['an optimizer that never comes', net, data, { optimizer: 'adam:epochs=9,sgd', epochs: 3 }, /^optimizer: sgd begins after 9 epochs, /],
  ['a loss that overflows', net, data, { ...quick, optimizer: 'sgd:lr=1e30', epochs: 9 }, /^the loss is .*; lower lr, or run with debug, /],
  [
    'the same, debugged',
    net,
    data,
    { ...quick, optimizer: 'sgd:lr=1e30', epochs: 9, debug: true },
    /^NaN or infinity at step \d+, first in /,
  ],
  ['a checkpoint that is none', net, data, { resume: new Uint8Array(3) }, /^resume: 3 bytes are too few for a safetensors header; /],
  ['a signal that is none', net, data, { signal: {} }, /^signal: it is an object of nothing; give an AbortController's signal$/],
];
for (const [what, model, samples, options, message] of mistakes) {
  test(`${what}: an error that says so`, async () => assert.match(await said(model, samples, options), message));
}

test.run();
