/** Matrix product and convolution in float64, as plain loops. Inputs may be any arrays of numbers; results are Float64Array. */

export type Numbers = ArrayLike<number>;

/** C [m, n] = op(A) [m, k] op(B) [k, n]; with `ta` A lies as [k, m], with `tb` B lies as [n, k]. */
export function matmul(a: Numbers, b: Numbers, s: { m: number; k: number; n: number; ta?: boolean; tb?: boolean }): Float64Array {
  const { m, k, n, ta = false, tb = false } = s;
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let q = 0; q < k; q++) sum += a[ta ? q * m + i : i * k + q]! * b[tb ? j * k + q : q * n + j]!;
      c[i * n + j] = sum;
    }
  }
  return c;
}

/** x [n, c, h, w], weight [o, c/groups, kh, kw], y [n, o, oh, ow]. */
export interface Conv {
  n: number;
  c: number;
  h: number;
  w: number;
  o: number;
  kh: number;
  kw: number;
  stride?: Sides;
  pad?: Sides | Edges;
  dilation?: Sides;
  groups?: number;
}

/** One number for rows and columns, or one for each. */
export type Sides = number | readonly [rows: number, columns: number];

/** How much is put before and behind. */
export interface Edges {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

export const pairOf = (sides: Sides): readonly [number, number] => (typeof sides === 'number' ? [sides, sides] : sides);

export function edgesOf(pad: Sides | Edges): Edges {
  if (typeof pad === 'object' && 'top' in pad) return pad;
  const [rows, columns] = pairOf(pad);
  return { top: rows, bottom: rows, left: columns, right: columns };
}

/** Keras' padding='same', which is PyTorch's where the stride is 1. */
export function same([h, w]: readonly [number, number], k: Sides, stride: Sides, dilation: Sides): Edges {
  const axis = (i: 0 | 1, size: number) => {
    const reach = pairOf(dilation)[i] * (pairOf(k)[i] - 1) + 1;
    const all = Math.max(0, (Math.ceil(size / pairOf(stride)[i]) - 1) * pairOf(stride)[i] + reach - size);
    return [Math.floor(all / 2), Math.ceil(all / 2)] as const;
  };
  const [top, bottom] = axis(0, h);
  const [left, right] = axis(1, w);
  return { top, bottom, left, right };
}

/** Rows and columns of the output of windows on images of h x w. */
export function outSizes(s: Pick<Conv, 'h' | 'w' | 'kh' | 'kw' | 'stride' | 'pad' | 'dilation'>): [oh: number, ow: number] {
  const [sh, sw] = pairOf(s.stride ?? 1);
  const [dh, dw] = pairOf(s.dilation ?? 1);
  const { top, bottom, left, right } = edgesOf(s.pad ?? 0);
  return [outSize(s.h + top + bottom, s.kh, sh, 0, dh), outSize(s.w + left + right, s.kw, sw, 0, dw)];
}

/** Output size of a convolution or pooling along one axis. */
export const outSize = (size: number, k: number, stride = 1, pad = 0, dilation = 1): number =>
  Math.floor((size + 2 * pad - dilation * (k - 1) - 1) / stride) + 1;

/** Cross-correlation, as torch.nn.functional.conv2d. */
export function conv2d(x: Numbers, weight: Numbers, bias: Numbers | undefined, s: Conv): Float64Array {
  const [oh, ow] = outSizes(s);
  const plane = oh * ow;
  const y = new Float64Array(s.n * s.o * plane);
  if (bias) for (let i = 0; i < y.length; i++) y[i] = bias[Math.floor(i / plane) % s.o]!;
  const xs = new Float64Array(x);
  const ws = new Float64Array(weight);
  taps(s, (xi, wi, yi, count, step) => {
    const v = ws[wi]!;
    for (let i = 0; i < count; i++) y[yi + i]! += xs[xi + i * step]! * v;
  });
  return y;
}

/** Gradients of sum(dy * conv2d(x, weight, bias)): the same products, each given back to its two factors. */
export function conv2dBackward(
  x: Numbers,
  weight: Numbers,
  dy: Numbers,
  s: Conv,
): { dx: Float64Array; dweight: Float64Array; dbias: Float64Array } {
  const xs = new Float64Array(x);
  const ws = new Float64Array(weight);
  const ds = new Float64Array(dy);
  const dx = new Float64Array(xs.length);
  const dweight = new Float64Array(ws.length);
  const dbias = new Float64Array(s.o);
  const plane = ds.length / (s.n * s.o);
  for (let i = 0; i < ds.length; i++) dbias[Math.floor(i / plane) % s.o]! += ds[i]!;
  taps(s, (xi, wi, yi, count, step) => {
    const v = ws[wi]!;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      dx[xi + i * step]! += ds[yi + i]! * v;
      sum += ds[yi + i]! * xs[xi + i * step]!;
    }
    dweight[wi]! += sum;
  });
  return { dx, dweight, dbias };
}

/** Visits every product of a convolution, a row of outputs at a time: `count` outputs from yi on meet inputs from xi on, `step` apart. */
function taps(s: Conv, visit: (xi: number, wi: number, yi: number, count: number, step: number) => void): void {
  const { n, c, h, w, o, kh, kw, groups = 1 } = s;
  const [sh, sw] = pairOf(s.stride ?? 1);
  const [dh, dw] = pairOf(s.dilation ?? 1);
  const { top, left } = edgesOf(s.pad ?? 0);
  const [oh, ow] = outSizes(s);
  const cg = c / groups;
  const og = o / groups;
  for (let b = 0; b < n; b++) {
    for (let f = 0; f < o; f++) {
      for (let i = 0; i < cg; i++) {
        const channel = Math.floor(f / og) * cg + i;
        for (let r = 0; r < kh; r++) {
          for (let q = 0; q < kw; q++) {
            for (let p = 0; p < oh; p++) {
              const row = p * sh - top + r * dh;
              const filter = ((f * cg + i) * kh + r) * kw + q;
              const image = b * c + channel;
              if (row < 0 || row >= h) continue;
              let first = 0;
              let last = ow - 1; // the outputs of this row whose input column lies inside
              while (first <= last && first * sw - left + q * dw < 0) first++;
              while (last >= first && last * sw - left + q * dw >= w) last--;
              const column = first * sw - left + q * dw;
              if (last >= first) {
                visit((image * h + row) * w + column, filter, ((b * o + f) * oh + p) * ow + first, last - first + 1, sw);
              }
            }
          }
        }
      }
    }
  }
}

/** y [n, o, oh, ow] of a transposed convolution of x [n, c, h, w], weight [c, o/groups, kh, kw]: the dx of the convolution `s` from y to x. */
export function convTranspose2d(x: Numbers, weight: Numbers, bias: Numbers | undefined, s: Conv): Float64Array {
  const y = conv2dBackward(new Float64Array(s.n * s.c * s.h * s.w), weight, x, s).dx;
  return bias ? y.map((v, i) => v + bias[Math.floor(i / (s.h * s.w)) % s.c]!) : y;
}

/** dloss/dx by central differences of a float64 `loss`; the step balances truncation (h^2) against rounding (1e-16 / h). */
export function numericGradient(loss: (x: Float64Array) => number, x: Numbers, h = 1e-5): Float64Array {
  const at = new Float64Array(x);
  return at.map((value, i) => {
    at[i] = value + h;
    const up = loss(at);
    at[i] = value - h;
    const down = loss(at);
    at[i] = value;
    return (up - down) / (2 * h);
  });
}
