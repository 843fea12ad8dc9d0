/** Data sets of what a program has in its hands: pictures, arrays of values, iterables of samples. */
import { check, kindOf, lookUp, show } from '../engine/check.ts';
import { Numbers } from './coarse.ts';
import { imagesOf, targetsAt, UNLABELLED, valuesOf, type Dataset, type Split, type Values } from './dataset.ts';
import { endedBy } from './ended-by.ts';
import type { Picture } from './host.ts';
import { classesOf, numbersOf, type Label } from './labels.ts';
import { bytesOfOpen, isPicture, withPicture } from './pictures.ts';
import { Store } from './store.ts';
import { stream } from './random.ts';
import { targetsOf, type Targeted, type Targets } from './targets.ts';

/** One image: a picture, or its values: bytes that mean 0 to 1, or numbers as they are, which become float32. */
export type Image = Picture | Uint8Array | Uint8ClampedArray | Float32Array | readonly number[];

/** An image and its class: a number from 0, or a name. */
export interface Sample {
  readonly image: Image;
  readonly label: Label;
}

/**
 * Images and a label for each: an array of images, the values of all images in one array, or samples that come one by one. The values of all
 * in one array are not copied, as they may be most of the memory: they must stay as they are for as long as a run or data set has them.
 */
export interface Labelled {
  readonly images: Uint8Array | Float32Array | Iterable<Image> | Iterable<Sample> | AsyncIterable<Sample>;
  /** A class number or name for each image; not for samples, which have their own. */
  readonly labels?: ArrayLike<number> | readonly string[] | undefined;
  /** In place of labels a number to predict for each, or several: a regression. */
  readonly targets?: Targets | undefined;
}

/** What `datasetOf` takes: images, labels, and what they are. */
export interface Samples extends Labelled {
  /**
   * [channels, height, width] of an image, to which pictures are cropped and resized; or [features] of a row of a table. Without it pictures
   * keep their size, in colours, and rows of numbers theirs.
   */
  readonly shape?: readonly [c: number, h: number, w: number] | readonly [features: number] | undefined;
  /** Names of the classes in the order of their numbers. Without it they are the names among the labels in alphabetical order, or 0, 1, …. */
  readonly classes?: readonly string[] | undefined;
  /** Names of the numbers that are predicted; without it y, or y1, y2, …. */
  readonly outputs?: readonly string[] | undefined;
  /** Images to test on: a share of each class from 0 to below 1, which is then not trained on, or images of their own. Without it none. */
  readonly test?: number | Labelled | undefined;
  /** Images of their own to validate on, in place of a share of the others. */
  readonly validation?: Labelled | undefined;
  /** The label of images that have none, as -1 or 255: they take part in training batches, and in no loss, accuracy or test. */
  readonly ignoreLabel?: Label | undefined;
  /** What the data set is called in files of weights. */
  readonly name?: string | undefined;
}

const OF_IMAGES = { images: 0, labels: 0, targets: 0 };
const PARTS = { ...OF_IMAGES, shape: 0, classes: 0, outputs: 0, test: 0, validation: 0, ignoreLabel: 0, name: 0 };

/** Bytes that are held in memory; more go to the disk, and are read when they are needed. */
const RESIDENT = 2 ** 30;
/** Pictures that are decoded together. */
const TOGETHER = 16;
/** Pixels of a side up to which pictures keep their own size. */
const MOST = 1024;

/** What the first image says of all, where the caller has not said it. */
interface Form {
  /** Of a regression the names of the numbers to predict, where they are given. */
  readonly outputs?: readonly string[] | undefined;
  shape: Dataset['shape'] | undefined;
  /** The shape is the first picture's own. */
  isOwn?: boolean;
  dtype?: Dataset['dtype'];
  /** Of arrays of numbers, which become float32, those of each channel. */
  channels?: readonly Numbers[];
}

/**
 * A data set of images and labels or targets. Throws at the first image, label or target that does not fit, with its place, and with the
 * reason of `signal` once it is aborted. Samples that come one by one end by `stops`, with its reason, though the next should never come.
 */
export async function datasetOf(samples: Samples, resident = RESIDENT, signal?: AbortSignal, stops = signal): Promise<Dataset> {
  check(
    typeof samples === 'object' && samples !== null && 'images' in samples,
    `data: it is ${kindOf(samples)}`,
    'give { images, labels } or { images, targets }, or the name of a data set',
  );
  for (const key of Object.keys(samples)) lookUp('part of data', key, PARTS);
  const { test = 0, validation, name = 'samples' } = samples;
  const form: Form = { shape: shapeOf(samples.shape), outputs: samples.outputs };
  const isApart = typeof test === 'object' && test !== null;
  check(
    isApart || (typeof test === 'number' && test >= 0 && test < 1),
    `test: it is ${kindOf(test)}`,
    `give a share from 0 to below 1, or { images, ${samples.targets ? 'targets' : 'labels'} }`,
  );
  check(
    validation === undefined || (typeof validation === 'object' && validation !== null),
    `validation: it is ${kindOf(validation)}`,
    `give { images, ${samples.targets ? 'targets' : 'labels'} }; a share of the training images is valSplit`,
  );
  const parts = { test: isApart ? test : undefined, validation };
  for (const [part, given] of Object.entries(parts)) {
    for (const key of Object.keys(given ?? {})) lookUp(`part of ${part}`, key, OF_IMAGES);
    checkAlone(samples, part, given);
  }
  const train = await collect('', samples, form, resident, { signal, stops });
  const held = validation && (await collect('validation.', validation, form, resident, { signal, stops }));
  const apart = isApart ? await collect('test.', test, form, resident, { signal, stops }) : undefined;
  const notes = (form.channels ?? []).flatMap((channel, k) =>
    channel.note(`images: ${form.shape![1] * form.shape![2] > 1 ? 'channel' : 'value'} ${k} of each`),
  );
  if (samples.targets !== undefined) return regressionOf(samples, { name, notes }, form, { train, held, apart });
  const { ignoreLabel } = samples;
  const classes = classesOf(train.labels, samples.classes, ignoreLabel);
  const labels = numbersOf('labels', train.labels, classes, ignoreLabel);
  const ofTest = new Set(apart ? [] : share(labels, classes.length, test as number));
  const all = Array.from(labels, (_, i) => i);
  /** What of images of their own has a label, which all that are not trained on need. */
  const labelled = (part: string, own: Collected): Split => {
    const numbers = numbersOf(`${part}.labels`, own.labels, classes, ignoreLabel);
    const indices = Array.from(numbers, (_, i) => i).filter(i => numbers[i] !== UNLABELLED);
    check(indices.length, `${part}.labels: all are ${kindOf(ignoreLabel)}, which is none of the classes`, 'leave the part out');
    return own.split(indices, numbers);
  };
  return {
    name,
    shape: form.shape!,
    classes,
    ...(form.dtype && { dtype: form.dtype }),
    ...(notes.length && { notes }),
    ...(await withHeld(
      train.split(ofTest.size ? all.filter(i => !ofTest.has(i)) : all, labels),
      held && labelled('validation', held),
      form,
    )),
    test: apart
      ? labelled('test', apart)
      : train.split(
          all.filter(i => ofTest.has(i)),
          labels,
        ),
  };
}

/** The training images of a data set: those to validate on, where there are some of their own, stand before the others. */
async function withHeld(train: Split, held: Split | undefined, form: Form): Promise<Pick<Dataset, 'train' | 'validation'>> {
  if (!held) return { train };
  const { joined } = await import('./joined.ts');
  return { train: joined(held, train, form.shape!, form.dtype), validation: held.n };
}

/** Throws where what is of classes is given beside targets, or what is of a regression without any; `given` are images of their own. */
function checkAlone({ targets, classes, ignoreLabel, outputs }: Samples, part: string, own: Labelled | undefined): void {
  const given = (parts: Readonly<Record<string, unknown>>) => Object.keys(parts).find(key => parts[key] !== undefined);
  if (targets === undefined) {
    const key = given({ outputs, [`${part}.targets`]: own?.targets });
    check(!key, `${key}: of a regression, and the images have no targets`, 'give targets, or leave it out');
  } else {
    const key = given({ classes, ignoreLabel });
    check(!key, `${key}: given beside targets, which are of no class`, 'leave out one of the two');
  }
}

/** The regression of samples that are collected; `held` and `apart` are those of their own to validate and to test on. */
async function regressionOf(
  { targets, outputs, validation, test }: Samples,
  { name, notes }: Required<Pick<Dataset, 'name' | 'notes'>>,
  form: Form,
  { train, held, apart }: { readonly train: Collected; readonly held: Collected | undefined; readonly apart: Collected | undefined },
): Promise<Dataset> {
  const all = targetsOf('targets', targets!, outputs);
  const told = [...notes, ...all.notes];
  const splitOf = (from: Collected, { targets, n }: Targeted, indices: readonly number[]): Split => {
    const split = from.split(indices, new Uint16Array(n));
    return { ...split, labels: new Uint16Array(), targets: targetsAt({ ...split, targets, n }, indices)! };
  };
  const whole = (part: string, from: Collected, { targets }: Labelled): Split => {
    const own = targetsOf(`${part}.targets`, targets!, all.outputs);
    told.push(...own.notes);
    return splitOf(from, own, [...Array(own.n).keys()]);
  };
  const ofTest = new Set(apart ? [] : share(new Uint16Array(all.n), 1, test as number | undefined));
  const numbers = Array.from({ length: all.n }, (_, i) => i);
  const trained = splitOf(
    train,
    all,
    numbers.filter(i => !ofTest.has(i)),
  );
  const parts = {
    ...(await withHeld(trained, held && whole('validation', held, validation!), form)),
    test: apart
      ? whole('test', apart, test as Labelled)
      : splitOf(
          train,
          all,
          numbers.filter(i => ofTest.has(i)),
        ),
  };
  return {
    name,
    shape: form.shape!,
    classes: [],
    outputs: all.outputs,
    ...(form.dtype && { dtype: form.dtype }),
    ...(told.length && { notes: told }),
    ...parts,
  };
}

function shapeOf(given: Samples['shape']): Form['shape'] {
  if (given === undefined) return undefined;
  const sizes = Array.isArray(given) && given.every(size => Number.isInteger(size) && size > 0);
  check(
    sizes && (given.length === 1 || given.length === 3),
    `shape: it is ${Array.isArray(given) ? show(given) : kindOf(given)}`,
    'give [channels, height, width], or [features] of a table',
  );
  return given.length === 1 ? [given[0], 1, 1] : given;
}

/** The numbers of a share of each class, drawn at random, the same ones each time; of each some are left to train on. */
function share(labels: Uint16Array, classes: number, part = 0): number[] {
  const members: number[][] = Array.from({ length: classes }, () => []);
  for (const [i, label] of labels.entries()) if (label !== UNLABELLED) members[label]!.push(i);
  return members.flatMap((own, label) => {
    const random = stream(0, label);
    const drawn = own.map(i => [random(), i] as const).sort(([a], [b]) => a - b);
    const count = part > 0 ? Math.min(own.length - 1, Math.max(1, Math.round(own.length * part))) : 0;
    return drawn.slice(0, Math.max(0, count)).map(([, i]) => i);
  });
}

/** Images that are collected, and the labels as they were given. */
interface Collected {
  readonly labels: ArrayLike<Label>;
  /** The images of the numbers `indices`; `labels` are those of all. */
  split(indices: readonly number[], labels: Uint16Array): Split;
}

async function collect(
  who: string,
  { images, labels: given, targets }: Labelled,
  form: Form,
  resident: number,
  { signal, stops }: Readonly<Record<'signal' | 'stops', AbortSignal | undefined>>,
): Promise<Collected> {
  check(given === undefined || targets === undefined, `${who}targets: labels are given too`, 'leave out one of the two');
  const labels = targets === undefined ? given : new Uint16Array(targetsOf(`${who}targets`, targets, form.outputs).n);
  const what = targets === undefined ? 'labels' : 'targets';
  const perImage =
    targets === undefined ? 'give one for each' : 'give one for each, or of several numbers rows of them, as [[0.1, 0.2], …]';
  if (ArrayBuffer.isView(images)) return whole(who, images as Values, labels, form, { what, perImage });
  const isList = typeof images === 'object' && images !== null && (Symbol.iterator in images || Symbol.asyncIterator in images);
  check(isList, `${who}images: it is ${kindOf(images)}`, 'give an array of pictures, a Uint8Array or Float32Array of values, or samples');
  const isLabelled = labels === undefined || (typeof labels === 'object' && labels !== null && 'length' in labels);
  check(isLabelled, `${who}labels: it is ${kindOf(labels)}`, 'give an array of numbers or names');
  const own: Label[] = [];
  const store = new Store(resident);
  let waiting: (() => Promise<Values>)[] = [];
  const decode = async () => {
    for (const values of await Promise.all(waiting.map(make => make()))) await store.add(values);
    waiting = [];
  };
  for await (const item of stops && Symbol.asyncIterator in images ? endedBy(stops, images) : (images as Iterable<Image | Sample>)) {
    signal?.throwIfAborted();
    const at = `${who}images[${own.length}]`;
    const sample = labels === undefined ? (item as Sample) : { image: item as Image, label: labels[own.length]! };
    check(
      typeof sample === 'object' && sample !== null && 'image' in sample && 'label' in sample,
      `${who}labels: there are none, and ${at} is ${kindOf(item)}`,
      'give labels, or each image as { image, label }',
    );
    if (!own.length) await learn(at, sample.image, form);
    own.push(sample.label);
    waiting.push(() => valuesFrom(at, sample.image, form));
    if (waiting.length === TOGETHER) await decode();
  }
  await decode();
  await store.end();
  const n = own.length;
  check(n > 0, `${who}images: there are none`, 'give some');
  check(labels === undefined || labels.length === n, `${who}${what}: ${labels?.length} for ${n} images`, perImage);
  const size = form.shape!.reduce((a, b) => a * b);
  return { labels: own, split: (indices, numbers) => store.split(indices, numbers, form.dtype, size) };
}

/** The values of all images in one array. */
function whole(
  who: string,
  images: Values,
  labels: Labelled['labels'],
  form: Form,
  { what, perImage }: { readonly what: string; readonly perImage: string },
): Collected {
  check(
    images instanceof Uint8Array || images instanceof Float32Array,
    `${who}images: it is ${kindOf(images)}`,
    'give a Uint8Array, whose bytes mean 0 to 1, or Float32Array.from(it)',
  );
  check(form.shape, 'shape: it is needed where all values are in one array', 'give [channels, height, width], or [features] of a table');
  check(labels !== undefined, `${who}labels: there are none`, 'give a label for each image');
  const size = form.shape.reduce((a, b) => a * b);
  const n = labels.length;
  check(n > 0, `${who}images: there are none`, 'give some');
  check(
    images.length === n * size,
    `${who}images: ${images.length} values for ${n} ${what}, shape ${show(form.shape)} takes ${n * size}`,
    what === 'labels' || images.length % size ? advice(images.length / n, form.shape) : `they are ${images.length / size}: ${perImage}`,
  );
  accept(`${who}images`, images, form);
  const split = (indices: readonly number[], numbers: Uint16Array): Split => {
    if (indices.length === n) return { images, labels: numbers, n };
    const bytes = imagesOf({ images, labels: numbers, n }, size * images.BYTES_PER_ELEMENT, Uint32Array.from(indices)) as Uint8Array;
    return { images: valuesOf(bytes, form.dtype), labels: Uint16Array.from(indices, index => numbers[index]!), n: indices.length };
  };
  return { labels, split };
}

const advice = (values: number, [c, h, w]: readonly [number, number, number]): string =>
  values === 4 * h * w && c !== 4
    ? 'four values a pixel are RGBA: give the ImageData itself, whose colours are converted'
    : 'give as many values as the shape takes, channel after channel';

/** Takes the shape of all images from the first one, where the caller has not said it. */
async function learn(at: string, image: Image, form: Form): Promise<void> {
  if (form.shape) return;
  if (!isPicture(image)) {
    form.shape = [(image as ArrayLike<unknown> | undefined)?.length || 1, 1, 1];
    return;
  }
  form.shape = await withPicture(image, at, ({ width, height }) => [3, height, width] as const);
  form.isOwn = true;
  check(
    Math.max(...form.shape) <= MOST,
    `${at}: it is of ${form.shape[2]}x${form.shape[1]} pixels`,
    'give shape: [3, height, width], to which all pictures are cropped and resized',
  );
}

/** Holds an array of values to the type of those before it, and floats to be finite. */
function accept(at: string, values: Values, form: Form): Values {
  const dtype = values instanceof Float32Array ? 'float32' : 'uint8';
  check(
    (form.dtype ??= dtype) === dtype,
    `${at}: its values are ${dtype}, those before it are ${form.dtype}`,
    'give all in a Uint8Array, or all in a Float32Array',
  );
  if (dtype === 'uint8') return values;
  const wrong = values.findIndex(v => !Number.isFinite(v));
  check(wrong < 0, `${at}: holds ${values[wrong]} at ${wrong}`, 'give finite numbers');
  return values;
}

function floatsOf(at: string, list: readonly unknown[]): Float32Array {
  const wrong = list.findIndex(v => typeof v !== 'number');
  check(wrong < 0, `${at}: value ${wrong} is ${kindOf(list[wrong])}`, 'give numbers, of nested rows image.flat(Infinity)');
  return Float32Array.from(list as readonly number[]);
}

async function valuesFrom(at: string, image: Image, form: Form): Promise<Values> {
  const shape = form.shape!;
  const [, h, w] = shape;
  if (isPicture(image)) {
    const bytes = await withPicture(image, at, open => {
      check(
        !form.isOwn || (open.width === w && open.height === h),
        `it is of ${open.width}x${open.height} pixels, the first one of ${w}x${h}`,
        `give shape: ${show(shape)}, to which all pictures are cropped and resized`,
      );
      return bytesOfOpen(open, shape);
    });
    return accept(at, bytes, form);
  }
  const bytes = image instanceof Uint8ClampedArray ? new Uint8Array(image.buffer, image.byteOffset, image.length) : image;
  const numbers = Array.isArray(bytes) ? floatsOf(at, bytes) : bytes;
  check(
    numbers instanceof Uint8Array || numbers instanceof Float32Array,
    `${at}: it is ${kindOf(image)}`,
    'give a picture, a Uint8Array, a Float32Array or an array of numbers',
  );
  const size = shape.reduce((a, b) => a * b);
  check(
    numbers.length === size,
    `${at}: it has ${numbers.length} values, shape ${show(shape)} takes ${size}`,
    advice(numbers.length, shape),
  );
  const values = accept(at, numbers, form);
  if (Array.isArray(bytes)) look(bytes as readonly number[], form);
  return values;
}

/** Takes in what float32 keeps of an image that is an array of numbers. */
function look(values: readonly number[], form: Form): void {
  const [c, h, w] = form.shape!;
  const channels = (form.channels ??= Array.from({ length: c }, () => new Numbers()));
  for (const [i, v] of values.entries()) channels[Math.floor(i / (h * w))]!.add(v);
}
