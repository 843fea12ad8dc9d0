/** Images that are moved, bent, covered and recoloured as drawn, against the reference; the same ones in every batch, and none in tests. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AUGMENTATIONS, parseAugment } from '../../train/config/augment.ts';
import { augmented } from '../reference/augment.ts';
import { agrees, COLOUR, colourImages } from '../support/augmented.ts';
import { close, WAYS } from '../support/check.ts';
import { gathered, noise } from '../support/gathered.ts';

const test = suite('augment');
const greyImages = noise([1, 7, 9], 20);

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

const colours = [
  'brightness:0.6',
  'contrast:0.9',
  'saturation:0.8',
  'noise:0.1',
  'brightness,contrast,saturation,noise',
  'brightness:0.5,rotate:40,contrast:0.5,cutout:5,fill=100,saturation',
];
for (const text of colours) test(`${text}: colours, in the order written`, () => agrees(text, { ways: WAYS }));

test('every transform is seen beside its reference', () => {
  const seen = [...exact, ...smooth, ...colours].flatMap(text => parseAugment(text).transforms.map(t => t.name));
  const elsewhere = ['pca', 'augmix', 'mixup', 'cutmix']; // below, in augmix.test.ts and in mixing.test.ts
  assert.equal(Object.keys(AUGMENTATIONS).sort(), [...new Set([...seen, ...elsewhere])].sort());
});

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

test.run();
