/** Pictures of any kind as the bytes that a model takes. */
import { check, DescentError, kindOf, onlyOptions, say, type Known } from '../engine/check.ts';
import type { Dataset } from './dataset.ts';
import { host, type OpenPicture, type Picture } from './host.ts';

/** What `pictureBytes` takes beside the picture and the shape. */
export interface PictureOptions {
  /** Makes dark light. */
  readonly invert?: boolean | undefined;
  /** Pixels of the shorter side before the middle is cut out; without it as much as possible is shown. */
  readonly resize?: number | undefined;
  /** How messages name the picture, where it has no name of its own. */
  readonly who?: string;
}

const OPTIONS: Known<PictureOptions> = { invert: 'boolean', resize: true, who: true };

/** Whether a value may be a picture. */
export const isPicture = (value: unknown): value is Picture =>
  typeof value === 'string' ||
  (typeof value === 'object' &&
    value !== null &&
    !ArrayBuffer.isView(value) &&
    !Array.isArray(value) &&
    (value instanceof URL || value instanceof Blob || 'width' in value || 'videoWidth' in value || 'displayWidth' in value));

const nameOf = (picture: Picture): string | undefined => {
  if (typeof picture === 'string') return picture.startsWith('data:') ? undefined : picture;
  if (picture instanceof URL) return picture.protocol === 'data:' ? undefined : picture.href;
  return picture instanceof Blob && 'name' in picture ? String(picture.name) : undefined;
};

/**
 * Opens a picture and does something with it, before it returns where its pixels are at hand; `who` as in PictureOptions. Throws where it
 * cannot be read, with its name.
 */
export async function withPicture<T>(picture: Picture, who: string | undefined, use: (open: OpenPicture) => T | Promise<T>): Promise<T> {
  const own = nameOf(picture);
  const name = [who, own && who?.endsWith(own) ? undefined : own].filter(Boolean).join(' ') || 'the picture';
  check(
    isPicture(picture),
    `${name}: is ${kindOf(picture)}, which is no picture`,
    'give a canvas, ImageData, a Blob, an address or a path',
  );
  try {
    const opening = host().open(picture);
    const open = opening instanceof Promise ? await opening : opening;
    check(open.width && open.height, 'it has no pixels', toHavePixels(picture));
    return await use(open);
  } catch (error) {
    if (error instanceof DescentError && error.advice.length) throw new DescentError(say`${name}: ${error.problem}`, ...error.advice);
    const isForeign = (error as Error).name === 'SecurityError';
    throw new DescentError(
      `${name}: cannot be read as an image (${whyUnread(error)})`,
      isForeign ? "load it with crossOrigin = 'anonymous' from a server that allows it" : `give a ${host().formats} file`,
    );
  }
}

/** What to do about a picture without pixels: a bitmap and a frame of a video have none once they are closed. */
const toHavePixels = (picture: Picture): string => {
  const has = (key: string) => typeof picture === 'object' && key in picture;
  if (has('videoWidth')) return "wait for a video's first frame, of which 'loadeddata' tells";
  return has('close') ? 'close it later' : 'give it a width and a height';
};

/** Why a decoder reads no picture, in its own words: their first line, at whose end sharp leaves a colon. */
export const whyUnread = (error: unknown): string => (error as Error).message.split('\n')[0]!.replace(/:$/, '');

/** A picture as bytes [c, h, w], cropped about the middle and resized, on white; of one channel it is grey, as PIL's mode L is. */
export const pictureBytes = async (picture: Picture, shape: Dataset['shape'], options: PictureOptions = {}): Promise<Uint8Array> => {
  onlyOptions('pictureBytes', options, OPTIONS);
  const { invert = false, resize, who } = options;
  return withPicture(picture, who, async open => {
    const bytes = await bytesOfOpen(open, shape, resize);
    return invert ? bytes.map(v => 255 - v) : bytes;
  });
};

/** As pictureBytes, of a picture that is open. */
export async function bytesOfOpen(open: OpenPicture, [c, h, w]: Dataset['shape'], resize?: number): Promise<Uint8Array> {
  check(c === 1 || c === 3, `a picture has 1 or 3 channels, ${c} are asked for`, 'give values in place of pictures');
  const rgba = open.rgba(w, h, resize);
  return planesOf(rgba instanceof Promise ? await rgba : rgba, c, h * w);
}

/** Planes [c, plane] of pixels [plane, 4], on white; grey by the weights of Rec. 601. */
function planesOf(rgba: ArrayLike<number>, c: 1 | 3, plane: number): Uint8Array {
  const out = new Uint8Array(c * plane);
  for (let p = 0; p < plane; p++) {
    const alpha = rgba[4 * p + 3]!;
    const on = (k: number) => (alpha === 255 ? rgba[4 * p + k]! : Math.round((rgba[4 * p + k]! * alpha + 255 * (255 - alpha)) / 255));
    if (c === 3) for (let k = 0; k < 3; k++) out[k * plane + p] = on(k);
    else out[p] = Math.round(0.299 * on(0) + 0.587 * on(1) + 0.114 * on(2));
  }
  return out;
}
