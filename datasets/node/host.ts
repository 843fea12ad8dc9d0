/** What Node has for data where a browser has its own: sharp for pictures, files for what memory does not hold, the cache of data sets. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Sharp } from 'sharp';
import { check, DescentError } from '../../engine/check.ts';
import { optional } from '../../engine/node/optional.ts';
import type { Host, OpenPicture, Picture, Rgba, Spool } from '../host.ts';
import { openDataset } from './open.ts';
import { bytesAt } from './packed.ts';

/** sharp, loaded when a picture is first decoded. */
const decoder = async () => (await optional('sharp', 'reading pictures', () => import('sharp'))).default;

/** The pixels of a drawing that has them at hand: ImageData, or a canvas of a package for Node. */
function pixelsOf(picture: Picture): Rgba | undefined {
  if (typeof picture !== 'object' || picture instanceof URL || picture instanceof Blob) return undefined;
  if ('data' in picture) return picture;
  if (!('getContext' in picture)) throw new DescentError('it gives no pixels under Node', 'give its ImageData');
  return (picture.getContext('2d') as CanvasRenderingContext2D).getImageData(0, 0, picture.width, picture.height);
}

/** What sharp reads a file from. */
async function fileOf(picture: string | URL | Blob): Promise<string | Uint8Array> {
  if (picture instanceof Blob) return new Uint8Array(await picture.arrayBuffer());
  const address = typeof picture === 'string' && /^(https?|data|file|blob):/.test(picture) ? new URL(picture) : picture;
  const path = typeof address === 'string' ? address : address.protocol === 'file:' ? fileURLToPath(address) : undefined;
  if (path !== undefined) {
    check(existsSync(path), `${path}: there is no such file`, 'give an image file');
    return path;
  }
  const answer = await fetch(address);
  check(answer.ok, `the server answers ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

async function openPicture(picture: Picture): Promise<OpenPicture> {
  const pixels = pixelsOf(picture);
  if (pixels) {
    const { data, width, height } = pixels;
    check(
      data.length === 4 * width * height,
      `it has ${data.length} values for ${width}x${height} pixels`,
      'four a pixel are needed: red, green, blue, alpha',
    );
    const resized = async (w: number, h: number) => {
      const sharp = await decoder();
      const image = sharp(data, { raw: { width, height, channels: 4 } }).resize(w, h, { fit: 'cover' });
      return image.raw().toBuffer();
    };
    return { width, height, rgba: (w, h) => (w === width && h === height ? data : resized(w, h)) };
  }
  const [sharp, file] = [await decoder(), await fileOf(picture as string | URL | Blob)];
  const { width, height } = (await sharp(file).metadata()).autoOrient;
  const fitted = (w: number, h: number): Sharp => sharp(file).autoOrient().resize(w, h, { fit: 'cover' }).flatten({ background: '#fff' });
  return {
    width,
    height,
    rgba: (w, h) => fitted(w, h).toColourspace('srgb').ensureAlpha().raw().toBuffer(),
    grey: (w, h) => fitted(w, h).toColourspace('b-w').raw().toBuffer(),
  };
}

/** Closes the file of a spool that nobody has any more. */
const closing = new FinalizationRegistry<FileHandle>(handle => void handle.close());

export const nodeHost: Host = {
  open: openPicture,
  // The file has no name any more once it is open: it is gone when the process is.
  async spool() {
    const path = join(tmpdir(), `descent-${randomUUID()}`);
    const handle = await open(path, 'wx+');
    await rm(path).catch(() => undefined);
    let end = 0;
    const spool: Spool = {
      async append(bytes) {
        for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at, bytes.length - at, end + at)).bytesWritten;
        end += bytes.length;
      },
      read: (from, bytes) => bytesAt(handle, from, bytes),
    };
    closing.register(spool, handle);
    return spool;
  },
  dataset: (name, options) => openDataset(name, { quiet: true, ...options }),
};
