/** The options that say which images a run has, what stands for their pixels, and in which order they come. */
import { COUNT, SHARE } from '../../engine/range.ts';
import { NORMALIZATIONS } from '../data/statistics.ts';
import { parseNormalize } from './normalize.ts';
import { boolean, imageSize, number, oneOf, option, spec, text, type Option } from './option.ts';

export const DATA_OPTIONS = {
  valSplit: option({
    flags: '--val-split <share>',
    help: 'share of the training images held out for validation, of a folder without val/',
    default: 0.1,
    type: number(SHARE),
    group: 'Data',
    label: 'Validation share',
    formula: 'gap = validation loss − training loss',
  }),
  stratify: option({
    flags: '--stratify <by>',
    help: 'class: hold the same share of each class out, or none (default: class for folders and data of your own, else none)',
    type: oneOf(['class', 'none']),
    group: 'Data',
    label: 'Validation share by',
    hint: 'Holds out the same share of each class, or images whatever their class.',
    unset: 'class for a folder of your own',
  }),
  sample: option({
    flags: '--sample <how>',
    help: 'all: each image once an epoch, or balanced: drawn with replacement, each class as often as any other',
    default: 'all',
    type: oneOf(['all', 'balanced']),
    group: 'Data',
    label: 'Images of an epoch',
    hint: 'All: each image once. Balanced: drawn with replacement, each class as often as any other.',
    formula: 'p(i) = 1 / (classes · images of its class)',
    ofClasses: true,
  }),
  normalize: option({
    flags: '--normalize <how>',
    help:
      'none (x/255), mean, meanstd, meanimage, or whitening: pca, zca; by given numbers: imagenet, ' +
      'or meanstd:mean=0.5,std=0.25 (one for all channels, or for three as 0.485/0.456/0.406)',
    default: 'meanstd',
    type: spec(NORMALIZATIONS, parseNormalize),
    group: 'Data',
    hint: 'What is taken off pixels and divides them; pca and zca whiten, none leaves them between 0 and 1.',
    formula: 'x = (byte / 255 − mean) / std',
  }),
  order: option({
    flags: '--order <how>',
    help: 'random, or curriculum: easy to hard by the loss under the first weights',
    default: 'random',
    type: oneOf(['random', 'curriculum']),
    group: 'Data',
    label: 'Order of images',
    hint: 'Random, or by curriculum: easy to hard by the loss under the first weights.',
    ofClasses: true,
  }),
  shuffle: option({
    flags: '--no-shuffle',
    help: 'take the images in file order',
    default: true,
    type: boolean,
    group: 'Data',
    hint: 'A new order of the images in each epoch.',
  }),
  limitTrain: option({
    flags: '--limit-train <n>',
    help: 'use the first n training images',
    type: number(COUNT),
    group: 'Data',
    label: 'Training images at most',
  }),
  limitTest: option({
    flags: '--limit-test <n>',
    help: 'use the first n test images',
    type: number(COUNT),
    group: 'Data',
    label: 'Test images at most',
  }),
  target: option({
    flags: '--target <column>',
    help: 'column of a .csv file that is predicted from all others, or several with commas between; names make classes',
    type: text,
  }),
  imageSize: option({
    flags: '--image-size <size>',
    help: 'pixels of a side of the images of a folder, or height x width as 64x96 (default: 32)',
    type: imageSize,
    group: 'Data',
    label: 'Image size of a folder',
    hint: 'Pixels of a side, or height x width as 64x96; 32 where nothing is said.',
  }),
  resize: option({
    flags: '--resize <n>',
    help: 'shorter side of the images of a folder before the middle is cut out, as Resize and CenterCrop of torchvision (default: as small as covers it)',
    type: number({ ...COUNT, max: 4096 }),
    group: 'Data',
    label: 'Shorter side of a folder',
    hint: 'Pixels of the shorter side before the middle is cut out; empty shows as much as the image size covers.',
  }),
  skipBroken: option({
    flags: '--skip-broken',
    help: 'leave out the images of a folder that cannot be read',
    default: false,
    type: boolean,
    group: 'Data',
    label: 'Skip broken images',
  }),
  ignoreLabel: option({
    flags: '--ignore-label <name>',
    help: 'subfolder whose images have no label: they take part in batches, and in no loss, accuracy or test',
    type: text,
    group: 'Data',
    label: 'Class without labels',
  }),
} as const satisfies Readonly<Record<string, Option>>;
