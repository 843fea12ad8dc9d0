/** Random transforms of one image, one after the other, in float64: the image after k transforms as a function of the position. */
import type { Fill, Transform } from '../../shaders/images/transform.ts';
import { philox4x32 } from './philox.ts';

export interface Image {
  c: number;
  h: number;
  w: number;
  bytes: ArrayLike<number>;
}
export interface Draws {
  /** Which of AugMix's three views this is; none where there is only one. */
  view?: number;
  seed: number;
  epoch: number;
  index: number;
  mean: readonly number[];
  colour: readonly (readonly number[])[];
}
type Colour = number[];

const STREAM = 5;
const known = new Map<string, readonly number[]>();
function bitsOf(d: Draws, stage: number, block = 0, epoch = d.epoch): readonly number[] {
  const key = `${d.index} ${epoch} ${stage} ${block} ${d.seed}`; // the rest of d does not matter here
  if (!known.has(key)) known.set(key, philox4x32([d.index, epoch, stage, block], [d.seed, STREAM]));
  return known.get(key)!;
}
const uniform = (bits: readonly number[]) => bits.map(b => (b >>> 8) / 2 ** 24) as [number, number, number, number];
function normal(bits: readonly number[]): number[] {
  const [a, b, c, d] = bits.map(v => ((v >>> 8) + 0.5) / 2 ** 24) as [number, number, number, number];
  const ra = Math.sqrt(-2 * Math.log(a));
  const rb = Math.sqrt(-2 * Math.log(b));
  return [ra * Math.cos(2 * Math.PI * c), rb * Math.cos(2 * Math.PI * d), ra * Math.sin(2 * Math.PI * c), rb * Math.sin(2 * Math.PI * d)];
}
const radians = (degrees: number) => (degrees * Math.PI) / 180;
/** A number in [0, 1) as one in [-1, 1). */
const about = (v: number) => 2 * v - 1;
const byte = (v: number) => Math.min(255, Math.max(0, v));

/** PIL's ImageOps.autocontrast without a cutoff, of one value of a channel. */
function autocontrast(plane: readonly number[], v: number): number {
  const low = Math.min(...plane);
  const high = Math.max(...plane);
  return high > low ? byte(((v - low) * 255) / (high - low)) : v;
}

/** The table of PIL's ImageOps.equalize of one channel. */
export function equalize(plane: readonly number[]): number[] {
  const counts = Array.from({ length: 256 }, (_, v) => plane.filter(p => p === v).length);
  const step = Math.floor((plane.length - counts[Math.max(...plane)]!) / 255);
  let below = Math.floor(step / 2);
  return counts.map((n, v) => {
    const value = step ? Math.min(255, Math.floor(below / step)) : v;
    below += n;
    return value;
  });
}

/** One chain of AugMix: moves about the centre as they are looked through, the last drawn first, and what is done to colours. */
interface Chain {
  readonly moves: readonly ((x: number, y: number) => [number, number])[];
  /** From here on colours are inverted. */
  readonly threshold: number;
  /** Colours are whole multiples of it. */
  readonly step: number;
  /** 1 is autocontrast, 2 equalize. */
  readonly tone: number;
}

/** Drawn by the random blocks from `block` on. */
function chainOf(d: Draws, stage: number, block: number, severity: number, { w, h }: Image): Chain {
  const depth = 1 + Math.floor(3 * uniform(bitsOf(d, stage, block))[0]);
  let threshold = 256;
  let step = 1;
  let tone = 0;
  const moves: ((x: number, y: number) => [number, number])[] = [];
  for (let j = 0; j < depth; j++) {
    const [which, strength, sign] = uniform(bitsOf(d, stage, block + 1 + j));
    const level = (0.1 + (severity - 0.1) * strength) / 10;
    const s = sign < 0.5 ? -level : level;
    const cos = Math.cos(s * radians(30));
    const sin = Math.sin(s * radians(30));
    switch (Math.floor(9 * which)) {
      case 0:
        moves.push((x, y) => [cos * x + sin * y, cos * y - sin * x]);
        break;
      case 1:
        moves.push((x, y) => [x + 0.3 * s * y, y]);
        break;
      case 2:
        moves.push((x, y) => [x, y + 0.3 * s * x]);
        break;
      case 3:
        moves.push((x, y) => [x + (s * w) / 3, y]);
        break;
      case 4:
        moves.push((x, y) => [x, y + (s * h) / 3]);
        break;
      case 5:
        threshold = 256 - 256 * level;
        break;
      case 6:
        step = 2 ** (4 + Math.floor(4 * level));
        break;
      case 7:
        tone = Math.max(tone, 1);
        break;
      case 8:
        tone = 2;
        break;
    }
  }
  return { moves: moves.reverse(), threshold, step, tone };
}

/** The result [c, h, w], in bytes. */
export function augmented(image: Image, list: readonly Transform[], d: Draws): Float64Array {
  const { c, h, w, bytes } = image;
  const size = [w, h] as const;
  const centre = [(w - 1) / 2, (h - 1) / 2] as const;
  const out = new Float64Array(c * h * w);
  const wraps = list.find(t => t.fill !== undefined && t.name !== 'cutout')?.fill === 'wrap';

  const planes = Array.from({ length: c }, (_, k) => Array.from({ length: h * w }, (_, p) => bytes[k * h * w + p]!));
  const means = planes.map(p => p.reduce((a, b) => a + b) / p.length);
  const greyMean = c === 3 ? 0.299 * means[0]! + 0.587 * means[1]! + 0.114 * means[2]! : means.reduce((a, b) => a + b) / c;
  const equal = planes.map(equalize);

  function stored(x: number, y: number): Colour {
    const tap = (i: number, n: number) => (wraps && i === n ? 0 : Math.min(n - 1, Math.max(0, i)));
    const x0 = Math.floor(x);
    const y0 = Math.floor(y);
    const fx = x - x0;
    const fy = y - y0;
    const at = (k: number, i: number, j: number) => bytes[(k * h + tap(j, h)) * w + tap(i, w)]!;
    const between = (k: number, j: number) => (1 - fx) * at(k, x0, j) + fx * at(k, x0 + 1, j);
    return Array.from({ length: c }, (_, k) => (1 - fy) * between(k, y0) + fy * between(k, y0 + 1));
  }

  /** A position along one side of n pixels, or none where the fill shows. */
  function border(v: number, n: number, fill: Fill): number | undefined {
    if (fill === 'edge') return Math.min(n - 1, Math.max(0, v));
    if (fill === 'wrap') return v - n * Math.floor(v / n);
    if (fill === 'reflect') {
      if (n === 1) return 0;
      let u = v;
      while (u < 0 || u > n - 1) u = u < 0 ? -u : 2 * (n - 1) - u;
      return u;
    }
    return v < -0.5 || v >= n - 0.5 ? undefined : v;
  }

  /** torchvision's RandomResizedCrop.get_params. */
  function windowOf(o: Transform['o'], stage: number): [left: number, top: number, width: number, height: number] {
    for (let attempt = 0; attempt < 10; attempt++) {
      const [area, shape, left, top] = uniform(bitsOf(d, stage, attempt));
      const pixels = h * w * (o.scaleMin! + (o.scaleMax! - o.scaleMin!) * area);
      const [low, high] = [Math.log(o.ratioMin!), Math.log(o.ratioMax!)];
      const ratio = Math.exp(low + (high - low) * shape);
      const width = Math.round(Math.sqrt(pixels * ratio));
      const height = Math.round(Math.sqrt(pixels / ratio));
      if (width < 1 || height < 1 || width > w || height > h) continue;
      return [Math.floor(left * (w - width + 1)), Math.floor(top * (h - height + 1)), width, height];
    }
    let [width, height] = [w, h];
    if (w / h < o.ratioMin!) height = Math.round(w / o.ratioMin!);
    else if (w / h > o.ratioMax!) width = Math.round(h * o.ratioMax!);
    return [Math.floor((w - width) / 2), Math.floor((h - height) / 2), width, height];
  }

  const filled = (fill: Fill): Colour => Array.from({ length: c }, (_, k) => (fill === 'mean' ? 255 * d.mean[k]! : (fill as number)));

  function after(k: number, x: number, y: number, i: number): Colour {
    if (k === 0) return stored(x, y);
    const { name, o, fill } = list[k - 1]!;
    const bits = bitsOf(d, k - 1);
    const r = uniform(bits);
    const before = (x: number, y: number) => after(k - 1, x, y, i);
    const dx = x - centre[0];
    const dy = y - centre[1];
    const colours = (f: (v: number, k: number, all: Colour) => number): Colour => before(x, y).map((v, at, all) => byte(f(v, at, all)));
    const from = (px: number, py: number): Colour => {
      const qx = border(px, w, fill!);
      const qy = border(py, h, fill!);
      return qx === undefined || qy === undefined ? filled(fill!) : before(qx, qy);
    };
    const factor = 1 + o.amount! * about(r[0]);
    switch (name) {
      case 'crop': {
        const shift = (u: number) => Math.floor(u * (2 * o.padding! + 1)) - o.padding!;
        return from(x + shift(r[0]), y + shift(r[1]));
      }
      case 'flip': {
        const turned = o.alternate ? uniform(bitsOf(d, k - 1, 0, 0))[0] < 0.5 !== (d.epoch % 2 === 1) : r[0] < o.p!;
        return !turned ? before(x, y) : o.vertical ? before(x, h - 1 - y) : before(w - 1 - x, y);
      }
      case 'scale': {
        const s = o.min! + (o.max! - o.min!) * r[0];
        const look = (v: number, at: number, side: number) => (v + 0.5) * s + at * side * (1 - s) - 0.5;
        return from(look(x, o.x! < 0 ? r[1] : o.x!, w), look(y, o.y! < 0 ? r[2] : o.y!, h));
      }
      case 'random-resized-crop': {
        const [left, top, width, height] = windowOf(o, k - 1);
        const look = (v: number, from: number, length: number, side: number) =>
          Math.min(from + length - 1, Math.max(from, ((v + 0.5) * length) / side + from - 0.5));
        return before(look(x, left, width, w), look(y, top, height, h));
      }
      case 'rotate': {
        const a = radians(o.degrees!) * about(r[0]);
        const cos = Math.cos(a);
        const sin = Math.sin(a);
        return from(centre[0] + cos * dx + sin * dy, centre[1] + cos * dy - sin * dx);
      }
      case 'translate':
        return from(x + about(r[0]) * o.share! * w, y + about(r[1]) * o.share! * h);
      case 'shear': {
        const slope = (u: number) => Math.tan(radians(o.degrees!) * about(u));
        return from(x + slope(r[0]) * dy, y + slope(r[1]) * dx);
      }
      case 'stretch':
        return from(centre[0] + dx / (1 + o.amount! * about(r[0])), centre[1] + dy / (1 + o.amount! * about(r[1])));
      case 'lens': {
        const f = 1 + o.amount! * about(r[0]) * ((dx * dx) / ((w * w) / 2) + (dy * dy) / ((h * h) / 2));
        return from(centre[0] + dx * f, centre[1] + dy * f);
      }
      case 'brightness':
        return colours(v => v * factor);
      case 'contrast': {
        let mean = greyMean;
        list.slice(0, k - 1).forEach((t, stage) => {
          if (t.name === 'brightness') mean *= 1 + t.o.amount! * about(uniform(bitsOf(d, stage))[0]);
        });
        return colours(v => (v - mean) * factor + mean);
      }
      case 'saturation':
        return colours((v, _, [red, green, blue]) => {
          const grey = 0.299 * red! + 0.587 * green! + 0.114 * blue!;
          return grey + (v - grey) * factor;
        });
      case 'pca': {
        const n = normal(bits);
        return colours((v, at) => v + 255 * o.std! * d.colour[at]!.reduce((s, axis, j) => s + axis * n[j]!, 0));
      }
      case 'noise': {
        const n = normal(bitsOf(d, k - 1, 1 + i));
        return before(x, y).map((v, at) => v + 255 * o.std! * n[at]!);
      }
      case 'cutout': {
        const [left, top] = [0, 1].map(j => Math.floor(r[j]! * size[j]!) - Math.floor(o.size! / 2)) as [number, number];
        const inside = x >= left - 0.5 && x < left + o.size! - 0.5 && y >= top - 0.5 && y < top + o.size! - 0.5;
        return inside ? filled(fill!) : before(x, y);
      }
      case 'augmix':
        return augmix(o.severity!, k - 1, x, y, before);
    }
  }

  function augmix(severity: number, stage: number, x: number, y: number, before: (x: number, y: number) => Colour): Colour {
    if (d.view === 0) return before(x, y);
    const first = 16 * (d.view ?? 0);
    const [share, ...e] = uniform(bitsOf(d, stage, first));
    const weights = e.map(u => -Math.log(u + 2 ** -25));
    const sum = weights.reduce((a, b) => a + b);
    const out = before(x, y).map(v => v * (1 - share));
    for (let chain = 0; chain < 3; chain++) {
      const { moves, threshold, step, tone } = chainOf(d, stage, first + 1 + chain * 4, severity, image);
      let px = x - centre[0];
      let py = y - centre[1];
      for (const move of moves) [px, py] = move(px, py);
      px += centre[0];
      py += centre[1];
      if (px < -0.5 || px >= w - 0.5 || py < -0.5 || py >= h - 0.5) continue;
      before(px, py).forEach((v, at) => {
        let u = v;
        if (tone === 1) u = autocontrast(planes[at]!, v);
        if (tone === 2) {
          const low = Math.floor(v);
          const table = equal[at]!;
          u = table[low]! + (v - low) * (table[Math.min(255, low + 1)]! - table[low]!);
        }
        if (u >= threshold) u = 255 - u;
        if (step > 1) u = Math.floor(u / step) * step;
        out[at]! += ((share * weights[chain]!) / sum) * u;
      });
    }
    return out;
  }

  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      after(list.length, x, y, y * w + x).forEach((v, k) => {
        out[(k * h + y) * w + x] = v;
      });
    }
  }
  return out;
}
