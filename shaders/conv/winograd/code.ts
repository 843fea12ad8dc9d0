/** The WGSL of Winograd's tiles, apart from the kernels (kernels.ts): it is loaded when one of them is first compiled. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { finish } from '../../kernel/epilogue.ts';
import { accumulated } from '../../kernel/gradient.ts';
import type { Profile } from '../../kernel/kernel.ts';
import { threads } from '../../kernel/loops.ts';
import { range, unroll } from '../../kernel/wgsl.ts';
import { findColumns, id, loadRow, type Rows } from '../lane-tiles.ts';
import type { ConvWeight } from '../shape.ts';
import { channelsOf, type Outputs, type TiledImages, type Weights } from './tiles.ts';
import { FORMS, square, transposed } from './transform.ts';

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

/** WGSL that stores the a x a values `f{i}_{j}` of a tile, one in each row of `columns`. */
const storeValues = (a: number) => `
    if (tile < op.columns) {
      var to = c * op.columns + tile;
      let step = C * op.columns;
${unroll(a, i => unroll(a, j => `      v[to] = select(0.0, f${i}_${j}, exists); to += step;`))}
    }`;

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
${square(
  Bt,
  (i, j) => `x${i}_${id(first + j)}`,
  (i, j) => `f${i}_${j}`,
)}
${storeValues(a)}`,
  );
}

/** A dy At of the outputs of each tile. */
export function gradientCode(p: TiledImages, d: Profile): string {
  const { m, At } = FORMS[p.m];
  const load = { buffer: 'dy', rows: 'scalar' as const, step: m, offsets: range(m) };
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
${square(
  transposed(At),
  (i, j) => `x${i}_${j}`,
  (i, j) => `f${i}_${j}`,
)}
${storeValues(m + 2)}`,
  );
}

/** At M A (+ bias) of the products of each tile. */
export function outputCode(p: Outputs, d: Profile): string {
  const { m, At } = FORMS[p.m];
  const a = m + 2;
  return (
    finish(p.epilogue, 'f32') +
    perTile(
      p,
      d,
      '',
      `
    var begin = c * op.columns + at;
    let step = C * op.columns;
${unroll(a, i => unroll(a, j => `    let x${i}_${j} = products[begin]; begin += step;`))}
${square(
  At,
  (i, j) => `x${i}_${j}`,
  (i, j) => `f${i}_${j}`,
)}
    let b = ${p.bias ? 'bias[c]' : '0.0'};
    let out = ((image * C + c) * H + ty * ${m}) * W + tx * ${m};
    if (exists) {
${unroll(m, i =>
  unroll(
    m,
    j => `      if ((ty * ${m} + ${i} < H) & (tx * ${m} + ${j} < W)) {
        let o = u32(out + ${i} * W + ${j});
        y[o] = finish(f${i}_${j} + b, o);
      }`,
  ),
)}
    }`,
    )
  );
}

/** G w Gt. */
export function weightCode(p: Weights): string {
  const { m, G } = FORMS[p.m];
  const a = m + 2;
  const first = p.flip ? `(i % ${p.c}u * ${p.o}u + i / ${p.c}u) * 9u` : 'i * 9u';
  return `
  let zero = 0.0;
  let first = ${first};
${unroll(9, tap => `  let w${Math.floor(tap / 3)}_${tap % 3} = weight[first + ${p.flip ? 8 - tap : tap}u];`)}
${square(
  G,
  (i, j) => `w${i}_${j}`,
  (i, j) => `u${i}_${j}`,
)}
${unroll(a * a, e => `  u[${e * p.o * p.c}u + i] = u${Math.floor(e / a)}_${e % a};`)}`;
}

/** Gt D G. */
export function weightGradientCode(p: Weights & Pick<ConvWeight, 'split' | 'gradient'>): string {
  const { m, G } = FORMS[p.m];
  const a = m + 2;
  return `
  let zero = 0.0;
${unroll(a * a, e => `  let d${Math.floor(e / a)}_${e % a} = products[${e * p.o * p.c}u + i];`)}
${square(
  transposed(G),
  (i, j) => `d${i}_${j}`,
  (i, j) => `w${i}_${j}`,
)}
${unroll(9, tap => `  { let v = w${Math.floor(tap / 3)}_${tap % 3}; dweight[i * 9u + ${tap}u] = ${accumulated(p.gradient, `dweight[i * 9u + ${tap}u]`)}; }`)}
  ${p.split > 1 ? `for (var s = 1u; s < ${p.split}u; s++) { for (var tap = 0u; tap < 9u; tap++) { dweight[(s * ${p.o * p.c}u + i) * 9u + tap] = 0.0; } }` : ''}`;
}
