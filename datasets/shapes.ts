/** The data set `shapes`: rendered 3x32x32 images. Sample i depends on (seed, i) alone, so a smaller set is the beginning of a larger one. */
import type { Split } from './dataset.ts';
import { stream } from './random.ts';

const clamp = (v: number, most: number) => Math.min(most, Math.max(0, v));

/** Signed distance to the edge of a rectangle of half sides `w` and `h`. */
const box = (x: number, y: number, w: number, h: number) => Math.max(Math.abs(x) - w, Math.abs(y) - h);

/** Signed distance to each shape's edge, negative inside, in units of its radius: the shape fills the unit circle. */
const outlines: Readonly<Record<string, (x: number, y: number) => number>> = {
  circle: (x, y) => Math.hypot(x, y) - 0.9,
  ring: (x, y) => Math.abs(Math.hypot(x, y) - 0.73) - 0.22,
  square: (x, y) => box(x, y, 0.72, 0.72),
  triangle: (x, y) => Math.max(-y - 0.5, y / 2 + 0.866 * Math.abs(x) - 0.5),
  bar: (x, y) => box(x, y, 1, 0.28),
  cross: (x, y) => Math.min(box(x, y, 1, 0.28), box(x, y, 0.28, 1)),
  star: (x, y) => {
    const radius = Math.hypot(x, y);
    const fifth = (2 * Math.PI) / 5;
    // from the nearest tip, 0..36 degrees; the edge is straight from a tip at 1 to a notch at 0.4
    const angle = Math.abs(((Math.atan2(x, y) + 5 * fifth + fifth / 2) % fifth) - fifth / 2);
    return 0.43 * (radius * Math.cos(angle) - 1) + 0.9 * radius * Math.sin(angle);
  },
  crescent: (x, y) => Math.max(Math.hypot(x, y) - 0.95, 0.8 - Math.hypot(x - 0.5, y)),
  stripes: (x, y) => Math.max(box(x, y, 0.75, 0.75), Math.abs(((x + 3) % 0.6) - 0.3) - 0.15),
  checkerboard: (x, y) => Math.max(box(x, y, 0.75, 0.75), -0.2 * Math.sin((Math.PI * x) / 0.375) * Math.sin((Math.PI * y) / 0.375)),
};

const drawn = Object.values(outlines);
export const SHAPE_CLASSES: readonly string[] = Object.keys(outlines);

/**
 * `count` images [count, 3, 32, 32] from sample `from` on: one shape each, tilted, placed, sized and coloured at random on a shaded
 * background, with noise. The classes take turns, so every part of the set is balanced.
 */
export function shapes(count: number, from = 0, seed = 0): Split {
  const size = 32;
  const plane = size * size;
  const images = new Uint8Array(count * 3 * plane);
  const labels = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    const random = stream(seed, from + i);
    const between = (a: number, b: number) => a + (b - a) * random();
    const label = (from + i) % drawn.length;
    labels[i] = label;
    const distance = drawn[label]!;
    const radius = between(8, 13.5);
    const cx = between(radius - 1, size - radius);
    const cy = between(radius - 1, size - radius);
    const turn = between(-0.5, 0.5);
    const cos = Math.cos(turn) / radius;
    const sin = Math.sin(turn) / radius;
    const colour = () => [between(0, 255), between(0, 255), between(0, 255)];
    const contrast = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, c) => sum + Math.abs(v - b[c]!), 0);
    const back = colour();
    let front = colour();
    while (contrast(front, back) < 240) front = colour();
    const shadeX = between(-1, 1);
    const shadeY = between(-1, 1);
    const noise = between(5, 45);
    for (let y = 0, p = i * 3 * plane; y < size; y++) {
      for (let x = 0; x < size; x++, p++) {
        const dx = x - cx;
        const dy = y - cy;
        const near = dx * dx + dy * dy < (radius + 1) ** 2;
        const cover = near ? clamp(0.5 - radius * distance(dx * cos + dy * sin, dy * cos - dx * sin), 1) : 0; // smooth edges
        const shade = (x - size / 2) * shadeX + (y - size / 2) * shadeY;
        const bits = random() * 2 ** 30; // ten bits of noise a channel
        for (let c = 0; c < 3; c++) {
          const grain = (((bits >>> (10 * c)) & 1023) / 1023 - 0.5) * noise;
          images[p + c * plane] = clamp(back[c]! + shade + cover * (front[c]! - back[c]! - shade) + grain, 255);
        }
      }
    }
  }
  return { images, labels, n: count };
}
