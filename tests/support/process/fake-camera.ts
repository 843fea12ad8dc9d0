/** What Chromium's fake camera shows, as a raw film. */
import sharp from 'sharp';

/** Pixels of a frame, and frames a second. */
const [WIDTH, HEIGHT, RATE] = [160, 120, 10];

/** One thing before the camera: a colour in shares of red, green and blue, with a disc of another that wanders over it. */
export interface Scene {
  readonly ground: readonly [r: number, g: number, b: number];
  readonly disc: readonly [r: number, g: number, b: number];
}

/** A .y4m film of scenes, `seconds` each, one after the other and again. */
export function film(scenes: readonly Scene[], seconds: number): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${RATE}:1 Ip A1:1 C420jpeg\n`)];
  for (const scene of scenes) for (let t = 0; t < seconds * RATE; t++) parts.push(Buffer.from('FRAME\n'), frame(scene, t));
  return Buffer.concat(parts);
}

function frame({ ground, disc }: Scene, t: number): Uint8Array {
  const centre = [WIDTH / 2 + 25 * Math.sin(t / 3), HEIGHT / 2 + 15 * Math.cos(t / 4)] as const;
  const inDisc = (x: number, y: number) => (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < 30 ** 2;
  const plane = (step: number, value: (colour: Scene['ground']) => number) =>
    Uint8Array.from({ length: (WIDTH / step) * (HEIGHT / step) }, (_, p) => {
      const [x, y] = [(p % (WIDTH / step)) * step, Math.floor(p / (WIDTH / step)) * step];
      return Math.round(value(inDisc(x, y) ? disc : ground));
    });
  const luma = ([r, g, b]: Scene['ground']) => 0.299 * r + 0.587 * g + 0.114 * b;
  return Buffer.concat([
    plane(1, c => 255 * luma(c)),
    plane(2, c => 128 + 127 * ((c[2] - luma(c)) / 0.886)),
    plane(2, c => 128 + 127 * ((c[0] - luma(c)) / 0.701)),
  ]);
}

/** Two things that anyone tells apart. */
export const RED: Scene = { ground: [0.8, 0.15, 0.1], disc: [0.95, 0.9, 0.2] };
export const BLUE: Scene = { ground: [0.1, 0.25, 0.85], disc: [0.9, 0.95, 1] };

/** A still of a scene, as a PNG. */
export function still({ ground, disc }: Scene, x: number, y: number): Promise<Buffer> {
  const css = (colour: Scene['ground']) => `rgb(${colour.map(v => Math.round(255 * v)).join(' ')})`;
  const drawn = `<rect width="160" height="120" fill="${css(ground)}"/><circle cx="${x}" cy="${y}" r="30" fill="${css(disc)}"/>`;
  return sharp(Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="160" height="120">${drawn}</svg>`))
    .png()
    .toBuffer();
}
