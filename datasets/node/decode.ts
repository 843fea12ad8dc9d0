/** Pictures by sharp: which files it reads, and how they become images of one size. */
import type { Sharp, SharpOptions } from 'sharp';
import { absent } from '../../engine/node/optional.ts';
import { windowOf } from '../framing.ts';

/**
 * sharp, loaded when a picture is first decoded. libvips' cache goes by the path of a file alone: it would give the picture that stood there
 * before one that has been written over it.
 */
export const decoder = async () => {
  const { default: sharp } = await import(/* webpackIgnore: true */ 'sharp').catch(absent('sharp', 'reading pictures'));
  sharp.cache(false);
  return sharp;
};

/** Formats of sharp that are no pictures of their own. */
const OTHERS = ['vips', 'raw', 'pdf'];

/** Whether a file has the name of a picture that sharp reads here. */
export async function readable(): Promise<(path: string) => boolean> {
  const formats = Object.values((await decoder()).format).filter(({ id, input }) => input.file && !OTHERS.includes(id));
  const endings = formats.flatMap(({ input }) => input.fileSuffix ?? []);
  return path => endings.some(ending => path.toLowerCase().endsWith(ending));
}

/**
 * A picture of `size` [width, height], turned as its EXIF says, as an image of h x w on white: the largest part about the middle; with
 * `resize` what torchvision's Resize and CenterCrop show, by the triangle filter that Pillow calls bilinear. Where a side shrinks four times
 * and more, libvips takes means of squares of pixels first, which is off by two levels in the mean of pictures without any smoothness.
 */
export async function framed(
  picture: string | Uint8Array,
  [width, height]: readonly [number, number],
  [h, w]: readonly [number, number],
  resize?: number,
  options?: SharpOptions,
): Promise<Sharp> {
  const sharp = await decoder();
  const image = sharp(picture, options).autoOrient();
  if (resize === undefined) return image.resize(w, h, { fit: 'cover' }).flatten({ background: '#fff' });
  const { left, top, ...size } = windowOf([width, height], [h, w], resize);
  const large =
    size.width > width ? await enlarged(image, size) : image.resize({ ...size, fit: 'fill', kernel: 'linear', fastShrinkOnLoad: false });
  return large.extract({ left, top, width: w, height: h }).flatten({ background: '#fff' });
}

/** A picture made larger by bilinear interpolation between the centres of pixels, of which libvips' own is off by a part of one. */
async function enlarged(image: Sharp, { width, height }: { width: number; height: number }): Promise<Sharp> {
  const { data, info } = await image.flatten({ background: '#fff' }).toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  const { channels } = info;
  const out = new Uint8Array(width * height * channels);
  /** For each pixel of a side of `to` two neighbours on one of `from`, and the share of the second. */
  const neighbours = (from: number, to: number) =>
    Array.from({ length: to }, (_, i) => {
      const at = Math.max(0, ((i + 0.5) * from) / to - 0.5);
      const low = Math.min(from - 1, Math.floor(at));
      return [low, Math.min(from - 1, low + 1), at - low] as const;
    });
  const columns = neighbours(info.width, width);
  for (const [y, [above, below, down]] of neighbours(info.height, height).entries()) {
    for (const [x, [a, b, right]] of columns.entries()) {
      for (let k = 0; k < channels; k++) {
        const across = (row: number) => {
          const from = row * info.width;
          return data[(from + a) * channels + k]! * (1 - right) + data[(from + b) * channels + k]! * right;
        };
        out[(y * width + x) * channels + k] = Math.round(across(above) * (1 - down) + across(below) * down);
      }
    }
  }
  return (await decoder())(out, { raw: { width, height, channels } });
}
