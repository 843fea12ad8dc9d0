/** Images, filters and activations on canvases. */
import { el } from '../views/dom.ts';
import type { Planes } from '../worker/protocol.ts';

/** Bytes [c, h, w] as a canvas of one screen pixel each; the style sheet makes it larger. Planes of the playground have no picture. */
export function image(bytes: Uint8Array, [c, h, w]: readonly [number, number, number], label: string): HTMLCanvasElement {
  const plane = h * w;
  return paint(w, h, label, p => (c === 3 ? [bytes[p]!, bytes[plane + p]!, bytes[2 * plane + p]!] : [bytes[p]!, bytes[p]!, bytes[p]!]));
}

/** Each plane by itself: 0 is grey, the largest magnitude black or white; three channels are colours. */
export function planes({ name, count, h, w, data, channels = 1 }: Planes & { channels?: number }): HTMLCanvasElement[] {
  const size = h * w;
  return Array.from({ length: count }, (_, i) => {
    const part = data.subarray(i * channels * size, (i + 1) * channels * size);
    const most = part.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-12);
    const level = (p: number) => 127.5 + (127.5 * part[p]!) / most;
    return paint(w, h, `${name} ${i + 1}`, p =>
      channels === 3 ? [level(p), level(size + p), level(2 * size + p)] : [level(p), level(p), level(p)],
    );
  });
}

function paint(w: number, h: number, label: string, colour: (p: number) => readonly number[]): HTMLCanvasElement {
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
