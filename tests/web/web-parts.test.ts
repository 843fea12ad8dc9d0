/** What the page computes by itself: specs from choosers, files and folders, explanations. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { check, faultOf, named, say } from '../../engine/check.ts';
import { parseAugment } from '../../train/config/augment.ts';
import { parseConfig } from '../../train/config/config.ts';
import { Diverged } from '../../train/step/divergence.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { augmenting, modelling, optimizing, scheduling, type Choice } from '../../web/form/choices.ts';
import { isDataFile, keepData } from '../../web/data/dropped.ts';
import { digest } from '../../web/data/folder.ts';
import { refusal as unkept } from '../../web/data/kept.ts';
import { configOf, textsOf } from '../../web/form/texts.ts';
import { readSpecs, writeSpecs } from '../../web/form/spec-field.ts';
import type { Run } from '../../web/views/runs.ts';
import { statusOf } from '../../web/views/train/run-view.ts';
import { balanced, foldsOf } from '../../web/worker/lots.ts';
import { inPageWords } from '../../web/words.ts';
import { refusal, refused } from '../support/refusal.ts';
import { tarOf } from '../support/tar-of.ts';

const test = suite('parts of the page');

const SPECS: readonly (readonly [Choice, text: string | undefined, written: string | undefined])[] = [
  [optimizing, undefined, 'adadelta'],
  [optimizing, 'momentum:momentum=0.8', 'momentum:momentum=0.8'],
  [optimizing, 'adam:epochs=5,lbfgs', 'adam:epochs=5,lbfgs'],
  [optimizing, 'adam,lbfgs:history=20,lr=0.5', 'adam:epochs=1,lbfgs:history=20,lr=0.5'],
  [optimizing, 'adam:epochs=5', 'adam'],
  [scheduling, undefined, undefined],
  [scheduling, 'cosine:warmup=500', 'cosine:warmup=500'],
  [scheduling, 'step', 'step:step_size=500'],
  [scheduling, 'multistep', 'multistep:milestones=1000/2000'],
  [augmenting, 'crop,flip,cutout:16', 'crop,flip,cutout:size=16'],
  [augmenting, 'flip:p=0.3,vertical=true,mixup:0.4', 'flip:p=0.3,vertical=true,mixup:alpha=0.4'],
  [augmenting, 'nosuch', undefined],
  [modelling, 'lenet5:classic', 'lenet5:classic=true'],
  [modelling, 'mlp:hidden=64-32', 'mlp:hidden=64-32'],
];
for (const [choice, text, written] of SPECS) {
  test(`a chooser reads ${text ?? 'nothing'} and writes ${written ?? 'nothing'}`, () => {
    const specs = readSpecs(choice, text);
    assert.is(writeSpecs(choice, specs), written);
    assert.is(writeSpecs(choice, readSpecs(choice, written)), written); // what is written is read as the same
  });
}

test('what a chooser writes for each name is taken by the command line', () => {
  const written = (choice: Choice, name: string) => writeSpecs(choice, [{ name, options: {} }])!;
  for (const name of optimizing.names)
    assert.type(recipeOf(parseConfig('mlp', { optimizer: written(optimizing, name) })).config.lr, 'number', name);
  for (const name of scheduling.names) assert.ok(recipeOf(parseConfig('mlp', { schedule: written(scheduling, name) })), name);
  for (const name of augmenting.names) {
    const { transforms, mix } = parseAugment(written(augmenting, name));
    assert.is(transforms.length + mix.length, 1, name);
  }
});

test('every choice and option is explained', () => {
  const place = { index: 1, last: false };
  for (const choice of [optimizing, scheduling, augmenting, modelling]) {
    for (const name of choice.names) {
      const { about, formula } = choice.explain(name);
      assert.ok(about && (formula || choice === modelling), `${name} has no line or formula`);
      for (const [key, option] of Object.entries(choice.options(name, place))) {
        assert.ok(option.about, `${key} of ${name} has no line`);
        if (option.default !== undefined) assert.equal(option.read(option.example), option.default, `${key} of ${name}`);
        else assert.ok(option.read(option.example) !== undefined, `${key} of ${name} does not take its own example`);
      }
    }
  }
});

test('texts of a configuration give it again', () => {
  const config = parseConfig('mlp:hidden=8', {
    optimizer: 'adam:epochs=2,lbfgs',
    schedule: 'step:step_size=5',
    augment: 'crop:2,flip',
    decayBias: 'false',
    lr: '0.3',
  });
  assert.equal(configOf(textsOf(config)), config);
  assert.equal(textsOf(configOf({})), { model: 'lenet5' });
});

test('the time that is left is told in whole minutes and seconds', () => {
  const left = (steps: number): string => {
    const facts = { adapter: 'one', stepsPerEpoch: 60, total: steps, batchSize: 10 };
    return /, ([^,]*) left/.exec(
      statusOf({ id: 0, state: 'running', step: 0, message: '', facts, imagesPerSecond: 10.02 } as unknown as Run),
    )![1]!;
  };
  assert.equal([left(10), left(120), left(3600), left(7300)], ['10 s', '1 min 59 s', '59 min 52 s', '2 h 1 min']);
});

test('samples of a class are held out in parts that were taken together, and the only one of its class never', () => {
  const labels = [0, 1, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0];
  assert.equal([...foldsOf(labels)], [0, 0, 0, 1, 1, -1, 2, 1, 2, 3, 3, 4, 4]);
  assert.equal([...foldsOf([0, 1])], [-1, -1]);
});

test('each class is learned from as often as the largest', () => {
  assert.equal(balanced([0, 1, 0, 0, 2]), [0, 2, 3, 1, 1, 1, 4, 4, 4]);
});

test('the page shuffles a folder by the digests of the command line', async () => {
  const text = '0\ncats/\u00e9t\u00e9 1.png';
  assert.is(await digest(text), createHash('sha256').update(text).digest('hex'));
});

const cifar = tarOf({ 'cifar-10-batches-bin/readme.html': Buffer.alloc(99), 'cifar-10-batches-bin/data_batch_1.bin': Buffer.alloc(3073) });
const short = /^(.*): data_batch_1.bin: has 3,073 bytes, 30,730,000 are expected; it is cut short or another file, fetch it again$/;
const FILES: readonly (readonly [name: string, bytes: Uint8Array, says: RegExp])[] = [
  ['cifar-10-binary.tar.gz', gzipSync(cifar), short],
  ['cifar.tgz', gzipSync(cifar), short],
  ['cifar.tar', cifar, short],
  ['cut.tar', cifar.subarray(0, 3000), /^cut.tar: cifar-10-batches-bin\/data_batch_1.bin: the archive ends before its 3073 bytes/],
  ['cut.tar.gz', gzipSync(cifar).subarray(0, 90), /^cut.tar.gz: is damaged, it does not decompress; fetch it again$/],
  ['page.tar.gz', Buffer.from('<html>log in first</html>'), /^page.tar.gz: is damaged, it does not decompress; fetch it again$/],
  ['text.tar', Buffer.alloc(2000, 'text'), /^text.tar: not a tar archive; the download is corrupt$/],
  [
    'cifar-10-python.tar.gz',
    gzipSync(tarOf({ 'cifar-10-batches-py/data_batch_1': Buffer.alloc(9) })),
    /^cifar-10-python.tar.gz: holds no file of .*; archives that do are cifar-10-binary.tar.gz, cifar-100-binary.tar.gz$/,
  ],
  ['test_batch.bin', Buffer.alloc(9), /^test_batch.bin: has 9 bytes, 30,730,000 are expected/],
  [
    't10k-labels-idx1-ubyte.gz',
    gzipSync(Buffer.alloc(10008)),
    /^t10k-labels-idx1-ubyte.gz: its content is that of none of fashion-mnist, mnist/,
  ],
];
for (const [name, bytes, says] of FILES) {
  test(`a dropped file is refused in one line: ${says.source}`, async () => {
    assert.ok(isDataFile(name));
    const dropped = { files: {}, folders: {} };
    assert.match(await refusal(() => keepData(new File([Uint8Array.from(bytes)], name), dropped)), says);
    assert.equal(dropped.files, {});
  });
}

/** What the engine or train/ says, or does not take, and what the page makes of it. */
const WORDS: readonly (readonly [said: () => unknown, shown: string])[] = [
  [
    () => check(false, 'a: activation takes 9 MB', say`use a smaller ${named('batchSize')}`),
    'a: activation takes 9 MB; use a smaller “Batch size”',
  ],
  [
    () => check(false, 'out of memory', say`use a smaller ${named('batchSize')} or model`, named('checkpointActivations')),
    'out of memory; use a smaller “Batch size” or model, or “Recompute activations”',
  ],
  [
    () =>
      check(false, say`${named('precision', 'f16')}: X is old`, say`use ${named('precision', 'f32')}`, say`another ${named('adapter')}`),
    'Precision f16: X is old; use “Precision” f32',
  ],
  [() => check(false, 'the disk is full', say`continue with ${named('resume', 'run')}`), 'the disk is full'],
  [() => Promise.reject(new Diverged('the loss is NaN at step 3')), 'the loss is NaN at step 3; lower “Learning rate”'],
  [() => parseConfig('mlp', { batchSize: '0' }), 'Batch size: 0 is out of range; give a whole number of at least 1'],
  [() => recipeOf(parseConfig('mlp', { augment: 'crop:-1' })), 'Augmentation: crop: padding is -1; give a whole number of at least 1'],
  [
    () => recipeOf(parseConfig('mlp', { optimizer: 'lbfgs', clipNorm: '1' })),
    'lbfgs: minimises a smooth function of all weights, “Clip the gradient’s length” is not for it; leave that out ' +
      '(“L2 penalty (weight decay)” can stay), or take a first-order optimizer',
  ],
];
for (const [said, shown] of WORDS) {
  test(`the page says: ${shown}`, async () => {
    const error = await refused(said);
    assert.is(inPageWords(error), shown);
    assert.is(inPageWords(structuredClone(faultOf(error))), shown, 'of an error that a worker sent');
  });
}
test('why a browser keeps nothing is one sentence, whether its own words end in a dot or not', () => {
  assert.match(
    unkept('Run 1', new Error('no')),
    /^Run 1 will not outlast a reload, as the browser does not keep it: it has no IndexedDB\. All else/,
  );
  Object.assign(globalThis, { indexedDB: {} });
  try {
    for (const why of ['The user denied permission.', 'The user denied permission'])
      assert.match(unkept('Run 1', new Error(why)), /does not keep it: The user denied permission\. All else goes on;/);
  } finally {
    Reflect.deleteProperty(globalThis, 'indexedDB');
  }
});

test.run();
