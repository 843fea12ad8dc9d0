/** Filters that whiten small patches of images, computed once on the host before training. */

/**
 * The weight [2 c k k, c, k, k] of a convolution whose outputs on patches of `images` [n, c, h, w] have unit variance and are uncorrelated: the
 * eigenvectors of the patches' covariance over the roots of their eigenvalues (+ eps), largest first, then the same negated
 * (hlb-CIFAR10; Jordan 2024, "94 % on CIFAR-10 in 3.29 seconds").
 */
export function whitening(images: Float32Array, [n, c, h, w]: readonly [number, number, number, number], k = 2, eps = 5e-4): Float32Array {
  const size = c * k * k, covariance = Array.from({ length: size }, () => new Float64Array(size)), patch = new Float64Array(size);
  let patches = 0;
  for (let image = 0; image < n; image++) for (let top = 0; top + k <= h; top++) for (let left = 0; left + k <= w; left++, patches++) {
    for (let i = 0; i < size; i++) patch[i] = images[((image * c + Math.floor(i / (k * k))) * h + top + Math.floor(i / k) % k) * w + left + i % k]!;
    for (let i = 0; i < size; i++) for (let j = 0; j <= i; j++) covariance[i]![j]! += patch[i]! * patch[j]!;
  }
  for (let i = 0; i < size; i++) for (let j = 0; j <= i; j++) covariance[j]![i] = covariance[i]![j]! /= patches;
  const { values, vectors } = eigen(covariance), out = new Float32Array(2 * size * size);
  const order = Array.from(values.keys()).sort((a, b) => values[b]! - values[a]!);
  order.forEach((e, row) => {
    for (let i = 0; i < size; i++) {
      out[row * size + i] = vectors[i]![e]! / Math.sqrt(values[e]! + eps);
      out[(size + row) * size + i] = -out[row * size + i]!;
    }
  });
  return out;
}

/** Eigenvalues and eigenvectors (columns) of a symmetric matrix by Jacobi's rotations; `a` is used up. */
export function eigen(a: Float64Array[]): { values: Float64Array; vectors: Float64Array[] } {
  const n = a.length, v = a.map((_, i) => Float64Array.from({ length: n }, (_, j) => Number(i === j)));
  const turn = (m: Float64Array, p: number, q: number, c: number, s: number) => { const mp = m[p]!, mq = m[q]!; m[p] = c * mp - s * mq; m[q] = s * mp + c * mq; };
  for (let sweep = 0; sweep < 50; sweep++) {
    let off = 0, on = 0;
    for (let i = 0; i < n; i++) { on += a[i]![i]! ** 2; for (let j = 0; j < i; j++) off += a[i]![j]! ** 2; }
    if (off <= 1e-26 * on) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) {
      if (a[p]![q] === 0) continue;
      const theta = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!), t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
      const c = 1 / Math.hypot(t, 1), s = t * c;
      for (let i = 0; i < n; i++) turn(a[i]!, p, q, c, s);
      for (let i = 0; i < n; i++) { const ap = a[p]![i]!, aq = a[q]![i]!; a[p]![i] = c * ap - s * aq; a[q]![i] = s * ap + c * aq; }
      for (let i = 0; i < n; i++) turn(v[i]!, p, q, c, s);
    }
  }
  return { values: Float64Array.from(a, (row, i) => row[i]!), vectors: v };
}
