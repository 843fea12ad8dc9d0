/** Makes a matrix [n, n] symmetric of which the part below the diagonal is there. */
export function symmetric(n: number, matrix: Float64Array): Float64Array {
  for (let r = 0; r < n; r++) for (let k = 0; k < r; k++) matrix[k * n + r] = matrix[r * n + k]!;
  return matrix;
}

/**
 * Eigenvalues, largest first, and eigenvectors (rows of `vectors`, [n, n]) of a symmetric matrix [n, n]: Householder reduction to three
 * diagonals, then the implicit QL iteration with Wilkinson's shift (Golub & Van Loan, section 8.3). About 6 n^3 operations.
 */
export function eigenSymmetric(matrix: ArrayLike<number>, n: number): { values: Float64Array; vectors: Float64Array } {
  // rows of q end up as eigenvectors: every rotation and reflection acts on whole rows, which lie together in memory
  const q = new Float64Array(n * n);
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  const { diagonal, off } = reduced(Float64Array.from(matrix), q, n);
  for (let low = 0; low < n; low++) isolate(diagonal, off, q, low);
  const order = Array.from({ length: n }, (_, i) => i).sort((x, y) => diagonal[y]! - diagonal[x]!);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => vectors.set(q.subarray(from * n, (from + 1) * n), to * n));
  return { values: Float64Array.from(order, i => diagonal[i]!), vectors };
}

/** A tridiagonal matrix with the eigenvalues of the symmetric `a` [n, n], which is overwritten; `q` is turned by its reflections. */
function reduced(a: Float64Array, q: Float64Array, n: number): { diagonal: Float64Array; off: Float64Array } {
  const v = new Float64Array(n);
  const p = new Float64Array(n);
  for (let k = 0; k < n - 2; k++) {
    let norm = 0;
    for (let i = k + 1; i < n; i++) norm += a[k * n + i]! ** 2;
    norm = Math.sqrt(norm);
    if (norm === 0) continue;
    const head = a[k * n + k + 1]!;
    const alpha = head > 0 ? -norm : norm;
    v.fill(0);
    for (let i = k + 1; i < n; i++) v[i] = a[k * n + i]!;
    v[k + 1] = head - alpha;
    const scale = 2 / (2 * norm * (norm + Math.abs(head))); // 2 / v'v
    let dot = 0;
    for (let i = k; i < n; i++) {
      let sum = 0;
      for (let j = k + 1; j < n; j++) sum += a[i * n + j]! * v[j]!;
      p[i] = scale * sum;
      dot += p[i]! * v[i]!;
    }
    for (let i = k; i < n; i++) p[i]! -= (scale / 2) * dot * v[i]!;
    for (let i = k; i < n; i++) for (let j = k; j < n; j++) a[i * n + j]! -= v[i]! * p[j]! + p[i]! * v[j]!;
    // q <- H q, H = 1 - scale v v'
    p.fill(0);
    for (let i = k + 1; i < n; i++) {
      const vi = v[i]!;
      for (let j = 0; j < n; j++) p[j]! += vi * q[i * n + j]!;
    }
    for (let i = k + 1; i < n; i++) {
      const f = scale * v[i]!;
      for (let j = 0; j < n; j++) q[i * n + j]! -= f * p[j]!;
    }
  }
  const diagonal = new Float64Array(n);
  const off = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    diagonal[i] = a[i * n + i]!;
    if (i < n - 1) off[i] = a[i * n + i + 1]!;
  }
  return { diagonal, off };
}

/** Turns a matrix of three diagonals, and the rows of `q` with it, until its element `low` has none beside it. */
function isolate(diagonal: Float64Array, off: Float64Array, q: Float64Array, low: number): void {
  const n = diagonal.length;
  for (let pass = 0; ; pass++) {
    let high = low;
    while (high < n - 1 && Math.abs(off[high]!) > Number.EPSILON * (Math.abs(diagonal[high]!) + Math.abs(diagonal[high + 1]!))) {
      high++;
    }
    if (high === low) return;
    if (pass === 60) throw new Error('eigenSymmetric: no convergence; the matrix holds NaN or infinity');
    let shift = (diagonal[low + 1]! - diagonal[low]!) / (2 * off[low]!);
    const root = Math.hypot(shift, 1);
    shift = diagonal[high]! - diagonal[low]! + off[low]! / (shift + (shift < 0 ? -root : root));
    let sine = 1;
    let cosine = 1;
    let carried = 0;
    let i = high - 1;
    for (; i >= low; i--) {
      const f = sine * off[i]!;
      const b = cosine * off[i]!;
      const r = Math.hypot(f, shift);
      off[i + 1] = r;
      if (r === 0) {
        diagonal[i + 1]! -= carried;
        off[high] = 0;
        break;
      }
      sine = f / r;
      cosine = shift / r;
      const g = diagonal[i + 1]! - carried;
      const t = (diagonal[i]! - g) * sine + 2 * cosine * b;
      carried = sine * t;
      diagonal[i + 1] = g + carried;
      shift = cosine * t - b;
      for (let j = 0, x = i * n, y = (i + 1) * n; j < n; j++, x++, y++) {
        const above = q[y]!;
        q[y] = sine * q[x]! + cosine * above;
        q[x] = cosine * q[x]! - sine * above;
      }
    }
    if (i >= low) continue;
    diagonal[low]! -= carried;
    off[low] = shift;
    off[high] = 0;
  }
}
