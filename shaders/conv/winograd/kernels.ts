/**
 * The parts of a convolution by Winograd's tiles (see transform.ts). Tiles of m x m outputs lie one after another, by images, then rows, then
 * columns of tiles; a = m + 2. Each part takes `tiles` of them from image `first` on, and rows of `columns` values hold one value of all, and
 * zeros behind: products that sum over tiles take whole rows.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { kernel } from '../../kernel/define.ts';
import { finish, type Epilogue } from '../../kernel/epilogue.ts';
import { accumulated, accumulates } from '../../kernel/gradient.ts';
import { isSoftware, type Profile, type Variant } from '../../kernel/kernel.ts';
import { ceilDiv, items, threads } from '../../kernel/loops.ts';
import { range, unroll } from '../../kernel/wgsl.ts';
import { findColumns, id, isVector, loadRow, type Rows } from '../lane-tiles.ts';
import type { ConvWeight } from '../shape.ts';
import { FORMS, square, transposed } from './transform.ts';

/** The tiles of some images. */
export interface Tiles {
  readonly m: 2 | 4;
  /** Images before the first one. */
  readonly first: number;
  readonly tiles: number;
  readonly down: number;
  readonly across: number;
  /** At least as many as there are tiles. */
  readonly columns: number;
}

/** Tiles of the images [n, c, h, w], whose padding is `top` and `left`. */
export interface TiledImages extends Tiles {
  readonly c: number;
  readonly h: number;
  readonly w: number;
  readonly top: number;
  readonly left: number;
}

/** Channels that a workgroup takes one after another. */
const run = (c: number, d: Profile) => (isSoftware(d) ? Math.min(c, 16) : 1);

const sizesOf = ({ first, tiles, down, across, columns, c, h, w, top, left }: TiledImages) => ({
  first,
  tiles,
  down,
  across,
  columns,
  c,
  h,
  w,
  top,
  left,
});

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
  let end = min(i32(group.y + 1u) * ${run(p.c, d)}, C);
  for (var c = i32(group.y) * ${run(p.c, d)}; c < end; c++) {
${body}
  }
}`;

const grid = (p: TiledImages, d: Profile) => [ceilDiv(p.columns, threads(d)), ceilDiv(p.c, run(p.c, d)), 1] as const;

/** WGSL that stores the a x a values `f{i}_{j}` of a tile, one in each row of `columns`. */
const storeValues = (a: number) => `
    if (tile < op.columns) {
      var to = c * op.columns + tile;
      let step = C * op.columns;
${unroll(a, i => unroll(a, j => `      v[to] = select(0.0, f${i}_${j}, exists); to += step;`))}
    }`;

/** Whether tiles of 4 x 4 lie side by side as the lanes do, with a column of others on either side. */
const areNeighbours = (p: TiledImages, d: Profile): boolean =>
  isSoftware(d) && p.m === 4 && p.left === 1 && p.across === ceilDiv(p.w, 4) && d.lanes % p.across === 0;

const FITS: Readonly<Record<Rows, (p: TiledImages, d: Profile) => boolean>> = {
  shuffle: (p, d) => areNeighbours(p, d) && p.w % 4 === 0,
  neighbours: areNeighbours,
  vec4: (p, d) => isSoftware(d) && p.m === 4 && p.left === 1 && p.across * 4 === p.w,
  scalar: () => true,
};

/** V [a a, c, columns] = Bt x B of the inputs of each tile. */
const inputBy = (rows: Rows): Variant<TiledImages> => ({
  name: rows === 'scalar' ? 'plain' : `lanes ${rows}`,
  ...(isVector(rows) && { vec4: ['x'] }),
  needs: rows === 'shuffle' || rows === 'neighbours' ? ['subgroups'] : [],
  fits: FITS[rows],
  sizes: sizesOf,
  grid,
  code: (p, d) => {
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
  },
});

export const winogradInput = kernel({
  name: 'winograd_input',
  bindings: { x: 'read', v: 'write' },
  variants: [inputBy('shuffle'), inputBy('neighbours'), inputBy('vec4'), inputBy('scalar')],
});

/** V [a a, c, columns] = A dy At of the outputs of each tile; what of it lies outside counts as 0. */
export const winogradGradient = kernel({
  name: 'winograd_gradient',
  bindings: { dy: 'read', v: 'write' },
  variants: [
    {
      name: 'plain',
      sizes: sizesOf,
      grid,
      code: (p: TiledImages, d) => {
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
      },
    },
  ],
});

/** What a tile's outputs come to. */
export interface Outputs extends TiledImages {
  readonly bias?: boolean | undefined;
  readonly epilogue?: readonly Epilogue[] | undefined;
}

/** y [n, c, h, w] = At M A (+ bias [c]) of the products M [a a, c, columns] of each tile. */
export const winogradOutput = kernel({
  name: 'winograd_output',
  bindings: { products: 'read', bias: 'read?', y: 'write' },
  epilogue: 'y',
  unrolled: true,
  variants: [
    {
      name: 'plain',
      sizes: sizesOf,
      grid,
      code: (p: Outputs, d) => {
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
      },
    },
  ],
});

/** Weights [o, c, 3, 3], or with `flip` [c, o, 3, 3] whose taps are read backwards. */
export interface Weights {
  readonly m: 2 | 4;
  readonly o: number;
  readonly c: number;
  readonly flip?: boolean | undefined;
}

/** U [a a, o, c] = G w Gt. */
export const winogradWeight = kernel({
  name: 'winograd_weight',
  bindings: { weight: 'read', u: 'write' },
  over: (p: Weights, d) => items(p.o * p.c, d),
  body: p => {
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
  },
});

/** dweight [split, o, c, 3, 3], all of it in the first slice, = Gt D G of D [a a, o, c]. */
export const winogradWeightGradient = kernel({
  name: 'winograd_weight_gradient',
  bindings: { products: 'read', dweight: 'write' },
  step: (p: Weights & Pick<ConvWeight, 'split' | 'gradient'>) => accumulates(p.gradient),
  over: (p, d) => items(p.o * p.c, d),
  body: p => {
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
  },
});
