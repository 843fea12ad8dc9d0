/** Products for GPUs by tiles in workgroup memory: which tiles there are, and which calls each is for; their WGSL is in tiled-code.ts. */
import { isSoftware, type Variant } from '../kernel/kernel.ts';
import { ceilDiv } from '../kernel/loops.ts';
import { matrix } from './matrix.ts';
import { gridOf, vec4Bindings, type Tiled, type TiledForm } from './product.ts';
import type { Tile } from './tiled-code.ts';

/**
 * By the outputs of a workgroup, rows x columns, and `/ 16` where sixteen groups of its threads share the values of k (see Tile). In the order
 * of a guess; the tuner decides.
 */
const TILES: Readonly<Record<string, Tile>> = {
  '16x16 / 16': { rows: 4, columns: 4, tall: 4, wide: 4, depth: 64, slices: 16, fits: (_, __, k, blocks) => k >= 128 && blocks < 32 },
  '32x32 / 4': { rows: 8, columns: 8, tall: 4, wide: 4, depth: 32, slices: 4, fits: (_, __, k, blocks) => k >= 64 && blocks < 128 },
  '16x256': { rows: 4, columns: 64, tall: 4, wide: 4, depth: 16, slices: 1, fits: (m, n) => m <= 16 && n >= 256 },
  '32x128': { rows: 8, columns: 32, tall: 4, wide: 4, depth: 16, slices: 1, fits: (m, n) => m <= 32 && n >= 128 },
  '16x512': { rows: 2, columns: 64, tall: 8, wide: 8, depth: 8, slices: 1, fits: (m, n) => m <= 16 && n >= 512 },
  '32x256': { rows: 4, columns: 32, tall: 8, wide: 8, depth: 8, slices: 1, fits: (m, n) => m <= 32 && n >= 256 },
  '64x128': { rows: 8, columns: 16, tall: 8, wide: 8, depth: 16, slices: 1, fits: (m, n) => m <= 64 && n >= 128 },
  '64x64': { rows: 16, columns: 16, tall: 4, wide: 4, depth: 16, slices: 1, fits: () => true },
  '128x64': { rows: 16, columns: 16, tall: 8, wide: 4, depth: 16, slices: 1, fits: m => m > 64 },
  '128x128': { rows: 16, columns: 16, tall: 8, wide: 8, depth: 8, slices: 1, fits: (m, n) => m > 64 && n > 64 },
};

/** The tile by which a variant works; undefined where it has none. */
export const tileOf = (variant: string): Tile | undefined => TILES[variant.replace(/^tiled (f16 )?/, '')];

/** Multiplications of one thread in one stage. */
export const multiplicationsOf = ({ tall, wide, depth, slices }: Tile): number => (tall * wide * depth) / slices;

/**
 * The variants of a product: for each tile one whose stages are f16, where a call may round its operands to that, and one whose stages are
 * f32; and some by matrices of a subgroup.
 */
export const tiled = <P>(t: Tiled<P>): Variant<P>[] => tiledLater(t, () => t);

/** The same, `whole` of which is loaded when a call is compiled. */
export const tiledLater = <P>(t: TiledForm<P>, whole: () => Tiled<P> | Promise<Tiled<P>>): Variant<P>[] => [
  ...Object.entries(TILES).flatMap(([name, tile]) => [true, false].map(half => byThreads(t, whole, name, tile, half))),
  ...matrix(t, whole),
];

/** vec4f between the rows of a stage: threads that store neighbours along k would meet in one bank of workgroup memory without it. */
const pad = (alongK: boolean): number => (alongK ? 1 : 0);

/** With `half` a stage takes half the workgroup memory and half the time to read; products and sums are f32 all the same. */
function byThreads<P>(t: TiledForm<P>, whole: () => Tiled<P> | Promise<Tiled<P>>, name: string, tile: Tile, half: boolean): Variant<P> {
  const { rows, columns, tall, depth, slices } = tile;
  const wide = tile.wide / 4;
  const group = rows * columns;
  const threads = group * slices;
  const height = rows * tall;
  const width = columns * tile.wide;
  const staged = (p: P): number => depth * (height / 4 + pad(t.a(p).alongK) + width / 4 + pad(t.b(p).alongK));
  const exchanged = (p: P): number =>
    Math.max(slices > 1 ? (slices / 2) * group * tall * wide : 0, t.recorded?.(p) ? ((threads * tall) / 4) * wide : 0);
  const bytes = (p: P): number => (half ? 8 * staged(p) + 16 * exchanged(p) : 16 * Math.max(staged(p), exchanged(p)));
  return {
    name: `tiled ${half ? 'f16 ' : ''}${name}`,
    fits(p, d) {
      const { m, n, k, batch = 1 } = t.shape(p);
      const split = t.split?.(p) ?? 1;
      const blocks = ceilDiv(m, 64) * ceilDiv(n, 64) * batch * split;
      return (
        !isSoftware(d) &&
        d.maxWorkgroup >= threads &&
        (!half || Boolean(d.half)) &&
        d.maxWorkgroupBytes >= bytes(p) &&
        tile.fits(m, n, k / split, blocks) &&
        (t.fits?.(p) ?? true) &&
        columns % ((t.recorded?.(p)?.columns ?? 4) / 4) === 0
      );
    },
    needs: half ? ['f16'] : [],
    vec4: p => vec4Bindings(t, p),
    grid: p => gridOf(t, p, height, width),
    code: async p => {
      const { tiledCode } = await import('./tiled-code.ts');
      return tiledCode(await whole(), p, { tile, half, pad, staged: staged(p), exchanged: exchanged(p) });
    },
  };
}
