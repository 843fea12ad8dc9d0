/**
 * The points in the plane of the TensorFlow Playground. Sample i depends on (set, seed, i) alone, so a smaller set is the beginning of a
 * larger one.
 */
import type { Split } from './dataset.ts';
import { PLANE_RANGE, type PlaneSet } from './plane-sets.ts';
import { stream } from './random.ts';

/** A coordinate as the byte that stands for it, and back: [-6, 6] is 0..255. */
export const planeByte = (v: number): number => Math.round((Math.min(PLANE_RANGE, Math.max(-PLANE_RANGE, v)) / PLANE_RANGE + 1) * 127.5);
export const planeValue = (byte: number): number => (byte / 127.5 - 1) * PLANE_RANGE;

type Place = (label: number, random: () => number) => [x: number, y: number];
const polar = (radius: number, angle: number): [number, number] => [radius * Math.sin(angle), radius * Math.cos(angle)];

/**
 * Where a point of class 0 or 1 lies before noise. Formulas: TensorFlow Playground's dataset.ts; two-moons: scikit-learn's make_moons,
 * three times as large.
 */
const places: Readonly<Record<PlaneSet, Place>> = {
  'two-moons': (label, random) => {
    const t = Math.PI * random();
    return label ? [3 * (0.5 - Math.cos(t)), 3 * (0.25 - Math.sin(t))] : [3 * (Math.cos(t) - 0.5), 3 * (Math.sin(t) - 0.25)];
  },
  circles: (label, random) => polar(label ? 2.5 * random() : 3.5 + 1.5 * random(), 2 * Math.PI * random()),
  xor: (label, random) => {
    const x = 0.3 + 5 * random();
    const y = 0.3 + 5 * random();
    const side = random() < 0.5 ? 1 : -1;
    return [side * x, label ? side * y : -side * y];
  },
  gauss: (label, random) => {
    const [x, y] = normals(random);
    const centre = label ? 2 : -2;
    return [centre + x, centre + y];
  },
  spiral: (label, random) => {
    const along = random();
    return polar(5 * along, 1.75 * along * 2 * Math.PI + (label ? 0 : Math.PI));
  },
};

/** Two independent standard normal numbers (Box-Muller). */
export const normals = (random: () => number): [number, number] => polar(Math.sqrt(-2 * Math.log(1 - random())), 2 * Math.PI * random());

interface PlaneOptions {
  readonly seed?: number;
  /** Standard deviation of what is added to each coordinate, in units of the plane. */
  readonly noise?: number;
}

/** Sample `i` of a plane set, exactly: the two classes take turns. */
export function planePoint(set: PlaneSet, i: number, { seed = 0, noise = 0.25 }: PlaneOptions = {}) {
  const random = stream(seed, i);
  const label = i % 2;
  const [x, y] = places[set](label, random);
  const [nx, ny] = normals(random);
  return { x: x + noise * nx, y: y + noise * ny, label };
}

/** `count` points of a plane set from sample `from` on, as images [count, 2, 1, 1]: channel 0 is x, channel 1 is y, each a byte (see planeByte). */
export function plane(set: PlaneSet, count: number, from = 0, options: PlaneOptions = {}): Split {
  const images = new Uint8Array(2 * count);
  const labels = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    const { x, y, label } = planePoint(set, from + i, options);
    labels[i] = label;
    images[2 * i] = planeByte(x);
    images[2 * i + 1] = planeByte(y);
  }
  return { images, labels, n: count };
}
