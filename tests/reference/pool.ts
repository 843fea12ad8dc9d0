/** Pooling in float64. x is [planes, h, w] with planes = batch x channels; windows that leave the input see what lies inside. */
import { edgesOf, pairOf, type Edges, type Numbers, type Sides } from './linear.ts';

export interface Pool {
  planes: number;
  h: number;
  w: number;
  k: Sides;
  stride?: Sides;
  pad?: Sides | Edges;
  dilation?: Sides;
  /** Whether a last window may hang over the end, as PyTorch's ceil_mode. */
  ceil?: boolean;
}

/** Half open: [start, end). */
export type Interval = readonly [start: number, end: number];

/** A window [top, bottom) x [left, right) of one plane. */
interface Window {
  plane: number;
  top: number;
  bottom: number;
  left: number;
  right: number;
  /** From one tap to the next, 1 without it. */
  step?: readonly [number, number];
}

/** Maximum over k x k windows; `argmax` is the index within the plane, the first of equals, as PyTorch's return_indices. */
export function maxPool(x: Numbers, s: Pool): { y: Float64Array; argmax: Int32Array } {
  return maxOf(x, s, windows(s));
}

/**
 * Mean over k x k windows; the padding counts as zeros unless `countIncludePad` is false (PyTorch's count_include_pad), what hangs over it
 * never.
 */
export function avgPool(x: Numbers, s: Pool & { countIncludePad?: boolean }): Float64Array {
  const { bottom, right } = edgesOf(s.pad ?? 0);
  const all = (v: Window) => (Math.min(v.bottom, s.h + bottom) - v.top) * (Math.min(v.right, s.w + right) - v.left);
  return meanOf(x, s, windows(s), (s.countIncludePad ?? true) ? all : undefined);
}

/** Mean of each plane: [planes, h, w] -> [planes]. */
export const globalAvgPool = (x: Numbers, { planes, h, w }: { planes: number; h: number; w: number }): Float64Array =>
  Float64Array.from({ length: planes }, (_, p) => {
    let sum = 0;
    for (let i = 0; i < h * w; i++) sum += x[p * h * w + i]!;
    return sum / (h * w);
  });

interface Adaptive {
  planes: number;
  h: number;
  w: number;
  oh: number;
  ow: number;
}

/** PyTorch's adaptive windows: output i of `oh` covers [floor(i h / oh), ceil((i + 1) h / oh)). */
function parts(s: Adaptive): Window[] {
  const cut = (size: number, out: number) =>
    Array.from({ length: out }, (_, i): Interval => {
      return [Math.floor((i * size) / out), Math.ceil(((i + 1) * size) / out)];
    });
  return grid(
    s.planes,
    () => cut(s.h, s.oh),
    () => cut(s.w, s.ow),
  );
}

/** Mean over PyTorch's adaptive windows. */
export const adaptiveAvgPool = (x: Numbers, s: Adaptive): Float64Array => meanOf(x, s, parts(s));

/** Maximum over PyTorch's adaptive windows. */
export const adaptiveMaxPool = (x: Numbers, s: Adaptive) => maxOf(x, s, parts(s));

/** Maximum over given regions: rows(plane) and columns(plane) list the half-open intervals of one plane. */
export function fractionalMaxPool(
  x: Numbers,
  s: { planes: number; h: number; w: number },
  rows: (plane: number) => Interval[],
  columns: (plane: number) => Interval[],
): { y: Float64Array; argmax: Int32Array } {
  return maxOf(x, s, grid(s.planes, rows, columns));
}

/**
 * PyTorch's intervals for a sample u in [0, 1): windows of k, starts floor((i + u) a) - floor(u a) with a = (size - k) / (out - 1), the
 * last at size - k.
 */
export function fractionalIntervals(u: number, size: number, out: number, k: number): Interval[] {
  const a = (size - k) / (out - 1);
  return Array.from({ length: out }, (_, i) => {
    const start = i === out - 1 ? size - k : Math.floor((i + u) * a) - Math.floor(u * a);
    return [start, start + k];
  });
}

/**
 * Graham 2014, pseudo-random: cuts ceil(a (i + u)) with a = size / out, shifted and clamped to run from 0 to size;
 * disjoint regions [cut i, cut i+1), overlapping ones [cut i, cut i+1].
 */
export function pseudoRandomIntervals(u: number, size: number, out: number, overlapping: boolean): Interval[] {
  const a = size / out;
  const cut = (i: number) => (i === 0 ? 0 : i === out ? size : Math.ceil(a * (i + u)) - Math.ceil(a * u));
  return Array.from({ length: out }, (_, i): Interval => [cut(i), Math.min(cut(i + 1) + (overlapping ? 1 : 0), size)]);
}

function windows({ planes, h, w, k, stride = k, pad = 0, dilation = 1, ceil = false }: Pool): Window[] {
  const edges = edgesOf(pad);
  const step = pairOf(dilation);
  const cut = (size: number, axis: 0 | 1, before: number, behind: number): Interval[] => {
    const [reach, s] = [step[axis] * (pairOf(k)[axis] - 1) + 1, pairOf(stride)[axis]];
    const intervals: Interval[] = [];
    for (let start = -before; ceil ? start + reach < size + behind + s && start < size : start + reach <= size + behind; start += s) {
      intervals.push([start, start + reach]);
    }
    return intervals;
  };
  const all = grid(
    planes,
    () => cut(h, 0, edges.top, edges.bottom),
    () => cut(w, 1, edges.left, edges.right),
  );
  return all.map(v => ({ ...v, step }));
}

function grid(planes: number, rows: (plane: number) => Interval[], columns: (plane: number) => Interval[]): Window[] {
  const all: Window[] = [];
  for (let plane = 0; plane < planes; plane++) {
    for (const [top, bottom] of rows(plane)) {
      for (const [left, right] of columns(plane)) {
        all.push({ plane, top, bottom, left, right });
      }
    }
  }
  return all;
}

function inside(v: Window, { h, w }: { h: number; w: number }, visit: (i: number) => void): void {
  const [dh, dw] = v.step ?? [1, 1];
  for (let r = v.top; r < Math.min(v.bottom, h); r += dh) {
    for (let c = v.left; c < Math.min(v.right, w); c += dw) {
      if (r >= 0 && c >= 0) visit((v.plane * h + r) * w + c);
    }
  }
}

/** The sums of what lies inside of windows, over `count` of each, or over how many values that is. */
function meanOf(x: Numbers, s: { h: number; w: number }, all: Window[], count?: (v: Window) => number): Float64Array {
  return Float64Array.from(all, v => {
    let sum = 0;
    let number = 0;
    inside(v, s, i => {
      sum += x[i]!;
      number++;
    });
    return sum / (count?.(v) ?? number);
  });
}

function maxOf(x: Numbers, s: { h: number; w: number }, all: Window[]): { y: Float64Array; argmax: Int32Array } {
  const y = new Float64Array(all.length).fill(-Infinity);
  const argmax = new Int32Array(all.length);
  for (const [o, v] of all.entries()) {
    inside(v, s, i => {
      if (x[i]! > y[o]!) {
        y[o] = x[i]!;
        argmax[o] = i - v.plane * s.h * s.w;
      }
    });
  }
  return { y, argmax };
}
