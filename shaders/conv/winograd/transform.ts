/** Winograd's minimal filtering F(m x m, 3 x 3) as matrices (Lavin & Gray 2016, arXiv 1509.09308), and WGSL that multiplies by them. */
import { range, unroll } from '../../kernel/wgsl.ts';

export type Matrix = readonly (readonly number[])[];

/**
 * A tile of m x m outputs y meets (m + 2) x (m + 2) inputs x: y = At [(G w Gt) (Bt x B)] A, the product between the brackets value by value.
 */
export interface Form {
  readonly m: number;
  /** [m + 2, m + 2] */
  readonly Bt: Matrix;
  /** [m + 2, 3] */
  readonly G: Matrix;
  /** [m, m + 2] */
  readonly At: Matrix;
}

/** The coefficients of the polynomial with these roots, from that of x^0 on. */
function polynomial(roots: readonly number[]): number[] {
  let c = [1];
  for (const root of roots) c = [...c, 0].map((_, k) => (c[k - 1] ?? 0) - root * (c[k] ?? 0));
  return c;
}

/** The form of Cook and Toom that interpolates at `points`, m + 1 of them, and at infinity. */
function form(m: number, points: readonly number[]): Form {
  const others = (i: number) => points.filter((_, j) => j !== i);
  const atInfinity = (size: number) => range(size).map(k => (k === size - 1 ? 1 : 0));
  return {
    m,
    Bt: [...points.map((_, i) => [...polynomial(others(i)), 0]), polynomial(points)],
    G: [
      ...points.map((point, i) => {
        const scale = others(i).reduce((n, other) => n * (point - other), 1);
        return range(3).map(k => point ** k / scale);
      }),
      atInfinity(3),
    ],
    At: transposed([...points.map(point => range(m).map(k => point ** k)), atInfinity(m)]),
  };
}

export const transposed = (matrix: Matrix): Matrix => matrix[0]!.map((_, j) => matrix.map(row => row[j]!));

/**
 * By their m. With the points of m = 4 the error against float64 is two to three times that of a direct convolution; with the usual 1, -1, 2
 * and -2 it is twice as large again. Each lies beside its negative, so that rows of the matrices share their sums.
 */
export const FORMS: Readonly<Record<2 | 4, Form>> = {
  2: form(2, [0, 1, -1]),
  4: form(4, [0, 0.75, -0.75, 1.5, -1.5]),
};

/** WGSL: a sum of multiples. */
function combination(terms: readonly (readonly [factor: number, name: string])[]): string {
  const some = terms.filter(([factor]) => factor !== 0);
  if (!some.length) return 'zero';
  return some
    .map(([factor, name], i) => {
      const sign = factor < 0 ? '-' : i ? '+' : '';
      const size = Math.abs(factor);
      return `${i ? ` ${sign} ` : sign}${size === 1 ? name : `${Math.fround(size)} * ${name}`}`;
    })
    .join('');
}

/**
 * WGSL: `y(i)` = sum over j of matrix[i][j] `x(j)`. Rows that differ in the sign of their odd columns alone share the sums of even and of
 * odd ones, `{y}e` and `{y}o`; columns that do so by rows are added and subtracted first, as `{y}s{j}` and `{y}d{j}`.
 */
function times(matrix: Matrix, x: (j: number) => string, y: (i: number) => string): string {
  const isPair = (rows: Matrix, i: number) =>
    i + 1 < rows.length && rows[i]!.every((v, j) => v === (j % 2 ? -1 : 1) * rows[i + 1]![j]!) && rows[i]!.some((v, j) => j % 2 && v !== 0);
  const columns = transposed(matrix);
  const shared: string[] = [];
  let sums = (row: readonly number[]) => row.map((v, j) => [v, x(j)] as const);
  const pairs = range(columns.length).filter(j => isPair(columns, j));
  if (matrix.length < columns.length && pairs.length) {
    for (const j of pairs) shared.push(`let ${y(0)}s${j} = ${x(j)} + ${x(j + 1)}; let ${y(0)}d${j} = ${x(j)} - ${x(j + 1)};`);
    sums = row =>
      row.flatMap((v, j) => {
        if (pairs.includes(j)) return [[v, v === row[j + 1] ? `${y(0)}s${j}` : `${y(0)}d${j}`] as const];
        return pairs.includes(j - 1) ? [] : [[v, x(j)] as const];
      });
  }
  const lines: string[] = [];
  for (let i = 0; i < matrix.length; i++) {
    const row = matrix[i]!;
    if (isPair(matrix, i)) {
      const part = (odd: number) => combination(row.flatMap((v, j) => (j % 2 === odd ? [[v, x(j)] as const] : [])));
      lines.push(`let ${y(i)}e = ${part(0)}; let ${y(i)}o = ${part(1)};`);
      lines.push(`let ${y(i)} = ${y(i)}e + ${y(i)}o; let ${y(i + 1)} = ${y(i)}e - ${y(i)}o;`);
      i++;
    } else lines.push(`let ${y(i)} = ${combination(sums(row))};`);
  }
  return [...shared, ...lines].join('\n');
}

/** WGSL: `y(i, j)` = matrix x matrixᵗ of a square of `x(i, j)`; `t` names what is between. */
export function square(matrix: Matrix, x: (i: number, j: number) => string, y: (i: number, j: number) => string): string {
  const t = (i: number, j: number) => `t${y(i, j)}`;
  return `${unroll(matrix[0]!.length, j =>
    times(
      matrix,
      i => x(i, j),
      i => t(i, j),
    ),
  )}
${unroll(matrix.length, i =>
  times(
    matrix,
    j => t(i, j),
    j => y(i, j),
  ),
)}`;
}

/** WGSL: the value of this turn of a loop, whose number is `turn`. */
function inTurn(values: readonly number[]): string {
  const texts = values.map(v => `f32(${Math.fround(v)})`);
  if (new Set(texts).size === 1) return texts[0]!;
  return texts.slice(0, -1).reduceRight((rest, text, t) => `select(${rest}, ${text}, turn == ${t})`, texts.at(-1)!);
}

/**
 * WGSL: as `square`, where `load(at)` loads x from `at` and moves that on along a row. The matrix has a column for each point; the first one
 * and the last have one value each, those between stand in pairs of a point and its negative, which differ in the sign of odd rows. So a loop
 * takes two rows of x in each turn, and the code has a third of the loads, which are most of what a software driver compiles: that takes half
 * the time, and the code runs a tenth faster (lavapipe). Stores in such a loop take longer, since what they are made of is held over all turns.
 * The loop counts from `base` on, any number that is not known before it runs and the same in all lanes, else drivers would unroll it. In its
 * WGSL `xp{j}` and `xq{j}` are the two rows, `p{j}` and `q{j}` these times the matrix, `s{j}` and `d{j}` the sums and differences of those, and
 * `w{k}` what of them goes into row k of y.
 */
export function squareOfLoaded(
  matrix: Matrix,
  base: string,
  row: (i: string) => string,
  load: (at: string) => string,
  y: (i: number, j: number) => string,
): string {
  const n = matrix.length;
  const a = matrix[0]!.length;
  const factors = (k: number) => range(a / 2).map(t => (t ? matrix[k]![2 * t - 1]! : k === 0 ? matrix[0]![0]! : matrix[k]!.at(-1)!));
  const sum = (k: number, j: number) => {
    const both = `${k % 2 ? 'd' : 's'}${j}`;
    return k === 0 ? `select(${both}, p${j}, turn == 0)` : k === n - 1 ? `select(${both}, q${j}, turn == 0)` : both;
  };
  return `
${unroll(n, i => unroll(n, j => `var ${y(i, j)} = 0.0;`, ' '))}
for (var count = ${base}; count < ${base} + ${a / 2}; count++) {
  let turn = count - ${base};
  var atP = ${row('select(2 * turn - 1, 0, turn == 0)')};
  var atQ = ${row(`select(2 * turn, ${a - 1}, turn == 0)`)};
${unroll(a, j => `  let xp${j} = ${load('atP')}; let xq${j} = ${load('atQ')};`)}
${times(
  matrix,
  j => `xp${j}`,
  j => `p${j}`,
)}
${times(
  matrix,
  j => `xq${j}`,
  j => `q${j}`,
)}
${unroll(n, j => `  let s${j} = p${j} + q${j}; let d${j} = p${j} - q${j};`)}
${unroll(n, k => `  let w${k} = ${inTurn(factors(k))};\n${unroll(n, j => `  ${y(k, j)} += w${k} * ${sum(k, j)};`)}`)}
}`;
}

/**
 * WGSL: as `square`, each row of y going to `store(row, y)` as it is made, where a matrix has a row for each point; the first one has even
 * columns alone, the last one odd ones. As in `squareOfLoaded` a loop takes two rows in each turn, those of a point and its negative, which
 * are the sum and the difference of what even and odd columns give: the code has a third of the stores, and compiles in three fifths of the
 * time, but takes a fifth longer (lavapipe), so that it is for transforms that take little of a step.
 */
export function squareStored(
  matrix: Matrix,
  base: string,
  x: (i: number, j: number) => string,
  store: (row: string, y: (j: number) => string) => string,
): string {
  const a = matrix.length;
  const columns = range(matrix[0]!.length);
  const factor = (k: number) => inTurn(range(a / 2).map(t => (t ? matrix[2 * t - 1]![k]! : k % 2 ? matrix[a - 1]![k]! : matrix[0]![k]!)));
  const part = (odd: number, j: number) =>
    columns
      .filter(k => k % 2 === odd)
      .map(k => `w${k} * ${x(k, j)}`)
      .join(' + ');
  const row = (name: string, at: string) => `${times(
    matrix,
    j => `${name}${j}`,
    j => `f${name}${j}`,
  )}
${store(at, j => `f${name}${j}`)}`;
  return `
for (var count = ${base}; count < ${base} + ${a / 2}; count++) {
  let turn = count - ${base};
${unroll(columns.length, k => `  let w${k} = ${factor(k)};`)}
${unroll(columns.length, j => `  let e${j} = ${part(0, j)}; let o${j} = ${part(1, j)};`)}
${unroll(columns.length, j => `  let p${j} = select(e${j} + o${j}, e${j}, turn == 0); let q${j} = select(e${j} - o${j}, o${j}, turn == 0);`)}
${row('p', 'select(2 * turn - 1, 0, turn == 0)')}
${row('q', `select(2 * turn, ${a - 1}, turn == 0)`)}
}`;
}
