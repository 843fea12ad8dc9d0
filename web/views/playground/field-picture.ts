/** What is computed at each point of the plane's grid, as a picture: orange below 0, blue above it, paler the nearer to 0. */
import { CLASSES, classGround, type Rgb } from '../colours.ts';
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

/** The greatest size of a field's numbers. */
export function mostOf({ values, stride, offset }: Field): number {
  let most = 0;
  for (let at = offset; at < values.length; at += stride) most = Math.max(most, Math.abs(values[at]!));
  return most;
}

/** Paints a field on a canvas of GRID by GRID pixels; `shade` makes each number one of -1 to 1. */
export function paint(canvas: HTMLCanvasElement, { values, stride, offset }: Field, shade: (value: number) => number): void {
  const context = canvas.getContext('2d')!;
  const pixels = context.createImageData(GRID, GRID);
  for (let p = 0; p < GRID * GRID; p++) {
    const [r, g, b] = colourOf(shade(values[p * stride + offset]!));
    pixels.data[4 * p] = r;
    pixels.data[4 * p + 1] = g;
    pixels.data[4 * p + 2] = b;
    pixels.data[4 * p + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
}
