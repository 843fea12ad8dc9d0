/** What data takes from a browser, which is taken for granted here, and from Node, whose entry says so (see node.ts). */
import { check, DescentError, kindOf } from '../engine/check.ts';
import type { Dataset, Limits } from './dataset.ts';
import { windowOf } from './framing.ts';
import type { ImageSize } from '../engine/spec.ts';

/** Pixels as an ImageData has them: [height, width, 4], red, green, blue and alpha. */
export interface Rgba {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/**
 * A canvas, an ImageBitmap, an image or video element, a VideoFrame, ImageData, a File or another Blob of a PNG, JPEG, WebP, GIF or AVIF, or
 * its address; under Node its path too, and of what is drawable the ImageData.
 */
export type Picture = Exclude<CanvasImageSource, SVGImageElement> | Rgba | Blob | URL | string;

/** Throws where there are not four bytes a pixel. */
export function checkRgba({ data, width, height }: Rgba): void {
  const isBytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray || Array.isArray(data);
  check(isBytes, `its data are ${kindOf(data)}`, 'give bytes: red, green, blue and alpha of each pixel');
  check(
    data.length === 4 * width * height,
    `it has ${data.length} values for ${width}x${height} pixels`,
    'four a pixel are needed: red, green, blue, alpha',
  );
}

/** A picture that has been opened, of `width` by `height` pixels. */
export interface OpenPicture {
  readonly width: number;
  readonly height: number;
  /** Its pixels [h, w, 4] cropped about the middle and resized, on white; with `resize` what windowOf says. */
  rgba(w: number, h: number, resize?: number): Uint8Array | Uint8ClampedArray | Promise<Uint8Array | Uint8ClampedArray>;
}

/** Room for more bytes than memory has: written once from beginning to end, read anywhere. */
export interface Spool {
  append(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  read(from: number, bytes: number): Promise<Uint8Array>;
}

/** How the images of a folder by class are read. */
export interface FolderOptions {
  /** Pixels of a side, or height and width as `64x96`, to which images are cropped about the middle and resized; 32 by default. */
  readonly imageSize?: ImageSize | undefined;
  /** Pixels of the shorter side before the middle is cut out, as torchvision's Resize and CenterCrop have it. */
  readonly resize?: number | undefined;
  /** Whether images that cannot be read are left out. */
  readonly skipBroken?: boolean | undefined;
  /** The subfolder of images without a label. */
  readonly ignoreLabel?: string | undefined;
}

export interface Host {
  /** The kinds of picture files that it reads. */
  readonly formats: string;
  /**
   * Opens a picture, at once where its pixels are at hand: whoever gave it may draw on it or close it afterwards. Throws an Error in whose
   * first line is why it cannot be read.
   */
  open(picture: Picture): OpenPicture | Promise<OpenPicture>;
  spool(): Promise<Spool>;
  /** A data set by its name, or under Node by its folder. */
  dataset(name: string, options: Limits & FolderOptions & { readonly target?: string | undefined }): Promise<Dataset>;
}

type Drawable = Exclude<CanvasImageSource, SVGImageElement>;

/** The size of what can be drawn in its own pixels: elements have another on the page. */
function sizeOf(source: Drawable): [width: number, height: number] {
  if ('displayWidth' in source) return [source.displayWidth, source.displayHeight];
  if ('videoWidth' in source) return [source.videoWidth, source.videoHeight];
  if ('naturalWidth' in source) return [source.naturalWidth, source.naturalHeight];
  return [source.width, source.height];
}

function context(width: number, height: number): OffscreenCanvasRenderingContext2D {
  return new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
}

async function fetched(address: string | URL): Promise<Drawable> {
  const answer = await fetch(address);
  check(answer.ok, `the server answers ${answer.status}`);
  return createImageBitmap(await answer.blob());
}

function drawable(picture: Picture): Drawable | Promise<Drawable> {
  if (typeof picture === 'string' || picture instanceof URL) return fetched(picture);
  if (picture instanceof Blob) return createImageBitmap(picture);
  if ('data' in picture) {
    const { data, width, height } = picture;
    const isNative = picture instanceof ImageData; // its numbers may be floats, and its colours of another space: the browser converts them
    if (!isNative) checkRgba(picture);
    const canvas = context(width, height);
    canvas.putImageData(isNative ? picture : new ImageData(Uint8ClampedArray.from(data), width, height), 0, 0);
    return canvas.canvas;
  }
  if (!('decode' in picture)) return picture as Drawable;
  picture.loading = 'eager'; // else one that is off the screen would never be decoded
  return picture.decode().then(() => picture);
}

function opened(source: Drawable): OpenPicture {
  const [width, height] = sizeOf(source);
  return {
    width,
    height,
    rgba(w, h, resize) {
      const canvas = context(w, h);
      const scale = resize === undefined ? Math.min(width / w, height / h) : Math.min(width, height) / resize;
      const [cutWidth, cutHeight] = [w * scale, h * scale];
      const window = resize === undefined ? undefined : windowOf([width, height], [h, w], resize);
      const left = window ? window.left * scale : (width - cutWidth) / 2;
      const top = window ? window.top * scale : (height - cutHeight) / 2;
      canvas.fillStyle = '#fff';
      canvas.fillRect(0, 0, w, h);
      canvas.imageSmoothingQuality = 'high';
      canvas.drawImage(source, left, top, cutWidth, cutHeight, 0, 0, w, h);
      return canvas.getImageData(0, 0, w, h).data;
    },
  };
}

const browserHost: Host = {
  formats: 'PNG, JPEG, WebP, GIF or AVIF',
  open(picture) {
    const source = drawable(picture);
    return source instanceof Promise ? source.then(opened) : opened(source);
  },
  // Browsers move large blobs to the disk by themselves.
  async spool() {
    const parts: { readonly from: number; readonly blob: Blob }[] = [];
    let end = 0;
    return {
      async append(bytes) {
        parts.push({ from: end, blob: new Blob([bytes]) });
        end += bytes.length;
      },
      async read(from, bytes) {
        const overlapping = parts.filter(part => part.from < from + bytes && part.from + part.blob.size > from);
        const slices = overlapping.map(part => part.blob.slice(Math.max(0, from - part.from), from + bytes - part.from));
        return new Uint8Array(await new Blob(slices).arrayBuffer());
      },
    };
  },
  async dataset(name, limits) {
    const { datasets, loadDataset } = await import('./index.ts'); // most programs bring data of their own
    const computed = Object.keys(datasets).filter(known => !datasets[known]!.files.length);
    return loadDataset(
      name,
      async file => {
        throw new DescentError(
          `${name}: ${file} cannot be fetched from within a page`,
          `give { images, labels }, or a set that is computed: ${computed.join(', ')}`,
        );
      },
      limits,
    );
  },
};

let current: Host = browserHost;

/** What is around the library here. */
export const host = (): Host => current;

/** Says what is around the library, once, before any data are opened. */
export function useHost(own: Host): void {
  current = own;
}
