/** What the page computes by itself: specs from choosers, the overfitting gap, files and folders, explanations, colours. */
import { readFileSync } from 'node:fs';
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
import { CASING, CLASSES, GROUNDS, luminance, RUNS, racerRgb, type Rgb } from '../../web/views/colours.ts';
import { isDataFile, keepData } from '../../web/data/dropped.ts';
import { digest } from '../../web/data/folder.ts';
import { configOf, textsOf } from '../../web/form/form.ts';
import { extent } from '../../web/views/curves/range.ts';
import { smooth } from '../../web/views/curves/line.ts';
import { Track } from '../../web/views/curves/track.ts';
import { overfitting } from '../../web/views/gap.ts';
import { readSpecs, writeSpecs } from '../../web/form/spec-field.ts';
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

const line = (...ys: number[]) => ys.map((y, x) => [x, y] as const);
test('the gap lies where validation is worse, up to where the curves cross', () => {
  const { from, to } = overfitting(line(4, 2, 0), line(2, 2, 2), 1);
  assert.equal(from, [
    [0, 4],
    [1, 2],
    [2, 0],
  ]);
  assert.equal(to, [
    [0, 4],
    [1, 2],
    [2, 2],
  ]); // nothing before the crossing at step 1
  const crossed = overfitting(line(3, 0), line(0, 1), 1);
  assert.equal(crossed.to, [
    [0, 3],
    [0.75, 0.75],
    [1, 1],
  ]);
  assert.equal(overfitting(line(0.2, 0.9), line(0.2, 0.5), -1).to, [
    [0, 0.2],
    [1, 0.5],
  ]); // of an accuracy less is worse
  const between = overfitting(
    line(0, 0, 0, 0, 0),
    [
      [1, 1],
      [3, 3],
    ],
    1,
  );
  assert.equal(between.to, [
    [1, 1],
    [2, 2],
    [3, 3],
  ]); // training points between two validation points count
  assert.equal(overfitting(line(1), line(1, 2), 1), { from: [], to: [] });
});

test('a smoothed curve keeps straight lines, and short curves', () => {
  const straight = line(...Array.from({ length: 90 }, (_, i) => 2 * i));
  const found = smooth(straight, 3);
  found.slice(3, -3).forEach(([x, y]) => assert.ok(Math.abs(y - 2 * x) < 1e-9, `${y} at ${x}`));
  assert.equal(
    [found[0], found[89]],
    [
      [0, 3],
      [89, 175],
    ],
  ); // of the four points that are there
  assert.equal(smooth(line(5, 1, 7), 0), line(5, 1, 7));
  assert.is(smooth(line(...Array.from({ length: 90 }, (_, i) => i % 2)), 3)[45]![1], 3 / 7); // reaches three points both ways
});

test('one value far from the others leaves these their height, and is told of', () => {
  const curve = (...ys: number[]) => ({ name: '', colour: '', points: line(...ys) });
  const flat = Array.from({ length: 99 }, (_, i) => 2 - i / 99);
  const cut = extent([curve(250, ...flat)], {});
  assert.ok(cut.high < 2.2 && cut.most === 250, JSON.stringify(cut));
  assert.ok(extent([curve(250, ...flat)], { whole: true }).high > 250);
  assert.is(extent([curve(...flat)], {}).most, undefined); // what falls steeply is shown from its beginning
  const { low, high } = extent([curve(0, 1e-3, 10)], { log: true });
  assert.ok(low > 0 && low < 1e-3 && high > 10);
  assert.equal(extent([curve()], {}), { low: 0, high: 1 });
});

test('a curve that grows is kept in few points, with its outliers and its trend; a part of it is as fine as it was', () => {
  const lines: { step: number; y: number }[] = [];
  const track = new Track<{ step: number; y: number }>(
    l => l.step,
    l => l.y,
  );
  const add = (to: number) => {
    for (let i = lines.length; i < to; i++) lines.push({ step: i, y: i === 777 ? 1e3 : i % 2 });
    track.follow(lines);
  };
  add(900);
  assert.is(track.shown(0).points.length, 900);
  add(50_000);
  const { points, trend } = track.shown(1 / 15);
  assert.ok(points.length < 2500 && points.some(([x, y]) => x === 777 && y === 1e3), `${points.length} points`);
  assert.ok(trend.every(([x, y]) => x < 4000 || Math.abs(y - 0.5) < 1e-3));
  assert.equal(
    track.shown(0, [10, 12]).points.slice(1, 4),
    line(0, 1, 0).map(([x, y]) => [x + 10, y]),
  );
  track.follow(lines.slice(0, 5));
  assert.equal(track.shown(0).points, line(0, 1, 0, 1, 0));
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

const rgbOf = (hex: string): Rgb => {
  const all = hex.length === 4 ? hex.replace(/\w/g, '$&$&') : hex;
  return [1, 3, 5].map(at => Number.parseInt(all.slice(at, at + 2), 16)) as unknown as Rgb;
};
const contrast = (a: Rgb, b: Rgb) => {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
};
const cards = [...readFileSync(new URL('../../web/style.css', import.meta.url), 'utf8').matchAll(/--card: (#\w+);/g)].map(m =>
  rgbOf(m[1]!),
);
for (const [i, theme] of (['light', 'dark'] as const).entries()) {
  test(`colours stand out from their ground by 3 : 1, ${theme}`, () => {
    assert.is(contrast([255, 255, 255], [0, 0, 0]), 21);
    assert.equal(cards.length, 3); // the dark theme stands twice: as chosen, and as the system's
    assert.equal(cards[2], cards[1]);
    const checked: [what: string, colour: Rgb, grounds: Rgb[]][] = [
      ...RUNS[theme].map((hex): [string, Rgb, Rgb[]] => [`run ${hex}`, rgbOf(hex), [cards[i]!]]),
      ...Array.from({ length: 18 }, (_, r): [string, Rgb, Rgb[]] => [`racer ${r}`, racerRgb(r, theme), [cards[i]!, rgbOf(CASING[theme])]]),
      ...CLASSES.map((rgb, c): [string, Rgb, Rgb[]] => [`class ${c}`, rgb, [[GROUNDS[theme], GROUNDS[theme], GROUNDS[theme]]]]),
    ];
    for (const [what, colour, grounds] of checked)
      for (const ground of grounds)
        assert.ok(contrast(colour, ground) >= 3, `${what} has ${contrast(colour, ground).toFixed(2)} on ${ground.join(' ')}`);
  });
}

/** What is left of linear RGB for who lacks the red or the green cones (Machado, Oliveira, Fernandes 2009, severity 1). */
const SIGHT: Readonly<Record<string, readonly (readonly number[])[]>> = {
  all: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  'no red': [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  'no green': [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
};
const times = (m: readonly (readonly number[])[], v: readonly number[]) => m.map(row => row.reduce((sum, x, k) => sum + x * v[k]!, 0));
/** OKLab (Ottosson 2020) of a colour as it is seen. */
function oklab(rgb: Rgb, sight: string): number[] {
  const linear = rgb.map(v => luminance([v, v, v]));
  const lms = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    times(SIGHT[sight]!, linear).map(v => Math.min(1, Math.max(0, v))),
  );
  return times(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    lms.map(Math.cbrt),
  );
}
for (const theme of ['light', 'dark'] as const)
  for (const sight of Object.keys(SIGHT)) {
    test(`colours of runs differ, ${theme}, to who sees ${sight}`, () => {
      const seen = RUNS[theme].map(hex => oklab(rgbOf(hex), sight));
      seen.forEach((a, i) =>
        seen.slice(0, i).forEach((b, j) => {
          const distance = Math.hypot(...a.map((v, k) => v - b[k]!));
          assert.ok(distance > 0.11, `runs ${j + 1} and ${i + 1}: ${distance.toFixed(3)}`);
        }),
      );
    });
  }
test.run();
