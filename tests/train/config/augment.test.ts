/** What is wrong with a list of augmentations, by itself and for images of a shape, is said in a line. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAugment } from '../../../train/config/augment.ts';
import { checkImages } from '../../../train/data/augmentation.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('augment');

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
  ['crop:1', [3, 1, 9], /^augment: crop: padding 1 does not fit images of 1x9; leave it out$/],
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

test.run();
