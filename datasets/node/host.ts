/** What Node has for data where a browser has its own: sharp for pictures, files for what memory does not hold, the cache of data sets. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check, DescentError } from '../../engine/check.ts';
import { FORMATS } from '../folder.ts';
import { checkRgba, type Host, type OpenPicture, type Picture, type Rgba, type Spool } from '../host.ts';
import { decoder, framed } from './decode.ts';
import { openDataset } from './open.ts';
import { bytesAt } from './packed.ts';

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
    check(existsSync(path), 'there is no such file', 'give an image file');
    return path;
  }
  const answer = await fetch(address);
  check(answer.ok, `the server answers ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

function openPixels(pixels: Rgba): OpenPicture {
  checkRgba(pixels);
  const { data, width, height } = pixels;
  const raw = { width, height, channels: 4 } as const;
  const resized = async (own: Uint8Array, w: number, h: number, resize?: number) => {
    const sharp = await decoder();
    if (resize === undefined) return sharp(own, { raw }).resize(w, h, { fit: 'cover' }).raw().toBuffer();
    const image = await framed(own, [width, height], [h, w], resize, { raw });
    return image.ensureAlpha().raw().toBuffer();
  };
  return { width, height, rgba: (w, h, resize) => (w === width && h === height ? data : resized(Uint8Array.from(data), w, h, resize)) };
}

function openPicture(picture: Picture): OpenPicture | Promise<OpenPicture> {
  const pixels = pixelsOf(picture);
  return pixels ? openPixels(pixels) : openFile(picture as string | URL | Blob);
}

async function openFile(picture: string | URL | Blob): Promise<OpenPicture> {
  const [sharp, file] = [await decoder(), await fileOf(picture)];
  const { width, height } = (await sharp(file).metadata()).autoOrient;
  return {
    width,
    height,
    async rgba(w, h, resize) {
      const fitted = await framed(file, [width, height], [h, w], resize);
      return fitted.toColourspace('srgb').ensureAlpha().raw().toBuffer();
    },
  };
}

/** Closes the file of a spool that nobody has any more. */
const closing = new FinalizationRegistry<FileHandle>(handle => void handle.close());

export const nodeHost: Host = {
  formats: FORMATS,
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
