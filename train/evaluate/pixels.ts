/** The images that a trained net is given, as the bytes that it takes. */
import { bytesOf, type Dataset, type Values } from '../../datasets/dataset.ts';
import type { Picture } from '../../datasets/host.ts';
import { isPicture, pictureBytes, type PictureOptions } from '../../datasets/pictures.ts';
import { check, kindOf, show } from '../../engine/check.ts';
import { Normalisation } from '../data/normalise.ts';
import { NORMALIZATIONS, NORMALIZE, withMoments, type Moments, type NamedNormalize } from '../data/statistics.ts';
import type { ImageKind } from './probe.ts';

/** Values of one image, or of several one after the other. */
export type Pixels = Uint8Array | Uint8ClampedArray | Float32Array | readonly number[];

/** How images are stored and were normalised. */
export interface KindOptions {
  /** Channels, height and width of an image; [features, 1, 1] of a table's row. */
  readonly shape: Dataset['shape'];
  readonly classes?: readonly string[] | undefined;
  /** In place of classes the names of the numbers that a regression predicts; and those of the features of a table. */
  readonly outputs?: readonly string[] | undefined;
  readonly inputs?: readonly string[] | undefined;
  /** What the values of images are: bytes that mean 0 to 1 (so it is without this), or float32 as they are. */
  readonly dtype?: Dataset['dtype'];
  /** How the images were normalised that it was trained on, and by which moments, or 'imagenet'; `none` without it. */
  readonly normalize?: NamedNormalize | undefined;
  readonly moments?: Moments | undefined;
}

/** The kind of images that options describe. Throws where they do not go together, or moments are missing. */
export function kindFor(o: KindOptions): ImageKind {
  const { shape, classes = [], outputs, inputs, dtype, normalize = 'none', moments } = withMoments(o);
  check(
    Array.isArray(shape) && shape.length === 3 && shape.every(side => Number.isInteger(side) && side > 0),
    `shape: it is ${Array.isArray(shape) ? show(shape) : kindOf(shape)}`,
    'give [channels, height, width]',
  );
  const names: readonly unknown[] = outputs ?? classes;
  check(
    Array.isArray(names) && names.length && names.every(name => typeof name === 'string'),
    `${outputs ? 'outputs' : 'classes'}: it is ${Array.isArray(names) ? show(names.map(kindOf)) : kindOf(names)}`,
    `give the names of the ${outputs ? 'numbers that are predicted' : 'classes in their order'}`,
  );
  check([undefined, 'uint8', 'float32'].includes(dtype), `dtype: it is ${kindOf(dtype)}`, 'give uint8 or float32');
  check(NORMALIZE.includes(normalize), `normalize: '${normalize}' is not known`, `give one of ${NORMALIZATIONS.join(', ')}`);
  const [c, h, w] = shape;
  const isOfShape = moments?.mean.length === c && moments.std.length === c && (moments.image?.length ?? c * h * w) === c * h * w;
  const needsImage = normalize !== 'mean' && normalize !== 'meanstd';
  check(
    normalize === 'none' || (isOfShape && !(needsImage && !moments?.image)),
    `normalize: '${normalize}' goes by moments of the training images, and ${moments ? `these are not of ${show(shape)}` : 'there are none'}`,
    `give moments: { mean, std${needsImage ? ', image' : ''} }`,
  );
  const nothing = { images: dtype === 'float32' ? new Float32Array() : new Uint8Array(), labels: new Uint16Array(), n: 0 };
  const dataset: Dataset = {
    name: 'images',
    shape,
    classes,
    ...(outputs && { outputs }),
    ...(inputs && { inputs }),
    train: nothing,
    test: nothing,
    ...(dtype && { dtype }),
  };
  return { dataset, normalisation: new Normalisation(normalize, { dataset, indices: new Uint32Array() }, moments) };
}

/** The bytes of given values. `fits` says of how many images they may be. */
export function bytesOfPixels(
  { dataset }: ImageKind,
  given: Pixels,
  expected: string,
  fits: (count: number) => boolean,
  who: string,
): Uint8Array {
  const floats = dataset.dtype === 'float32';
  const size = dataset.shape.reduce((a, b) => a * b);
  const isBytes = given instanceof Uint8Array || given instanceof Uint8ClampedArray;
  const isNumbers = ArrayBuffer.isView(given) && 'length' in given && typeof given[0] !== 'bigint';
  const isList = Array.isArray(given) || isBytes || (floats && isNumbers);
  check(isList, `${who}: got ${kindOf(given)}`, floats ? 'give numbers, as Float32Array' : 'give bytes from 0 to 255, as Uint8Array');
  check(
    !floats || !isBytes,
    `${who}: it is bytes, and the model was trained on float32 values`,
    'give Float32Array.from(them), on their scale',
  );
  check(fits(given.length / size), `${who}: got ${given.length} values, ${expected}`, `which has ${size}`);
  const values: Values = floats ? new Float32Array(given) : new Uint8Array(given); // a copy: it may be written to while the call waits
  const wrong = Array.isArray(given) ? given.findIndex((v, i) => typeof v !== 'number' || (!floats && v !== values[i])) : -1;
  check(wrong < 0, `${who}: value ${wrong} is ${kindOf(given[wrong])}`, floats ? 'give numbers' : 'give whole numbers from 0 to 255');
  return bytesOf(values);
}

/** Images as they are given, ready to be computed. */
export interface Given {
  /** One after the other, at once where none is a picture. */
  readonly bytes: Uint8Array | Promise<Uint8Array>;
  readonly count: number;
  /** Whether they came as an array of images. */
  readonly isMany: boolean;
  /** What messages call image number `i`. */
  readonly who: (i: number) => string;
}

/** The bytes of an image, or of each of several: values [c, h, w], or pictures, which are cropped about the middle and resized. */
export function bytesOfPictures(
  kind: ImageKind,
  given: Pixels | Picture | readonly (Pixels | Picture)[],
  options: Pick<PictureOptions, 'invert' | 'resize'> = {},
): Given {
  const { shape, dtype } = kind.dataset;
  const isMany = Array.isArray(given) && typeof given[0] !== 'number';
  const images = (isMany ? given : [given]) as readonly (Pixels | Picture)[];
  const who = (i: number) => (isMany ? `image ${i}` : 'the image');
  const parts = images.map((image, i): Uint8Array | Promise<Uint8Array> => {
    if (!isPicture(image)) return bytesOfPixels(kind, image, `expected those of ${show(shape)}`, n => n === 1, who(i));
    check(dtype !== 'float32', `${who(i)}: is a picture`, 'the model takes float32 values: give numbers, as Float32Array');
    return pictureBytes(image, shape, { ...options, who: who(i) });
  });
  const isPending = parts.some(part => part instanceof Promise);
  const bytes = isPending ? Promise.all(parts).then(joined) : joined(parts as readonly Uint8Array[]);
  return { bytes, count: images.length, isMany, who };
}

/** Bytes one after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
