/** Images, filters and activations on canvases. */
import { DescentError } from '../../engine/check.ts';
import { el } from '../views/dom.ts';
import { shades, type Planes } from '../../train/study/looks.ts';

/** A picture file, to be drawn. Throws where it is none. */
export const bitmapOf = (file: File): Promise<ImageBitmap> =>
  createImageBitmap(file).catch(() => {
    throw unreadable(file);
  });

/** What is said of a picture file that the browser does not decode. */
export const unreadable = ({ name }: File): DescentError =>
  new DescentError(`${name}: cannot be read as an image`, 'give a PNG, JPEG, WebP, GIF or AVIF file');

/** Draws the middle of a picture of `width` × `height` pixels over all of a square canvas. */
export function drawMiddle(
  canvas: HTMLCanvasElement,
  source: CanvasImageSource,
  { width, height }: Readonly<Record<'width' | 'height', number>>,
): void {
  const side = Math.min(width, height);
  const at = [(width - side) / 2, (height - side) / 2] as const;
  canvas.getContext('2d')!.drawImage(source, ...at, side, side, 0, 0, canvas.width, canvas.height);
}

/** Bytes [c, h, w] as a canvas of one screen pixel each; the style sheet makes it larger. Planes of the playground have no picture. */
export function image(bytes: Uint8Array, [c, h, w]: readonly [number, number, number], label: string): HTMLCanvasElement {
  const plane = h * w;
  return paint(w, h, label, p => (c === 3 ? [bytes[p]!, bytes[plane + p]!, bytes[2 * plane + p]!] : [bytes[p]!, bytes[p]!, bytes[p]!]));
}

/** Each plane by itself (see shades). */
export const planes = (all: Planes & { channels?: number }): HTMLCanvasElement[] =>
  Array.from({ length: all.count }, (_, i) => {
    const rgb = shades(all, i);
    return paint(all.w, all.h, `${all.name} ${i + 1}`, p => [rgb[3 * p]!, rgb[3 * p + 1]!, rgb[3 * p + 2]!]);
  });

/** A canvas of one screen pixel for each of `w` × `h`, `colour` gives that of pixel `p` as 0 to 255. */
export function paint(w: number, h: number, label: string, colour: (p: number) => readonly number[]): HTMLCanvasElement {
  const canvas = el('canvas', { width: w, height: h, class: 'pixels', role: 'img', 'aria-label': label, title: label });
  const context = canvas.getContext('2d')!;
  const pixels = context.createImageData(w, h);
  for (let p = 0; p < w * h; p++) {
    const [r, g, b] = colour(p) as [number, number, number];
    pixels.data.set([r, g, b, 255], 4 * p);
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}
