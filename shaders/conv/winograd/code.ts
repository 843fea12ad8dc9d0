/** The WGSL of Winograd's tiles, apart from the kernels (kernels.ts): it is loaded when one of them is first compiled. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { finish } from '../../kernel/epilogue.ts';
import { accumulated } from '../../kernel/gradient.ts';
import { isSoftware, type Profile } from '../../kernel/kernel.ts';
import { entry, threads } from '../../kernel/loops.ts';
import { storeInTurns } from '../../kernel/turns.ts';
import { range, unroll, widthOf } from '../../kernel/wgsl.ts';
import type { Rows } from '../lane-tiles.ts';
import { findColumns, id, loadRow } from '../lanes-code/rows.ts';
import type { ConvWeight } from '../shape.ts';
import { channelsOf, type Outputs, type TiledImages, type Weights } from './tiles.ts';
import { FORMS, type Matrix, square, squareOfLoaded, squareStored, transposed } from './transform.ts';

/** WGSL: a thread for each tile, which does `body` for channel `c` of its share; `image`, `ty` and `tx` say which one it is. */
const perTile = (p: TiledImages, d: Profile, before: string, body: string) => wgsl`
@compute @workgroup_size(${threads(d)})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) index : u32) {
  let W = op.w; let H = op.h; let C = op.c;
  let tile = i32(group.x) * ${threads(d)} + i32(index);
  let at = min(tile, op.tiles - 1);
  let tx = at % op.across;
  let ty = at / op.across % op.down;
  let image = op.first + at / op.across / op.down;
  let exists = tile < op.tiles;
  ${before}
  let end = min(i32(group.y + 1u) * ${channelsOf(p.c, d)}, C);
  for (var c = i32(group.y) * ${channelsOf(p.c, d)}; c < end; c++) {
${body}
  }
}`;

/** WGSL: `body`, in which `storeRow` stores the a x a values of a tile, one in each row of `columns`. */
const storeValues = (body: string) => `
    if (tile < op.columns) {
      let first = c * op.columns + tile;
      let step = C * op.columns;
${body}
    }`;

/** WGSL that stores row `i` of these values, of which `y` gives a. */
const storeRow = (a: number) => (i: string, y: (j: number) => string) =>
  `      { var to = first + ${i} * ${a} * step; ${unroll(a, j => `v[to] = select(0.0, ${y(j)}, exists); to += step;`, ' ')} }`;

/** WGSL: matrix x matrixᵗ of the values of a tile, stored. */
function storeSquare(matrix: Matrix, x: (i: number, j: number) => string): string {
  const a = matrix.length;
  const f = (i: number, j: number) => `f${i}_${j}`;
  return `${square(matrix, x, f)}
${storeValues(unroll(a, i => storeRow(a)(`${i}`, j => f(i, j))))}`;
}

/** WGSL: matrix x matrixᵗ of a square of the values of `products` from `first` on, `step` apart, as `y(i, j)`; `base` as of `squareOfLoaded`. */
function loadValues(matrix: Matrix, d: Profile, base: string, y: (i: number, j: number) => string): string {
  const a = matrix[0]!.length;
  const load = (at: string) => `products[${at}]; ${at} += step`;
  if (isSoftware(d)) return squareOfLoaded(matrix, base, i => `first + ${i} * ${a} * step`, load, y);
  const x = (i: number, j: number) => `x${i}_${j}`;
  return `
    var begin = first;
${unroll(a, i => unroll(a, j => `    let ${x(i, j)} = ${load('begin')};`))}
${square(matrix, x, y)}`;
}

/** Bt x B of the inputs of each tile. */
export function inputCode(rows: Rows, p: TiledImages, d: Profile): string {
  const { m, Bt } = FORMS[p.m];
  const a = m + 2;
  const first = rows === 'scalar' ? 0 : -1;
  const load = { buffer: 'x', rows, step: m, offsets: range(a).map(j => first + j) };
  return perTile(
    p,
    d,
    `
  let top = ty * ${m} - op.top;
  let tw = tx;
  let start = tx * ${m}${rows === 'scalar' ? ' - op.left' : ''};
  ${findColumns(load)}
  ${unroll(a, i => `let ok${i} = u32(top + ${i}) < u32(H); let r${i} = clamp(top + ${i}, 0, H - 1) * W + start;`)}`,
    `
    let plane = (image * C + c) * H * W;
${unroll(a, i => `    let e${i} = plane + r${i};\n${loadRow(String(i), load)}`)}
${storeSquare(Bt, (i, j) => `x${i}_${id(first + j)}`)}`,
  );
}

/** A dy At of the outputs of each tile. */
export function gradientCode(p: TiledImages, d: Profile): string {
  const { m, At } = FORMS[p.m];
  const load = { buffer: 'dy', rows: 'scalar' as const, step: m, offsets: range(m) };
  const x = (i: number, j: number) => `x${i}_${j}`;
  return perTile(
    p,
    d,
    `
  let zero = 0.0;
  let start = tx * ${m};
  ${findColumns(load)}
  ${unroll(m, i => `let ok${i} = ty * ${m} + ${i} < H; let r${i} = min(ty * ${m} + ${i}, H - 1) * W + start;`)}`,
    `
    let plane = (image * C + c) * H * W;
${unroll(m, i => `    let e${i} = plane + r${i};\n${loadRow(String(i), load)}`)}
${isSoftware(d) ? storeValues(squareStored(transposed(At), 'c', x, storeRow(m + 2))) : storeSquare(transposed(At), x)}`,
  );
}

/** At M A (+ bias) of the products of each tile. */
export function outputCode(vec4: boolean, p: Outputs, d: Profile): string {
  const { m, At } = FORMS[p.m];
  const row = (i: number) => range(m).map(j => `f${i}_${j}`);
  const store = (i: number, y: string) => {
    const out = `let out = ((image * C + c) * H + ${y}) * W + tx * ${m};`;
    if (vec4) return `${out} let o = u32(out) / 4u; y[o] = finish(vec4f(${row(i).join(', ')}) + b, o);`;
    const value = (f: string, j: number) => `if (tx * ${m} + ${j} < W) { let o = u32(out + ${j}); y[o] = finish(${f} + b, o); }`;
    return `${out} ${row(i).map(value).join(' ')}`;
  };
  return (
    finish(p.epilogue, widthOf(vec4).type) +
    perTile(
      p,
      d,
      '',
      `
    let first = c * op.columns + at;
    let step = C * op.columns;
${loadValues(At, d, 'c', (i, j) => `f${i}_${j}`)}
    let b = ${p.bias ? 'bias[c]' : '0.0'};
    if (exists) {${storeInTurns({ items: m, turns: isSoftware(d) ? m : 1, first: `ty * ${m}`, end: 'H', sums: row, store })}
    }`,
    )
  );
}

/** WGSL: a thread for each pair of output channel `o` and input channel `c`, which does `body`. */
const perPair = (d: Profile, body: string) =>
  entry(
    threads(d),
    `
  let o = i32(group.y); let c = i32(group.x) * ${threads(d)} + i32(lane);
  if (c >= op.c) { return; }
  let zero = 0.0;
  let step = op.o * op.c;
${body}`,
  );

/** WGSL that stores rows of values `{name}{row}_{column}`, in turns where a store is much code; `store` sees them as `v{row}_{column}`. */
function storeRows(d: Profile, rows: number, columns: number, name: string, store: (row: number) => string): string {
  const sums = (i: number) => range(columns).map(j => `v${i}_${j}`);
  return `
${unroll(rows, i => unroll(columns, j => `  var v${i}_${j} = ${name}${i}_${j};`, ' '))}
${storeInTurns({ items: rows, turns: isSoftware(d) ? rows : 1, first: 'o', sums, store })}`;
}

/** G w Gt. */
export function weightCode(p: Weights, d: Profile): string {
  const { m, G } = FORMS[p.m];
  const a = m + 2;
  return perPair(
    d,
    `
  let first = o * op.wo + c * op.wc + op.w0;
${unroll(9, tap => `  let w${Math.floor(tap / 3)}_${tap % 3} = weight[first + ${tap} * op.wt];`)}
${square(
  G,
  (i, j) => `w${i}_${j}`,
  (i, j) => `u${i}_${j}`,
)}
  var to = o * op.c + c;
${storeRows(d, a, a, 'u', i => unroll(a, j => `  u[to] = v${i}_${j}; to += step;`))}`,
  );
}

/** Gt D G. */
export function weightGradientCode(p: Weights & Pick<ConvWeight, 'split' | 'gradient'>, d: Profile): string {
  const { G } = FORMS[p.m];
  return perPair(
    d,
    `
  let first = o * op.c + c;
  var to = first * 9;
${loadValues(transposed(G), d, 'o', (i, j) => `w${i}_${j}`)}
${storeRows(d, 3, 3, 'w', i => unroll(3, j => `  { let v = v${i}_${j}; dweight[to] = ${accumulated(p.gradient, 'dweight[to]')}; to++; }`))}
  for (var slice = 1; slice < op.split; slice++) { // the others are zeros
    to += (step - 1) * 9;
    for (var tap = 0; tap < 9; tap++) { dweight[to] = 0.0; to++; }
  }`,
  );
}
