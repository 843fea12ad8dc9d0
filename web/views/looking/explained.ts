/** What of an image an answer goes by: the image, its saliency, and Grad-CAM over it. */
import type { Explanation, Heat } from '../../../train/study/explain.ts';
import { image, paint } from '../../data/pictures.ts';
import type { RunFacts } from '../../worker/protocol.ts';
import { el } from '../dom.ts';
import './explained.css';

/** From black over red and yellow to white. */
const heatColour = (share: number): readonly [number, number, number] => [
  Math.min(255, 765 * share),
  Math.max(0, Math.min(255, 765 * share - 255)),
  Math.max(0, Math.min(255, 765 * share - 510)),
];

/** A heat as a canvas of one screen pixel each, scaled to its greatest value. */
function heatCanvas({ h, w, data }: Heat, label: string): HTMLCanvasElement {
  const most = data.reduce((a, b) => Math.max(a, b), 0) || 1;
  return paint(w, h, label, p => heatColour(data[p]! / most));
}

/** The image with a heat of fewer pixels over it. */
function overlaid(picture: HTMLCanvasElement, heat: Heat, label: string): HTMLCanvasElement {
  const side = 168;
  const canvas = el('canvas', { width: side, height: side, class: 'pixels', role: 'img', 'aria-label': label });
  const context = canvas.getContext('2d')!;
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, side, side);
  context.imageSmoothingEnabled = true;
  context.globalAlpha = 0.6;
  context.drawImage(heatCanvas(heat, ''), 0, 0, side, side);
  return canvas;
}

/** `bytes` [c, h, w] are those of the image, `name` is the class that is explained. */
export function explained(bytes: Uint8Array, { shape }: RunFacts, name: string, { saliency, cam }: Explanation): HTMLElement {
  const figure = (canvas: HTMLElement, caption: string) =>
    el('figure', {}, canvas, el('figcaption', { class: 'hint', textContent: caption }));
  const own = image(bytes, shape, 'The image');
  return el(
    'div',
    { class: 'seen explained' },
    figure(own, 'The image'),
    figure(heatCanvas(saliency, `Saliency for ${name}`), `Saliency: pixels by which ${name} changes most`),
    cam
      ? figure(overlaid(own, cam, `Grad-CAM for ${name}`), `Grad-CAM: what speaks for ${name} in ${cam.layer}, ${cam.h}×${cam.w}`)
      : el('p', { class: 'hint', textContent: 'Grad-CAM is of nets that have feature maps.' }),
  );
}
