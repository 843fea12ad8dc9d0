/** Image files as a model's input. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FORMATS, isImage, isVisible } from '../../datasets/folder.ts';
import { check, DescentError } from '../../engine/check.ts';
import { optional } from '../../engine/node/optional.ts';

/** The files that are named, and in place of a folder all image files below it, in alphabetical order. */
export function imagesAt(paths: readonly string[]): string[] {
  return paths.flatMap(path => {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
    const inside = readdirSync(path, { recursive: true, encoding: 'utf8' });
    const files = inside.filter(name => isImage(name) && isVisible(name.replaceAll('\\', '/'))).sort();
    check(files.length, `${path}: there is no ${FORMATS} image in this folder`, 'give one that holds some');
    return files.map(name => join(path, name));
  });
}

/** Decodes an image to [c, h, w] bytes, cropped around the centre and resized as folders of images are. `invert` makes dark light. */
export async function readImage(path: string, [c, h, w]: readonly [number, number, number], invert = false): Promise<Uint8Array> {
  check(existsSync(path), `${path}: there is no such file`, 'give an image file');
  check(c === 1 || c === 3, `${path}: the model takes ${c} channels`, 'images have 1 or 3');
  const { default: sharp } = await optional('sharp', 'reading pictures', () => import('sharp'));
  let pixels: Buffer;
  try {
    const image = sharp(path)
      .autoOrient()
      .resize(w, h, { fit: 'cover' })
      .flatten({ background: '#fff' })
      .toColourspace(c === 1 ? 'b-w' : 'srgb');
    pixels = await (invert ? image.negate({ alpha: false }) : image).raw().toBuffer();
  } catch (error) {
    const why = (error as Error).message.split('\n')[0];
    throw new DescentError(`${path}: cannot be read as an image (${why})`, 'give a PNG, JPEG, WebP, GIF, TIFF or AVIF file');
  }
  const planes = new Uint8Array(c * h * w);
  for (let p = 0; p < h * w; p++) {
    for (let k = 0; k < c; k++) planes[k * h * w + p] = pixels[p * c + k]!;
  }
  return planes;
}
