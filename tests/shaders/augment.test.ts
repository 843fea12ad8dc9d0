import { join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dataShow } from '../../cli/show/data-show.ts';
import { shapes } from '../../datasets/shapes.ts';
import { parseAugment } from '../../train/config/augment.ts';
import { checkImages } from '../../train/data/augmentation.ts';
import { close, WAYS, type Way } from '../support/check.ts';
import { gathered, noise } from '../support/gathered.ts';
import { printed } from '../support/process/printed.ts';
import { augmented, equalize } from '../reference/augment.ts';
import { refusal } from '../support/refusal.ts';
import { scratchFolders } from '../support/process/scratch.ts';

const test = suite('augment');
const folder = scratchFolders(test);

const colourImages = noise([3, 12, 10], 20);
const greyImages = noise([1, 7, 9], 20);
const meanOf = ({ shape: [c, h, w], train: { images, n } }: typeof colourImages): number[] =>
  Array.from({ length: c }, (_, k) => {
    let sum = 0;
    for (let i = 0; i < n; i++) for (let p = 0; p < h * w; p++) sum += images[(i * c + k) * h * w + p]! / 255;
    return sum / (n * h * w);
  });

/** Against the reference; `ways` differ in the size of workgroups alone. `tolerance` in bytes. */
async function agrees(text: string, o: { images?: typeof colourImages; epoch?: number; tolerance?: number; ways?: readonly Way[] } = {}) {
  const { images = colourImages, epoch = 3, tolerance = 0.01, ways = ['own'] } = o;
  const [c, h, w] = images.shape;
  const augment = parseAugment(text);
  const size = c * h * w;
  const mean = meanOf(images);
  for (const way of ways) {
    const { x, labels } = await gathered(images, { augment }, { way, n: 6, offset: 8, seed: 77, epoch, shuffle: false });
    for (let i = 0; i < 6; i++) {
      const index = 8 + i;
      const bytes = images.train.images.subarray(index * size, (index + 1) * size);
      const want = augmented({ c, h, w, bytes }, augment.transforms, { seed: 77, epoch, index, mean, colour: COLOUR });
      const got = x.subarray(i * size, (i + 1) * size).map(v => v * 255);
      for (let k = 0; k < size; k++) {
        if (!(Math.abs(got[k]! - want[k]!) <= tolerance)) {
          assert.unreachable(`${way}: ${text}: image ${index} value ${k} is ${got[k]}, expected ${want[k]}`);
        }
      }
      assert.is(labels[i], images.train.labels[index]);
    }
  }
}

/** The axes of the colours of `colourImages` times their variances, by power iteration on the covariance. */
const COLOUR = (() => {
  const { images, n } = colourImages.train;
  const plane = 120;
  const covariance = [0, 1, 2].map(() => [0, 0, 0]);
  const mean = meanOf(colourImages);
  for (let i = 0; i < n; i++) {
    for (let p = 0; p < plane; p++) {
      for (let a = 0; a < 3; a++) {
        for (let b = 0; b < 3; b++) {
          covariance[a]![b]! +=
            ((images[(i * 3 + a) * plane + p]! / 255 - mean[a]!) * (images[(i * 3 + b) * plane + p]! / 255 - mean[b]!)) / (n * plane);
        }
      }
    }
  }
  const columns: number[][] = [];
  const rest = covariance.map(row => [...row]);
  for (let k = 0; k < 3; k++) {
    let v = [1, 0.7, 0.4];
    let value = 0;
    for (let t = 0; t < 5000; t++) {
      const next = rest.map(row => row.reduce((s, r, j) => s + r * v[j]!, 0));
      value = Math.hypot(...next);
      v = next.map(x => x / value);
    }
    columns.push(v.map(x => x * value));
    for (let a = 0; a < 3; a++) for (let b = 0; b < 3; b++) rest[a]![b]! -= value * v[a]! * v[b]!;
  }
  return [0, 1, 2].map(i => columns.map(col => col[i]!));
})();

const exact = [
  'crop',
  'crop:2,fill=reflect',
  'crop:3,fill=edge',
  'crop:6,fill=wrap',
  'crop:4,fill=mean',
  'crop:9,fill=200',
  'crop:9,fill=reflect',
  'flip',
  'flip:1',
  'flip:vertical=true',
  'flip:alternate=true',
  'cutout:6',
  'cutout:5,fill=zero',
  'crop,flip,cutout:4',
  'cutout:4,crop:3,fill=reflect',
  'flip,crop:2,fill=wrap,crop:3,fill=edge',
];
for (const text of exact) test(`${text}: whole pixels, exactly`, () => agrees(text, { tolerance: 1e-4 }));
for (const epoch of [0, 1]) test(`flip:alternate in epoch ${epoch}`, () => agrees('flip:alternate=true', { epoch, tolerance: 1e-4 }));

const smooth = [
  'scale',
  'scale:0.5',
  'scale:min=1.2,max=1.6,fill=edge',
  'scale:min=0.5,max=0.5,x=1,y=0',
  'random-resized-crop',
  'random-resized-crop:scale=0.2-0.5,ratio=0.5-2',
  'random-resized-crop:scale=0.9-1,ratio=2-3',
  'random-resized-crop:0.5-1,flip,rotate:20',
  'rotate',
  'rotate:180,fill=edge',
  'rotate:40,fill=mean',
  'translate',
  'translate:0.5,fill=reflect',
  'translate:0.7,fill=wrap',
  'shear',
  'shear:35,fill=wrap',
  'stretch',
  'stretch:0.6,fill=edge',
  'lens',
  'lens:0.7,fill=reflect',
  'rotate,crop,flip',
  'crop:3,fill=80,rotate:30,fill=edge,stretch,flip',
  'lens,shear,scale,translate,rotate:20,fill=reflect,flip',
];
for (const text of smooth) test(`${text}: bilinear`, () => agrees(text));
for (const text of ['rotate:30', 'crop:2,fill=reflect', 'brightness,contrast', 'noise', 'cutout:3']) {
  test(`${text}: one channel, odd sizes`, () => agrees(text, { images: greyImages }));
}

for (const text of [
  'brightness:0.6',
  'contrast:0.9',
  'saturation:0.8',
  'noise:0.1',
  'brightness,contrast,saturation,noise',
  'brightness:0.5,rotate:40,contrast:0.5,cutout:5,fill=100,saturation',
]) {
  test(`${text}: colours, in the order written`, () => agrees(text, { ways: WAYS }));
}

test('pca: the axes of the colours (their signs are free)', async () => {
  const augment = parseAugment('pca:2');
  const [plain, moved] = await Promise.all([{}, { augment }].map(o => gathered(colourImages, o, { n: 20, seed: 5, epoch: 1 })));
  // shifts of pixels that did not meet the ends of the scale: in the span of the axes, with their lengths
  const squares = [0, 0, 0];
  const whole: number[] = []; // images with such pixels in all channels
  for (let i = 0; i < 20; i++) {
    const shift: number[] = [];
    for (let k = 0; k < 3; k++) {
      for (let p = 0; p < 120; p++) {
        const at = (i * 3 + k) * 120 + p;
        const v = moved!.x[at]!;
        const d = v - plain!.x[at]!;
        if (v <= 0 || v >= 1) continue;
        shift[k] ??= d;
        assert.ok(Math.abs(d - shift[k]!) < 1e-5, `image ${i} channel ${k}: all pixels move by the same`);
      }
    }
    if (Object.keys(shift).length < 3) continue;
    whole.push(i);
    // along each axis: std * variance * N(0, 1)
    for (let k = 0; k < 3; k++) {
      const column = COLOUR.map(row => row[k]!);
      const variance = Math.hypot(...column);
      const n = shift.reduce((s, v, j) => s + (v * column[j]!) / variance, 0) / (2 * variance);
      squares[k]! += n * n;
    }
  }
  assert.ok(whole.length >= 15);
  const expected = normalSquares(whole);
  close(
    'sums of squares along the axes',
    squares.map((v, k) => v / expected[k]!),
    [1, 1, 1],
    1e-3,
  );
});

/** Sums of squares of the numbers that these images draw, whatever their sign. */
function normalSquares(indices: readonly number[]): number[] {
  const sums = [0, 0, 0];
  for (const index of indices) {
    // a grey image moved by unit axes shows the numbers themselves
    const out = augmented({ c: 3, h: 1, w: 1, bytes: [127, 127, 127] }, [{ name: 'pca', o: { std: 0.01 } }], {
      seed: 5,
      epoch: 1,
      index,
      mean: [],
      colour: [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
    });
    out.forEach((v, k) => {
      sums[k]! += ((v - 127) / 2.55) ** 2;
    });
  }
  return sums;
}

for (const text of ['augmix', 'augmix:9', 'flip,crop:2,augmix,cutout:3', 'rotate:20,augmix:5,brightness']) {
  test(`${text}: chains`, () => agrees(text, { tolerance: 0.02, images: smoothImages }));
}

/** Large enough that equalize has a step above 1, dark, of few values. */
const darkImages = (() => {
  const { train, ...rest } = noise([3, 20, 30], 20);
  return { ...rest, train: { ...train, images: train.images.map(v => 40 + Math.floor(((v * v) / 65536) * 8) * 16) } };
})();

test('augmix of dark images: autocontrast and equalize change them', async () => {
  const plane = [...darkImages.train.images.subarray(0, 600)];
  const table = equalize(plane);
  assert.ok(table[40] !== 40 && table[Math.max(...plane)] === 255, 'the case has something to find');
  await agrees('augmix:6', { tolerance: 0.02, images: darkImages, ways: WAYS });
});

test('tables of images: histograms of any size, also where the images pass through a ring', async () => {
  const size = 3 * 12 * 10;
  const augment = parseAugment('brightness:0.5,contrast:0.9,augmix');
  const wanted = { n: 4, offset: 8, seed: 6, epoch: 1, shuffle: true };
  const whole = await gathered(smoothImages, { augment }, wanted);
  for (const perPage of [10, 8, 6]) {
    const paged = await gathered(smoothImages, { augment, maxBinding: perPage * size }, wanted);
    assert.equal([...paged.x], [...whole.x], `${perPage} images a page`);
  }
  const flat = { ...colourImages, train: { ...colourImages.train, images: colourImages.train.images.map(() => 77) } };
  await agrees('contrast:0.9,augmix', { images: flat, tolerance: 0.02 });
});

test('augmix with consistency: the image and two mixtures, all first views first', async () => {
  const augment = parseAugment('flip,augmix:consistency=true');
  const [c, h, w] = colourImages.shape;
  const size = c * h * w;
  const n = 4;
  for (const way of WAYS) {
    const { x, labels } = await gathered(smoothImages, { augment }, { way, n, offset: 3, seed: 7, epoch: 1 });
    for (let row = 0; row < 3 * n; row++) {
      const index = 3 + (row % n);
      const bytes = smoothImages.train.images.subarray(index * size, (index + 1) * size);
      const draws = { seed: 7, epoch: 1, index, view: Math.floor(row / n), mean: [], colour: [] };
      const want = augmented({ c, h, w, bytes }, augment.transforms, draws);
      close(
        `${way} row ${row}`,
        x.subarray(row * size, (row + 1) * size),
        want.map(v => v / 255),
        1e-4,
      );
    }
    assert.equal(
      [...labels],
      [3, 4, 5, 6].map(i => colourImages.train.labels[i]),
    );
  }
});

/** AugMix cuts colours into steps: images whose values keep clear of the edges of the steps. */
const smoothImages = {
  ...colourImages,
  train: { ...colourImages.train, images: colourImages.train.images.map(v => Math.floor(v / 16) * 16 + 8) },
};

test('an image of an epoch is the same in every batch, order and step', async () => {
  const augment = parseAugment('crop,flip,rotate,brightness,noise,cutout:4');
  const size = 360;
  const whole = await gathered(colourImages, { augment }, { n: 20, seed: 4, epoch: 2 });
  const mixed = await gathered(colourImages, { augment }, { n: 5, offset: 5, seed: 4, epoch: 2, shuffle: true, step: 9 });
  let found = 0;
  for (let i = 0; i < 5; i++) {
    for (let j = 0; j < 20; j++) {
      const a = mixed.x.subarray(i * size, (i + 1) * size);
      const b = whole.x.subarray(j * size, (j + 1) * size);
      if (a.every((v, k) => Math.abs(v - b[k]!) < 1e-6)) found++; // another kernel: a compiler may round it in another way
    }
  }
  assert.is(found, 5);
  const streamed = await gathered(colourImages, { augment, maxBinding: 6 * size }, { n: 5, offset: 5, seed: 4, epoch: 2, shuffle: true });
  assert.equal([...streamed.x], [...mixed.x]);
  for (const other of [
    { seed: 5, epoch: 2 },
    { seed: 4, epoch: 3 },
  ]) {
    const { x } = await gathered(colourImages, { augment }, { n: 20, ...other });
    assert.ok(
      x.some((v, k) => v !== whole.x[k]),
      'another seed or epoch gives other images',
    );
  }
});

test('test images are left alone', async () => {
  const augment = parseAugment('flip:1,brightness,mixup');
  const [plain, with_] = await Promise.all([{}, { augment }].map(o => gathered(colourImages, o, { n: 8, part: 'test', training: false })));
  assert.equal([...with_!.x], [...plain!.x]);
  assert.equal([...with_!.labels], [...plain!.labels]);
});

for (const [text, message] of [
  ['crop:x=-0.5', /^augment: crop: x is -0\.5; give 0 to 1, or -1$/],
  ['scale:y=1.5', /^augment: scale: y is 1\.5; give 0 to 1, or -1$/],
  ['crop,flop', /unknown augmentation 'flop'; did you mean 'flip'\? known: crop, flip, /],
  ['crop:1.5', /^augment: crop: padding is 1\.5; give a whole number of at least 1/],
  ['flip:2', /^augment: flip: p is 2; give a number of at least 0 and at most 1/],
  ['flip:vertical=3', /^augment: flip: vertical is 3; give true or false/],
  ['rotate:fill=mirror', /^augment: rotate: fill is 'mirror'; give zero, mean, edge, reflect, wrap or a byte from 0 to 255/],
  ['cutout:8,fill=edge', /^augment: cutout: fill is 'edge'; give zero, mean or a byte/],
  ['flip:fill=zero', /^unknown option of flip 'fill'; known: p, vertical, alternate/],
  ['random-resized-crop:2-3', /^augment: random-resized-crop: scale is '2-3'; give two numbers as 0\.08-1, each a number above 0/],
  ['random-resized-crop:ratio=2', /^augment: random-resized-crop: ratio is 2; give two numbers as 0\.75-1\.333/],
  ['mixup:0', /^augment: mixup: alpha is 0; give a number above 0/],
  ['mixup,augmix:consistency=true', /^augment: augmix with consistency and mixup are both given/],
  ['mixup,mixup', /^augment: mixup is given twice/],
  ['mixup,cutmix,mixup', /^augment: mixup is given twice/],
] as const) {
  test(`'${text}' is refused`, async () => assert.match(await refusal(() => parseAugment(text)), message));
}
for (const [text, shape, message] of [
  ['crop:40', [3, 12, 10], /^augment: crop: padding 40 does not fit images of 12x10; give 1 to 9/],
  ['cutout:25', [3, 12, 10], /^augment: cutout: size 25 covers all of 12x10; give 1 to 24/],
  ['saturation', [1, 28, 28], /^augment: saturation changes colours, and images have 1 channel; leave it out/],
  ['flip', [5, 8, 8], /^augment: images have 5 channels; augmentation takes 1 to 4/],
  [
    'noise,crop',
    [2, 1, 1],
    /^augment: crop changes images, and this data set has points of 2 coordinates; leave it out, or take noise or mixup$/,
  ],
  ['pca', [2, 1, 1], /^augment: pca changes images, and/],
  ['mixup,cutmix', [2, 1, 1], /^augment: cutmix changes images, and/],
] as const) {
  test(`'${text}' is refused for images of ${shape.join('x')}`, async () =>
    assert.match(await refusal(() => checkImages(parseAugment(text), { shape })), message));
}

test('descent data show: the first column is the images, the others differ from it', async () => {
  const file = join(await folder(), 'sheet.png');
  const options = { augment: 'brightness:0.9', out: file, rows: '3', columns: '2', zoom: '1', quiet: true };
  assert.is(await printed(() => dataShow('shapes', options)), `${file}\n`);
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  const { images } = shapes(3);
  assert.equal([info.width, info.height, info.channels], [3 * 34 + 2, 3 * 34 + 2, 3]);
  const at = (column: number, row: number, x: number, y: number, k: number) =>
    data[((2 + row * 34 + y) * info.width + 2 + column * 34 + x) * 3 + k]!;
  let moved = 0;
  for (let row = 0; row < 3; row++) {
    for (let y = 0; y < 32; y++) {
      for (let x = 0; x < 32; x++) {
        for (let k = 0; k < 3; k++) {
          assert.is(at(0, row, x, y, k), images[((row * 3 + k) * 32 + y) * 32 + x]);
          moved += Number(at(1, row, x, y, k) !== at(0, row, x, y, k));
        }
      }
    }
  }
  assert.ok(moved > 1000);
  assert.match(
    await refusal(() => dataShow('shapes', { out: 'sheet.jpg', rows: '1', columns: '1' })),
    /--out: sheet\.jpg is no \.png file/,
  );
});

test.run();
