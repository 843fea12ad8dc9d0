/** What is computed at each point of the plane's grid, as a picture: orange below 0, blue above it, paler the nearer to 0. */
import { CLASSES, classGround, type Rgb } from '../colours.ts';
import { el } from '../dom.ts';
import { GRID } from './features.ts';

/** Numbers of the grid within others: number `offset` of each `stride`. */
export interface Field {
  readonly values: Float32Array;
  readonly stride: number;
  readonly offset: number;
}

/** How strong a colour is at most: points of the same colour must stand out from it. */
const STRONGEST = 0.75;

/** The colour of a number from -1 to 1. */
export function colourOf(value: number, strongest = STRONGEST): Rgb {
  const ground = classGround();
  const strength = Math.min(1, Math.abs(value)) * strongest;
  const [r, g, b] = CLASSES[value > 0 ? 1 : 0];
  return [ground + (r - ground) * strength, ground + (g - ground) * strength, ground + (b - ground) * strength];
}

/** Colours of numbers from -1 to 1 in so many steps each way, as pixels: thousands of them are painted many times a second. */
const SHADES = 255;
let palette = { ground: -1, pixels: new Uint32Array(2 * SHADES + 1) };
function pixelColours(): Uint32Array {
  const ground = classGround();
  if (palette.ground === ground) return palette.pixels;
  const bytes = Uint8ClampedArray.from({ length: 4 * (2 * SHADES + 1) }, (_, i) => {
    const channel = i % 4;
    return channel === 3 ? 255 : colourOf(Math.floor(i / 4) / SHADES - 1)[channel]!;
  });
  palette = { ground, pixels: new Uint32Array(bytes.buffer) };
  return palette.pixels;
}

/** The greatest size of a field's numbers. */
export function mostOf({ values, stride, offset }: Field): number {
  let most = 0;
  for (let at = offset; at < values.length; at += stride) most = Math.max(most, Math.abs(values[at]!));
  return most;
}

/** Paints a field on a canvas of GRID by GRID pixels; `shade` makes each number one of -1 to 1. */
export function paint(canvas: HTMLCanvasElement, { values, stride, offset }: Field, shade: (value: number) => number): void {
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(GRID, GRID);
  const pixels = new Uint32Array(image.data.buffer);
  const colours = pixelColours();
  for (let p = 0; p < GRID * GRID; p++) {
    const value = Math.max(-1, Math.min(1, shade(values[p * stride + offset]!)));
    pixels[p] = colours[Math.round((value + 1) * SHADES)]!;
  }
  context.putImageData(image, 0, 0);
}

/** Draws numbers along x as the area between them and 0, on a canvas of GRID by GRID pixels. */
export function paintCurve(canvas: HTMLCanvasElement, { values, stride, offset }: Field, shade: (value: number) => number): void {
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(GRID, GRID);
  const pixels = new Uint32Array(image.data.buffer);
  const colours = pixelColours();
  const middle = GRID / 2;
  const each = values.length / stride / GRID;
  for (let column = 0; column < GRID; column++) {
    const value = Math.max(-1, Math.min(1, shade(values[Math.floor((column + 0.5) * each) * stride + offset]!)));
    const end = middle - value * (middle - 2);
    for (let row = 0; row < GRID; row++) {
      const isInside = row + 0.5 > Math.min(middle, end) && row + 0.5 < Math.max(middle, end);
      pixels[row * GRID + column] = colours[isInside ? (value > 0 ? 2 * SHADES : 0) : SHADES]!;
    }
  }
  context.putImageData(image, 0, 0);
}

/** A line of what colours mean: of both ends in words, with all between. */
export class Scale {
  readonly element = el('p', { class: 'hint scale' });
  #shown = '';

  show([least, most]: readonly [least: string, most: string]): void {
    const stops = [-1, -0.5, 0, 0.5, 1].map(value => `rgb(${colourOf(value).map(Math.round).join(' ')})`).join(', ');
    const words = `${least} ${stops} ${most}`;
    if (words === this.#shown) return;
    this.#shown = words;
    const bar = el('span');
    bar.style.background = `linear-gradient(to right, ${stops})`;
    this.element.replaceChildren(least, bar, most);
  }
}
