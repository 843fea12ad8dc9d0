/** Products by the matrix units of GPUs: which tiles there are, and which calls each is for; their WGSL is in matrix-code.ts. */
import { isSized, isSoftware, type MatrixConfig, type Profile, type Variant } from '../kernel/kernel.ts';
import type { MatrixTile } from './matrix-code.ts';
import { gridOf, vec4Bindings, type Tiled, type TiledForm } from './product.ts';

/** Whether a variant of this name is one of these. */
export const isMatrix = (variant: string): boolean => variant.startsWith('matrix ');

/** Outputs of a workgroup, and the products that they are for. */
interface Workgroup {
  readonly height: number;
  readonly width: number;
  readonly fits: (m: number, n: number) => boolean;
}

/** In the order of a guess; the tuner decides. */
const TILES: Readonly<Record<string, Workgroup>> = {
  '128x128': { height: 128, width: 128, fits: (m, n) => m > 64 && n > 64 },
  '64x128': { height: 64, width: 128, fits: (m, n) => m > 32 && n > 64 },
  '64x64': { height: 64, width: 64, fits: () => true },
};

/** Sums that a lane may hold: more do not fit into its registers. */
const SUMS = 128;

const bytesOf = ({ type }: MatrixConfig): number => (type === 'f16' ? 2 : 4);

/** Workgroup memory of the stages, and of a matrix of each subgroup's sums. */
const memoryOf = (t: MatrixTile): number =>
  (t.height + t.width) * t.pitch * bytesOf(t) + 4 * t.m * t.n * ((t.height * t.width) / (t.part.height * t.part.width));

/** Quarters of the outputs, or less where a lane would hold too many sums, or the workgroup too few threads. */
function partOf({ height, width }: Workgroup, { subgroup, largest }: MatrixConfig): MatrixTile['part'] {
  const part = { height: height / 2, width: width / 2 };
  const parts = () => (height * width) / (part.height * part.width);
  while (part.height * part.width > SUMS * subgroup || parts() * subgroup < largest)
    part[part.height > part.width ? 'height' : 'width'] /= 2;
  return part;
}

/** Stages in which each thread brings 4 x 4 values of either side, where they fit; else shorter ones. */
function tileOf(workgroup: Workgroup, config: MatrixConfig, d: Profile): MatrixTile | undefined {
  const { height, width } = workgroup;
  const part = partOf(workgroup, config);
  const threads = ((height * width) / (part.height * part.width)) * config.subgroup;
  const most = Math.min(32, Math.max(16, (16 * threads) / Math.min(height, width)));
  return [most, 16]
    .map((depth): MatrixTile => ({ ...config, height, width, part, threads, depth, pitch: depth + 16 / bytesOf(config) }))
    .find(
      t =>
        part.height % t.m === 0 &&
        part.width % t.n === 0 &&
        t.n % 4 === 0 &&
        t.depth % t.k === 0 &&
        threads % t.largest === 0 &&
        threads <= d.maxWorkgroup &&
        memoryOf(t) <= d.maxWorkgroupBytes,
    );
}

/** The matrices that a call takes: of f16 where it may round its operands, else of f32; the largest that fit. */
function bestTile(workgroup: Workgroup, d: Profile): MatrixTile | undefined {
  const volume = (c: MatrixConfig) => c.m * c.n * c.k;
  const known = (d.matrices ?? []).filter(c => c.type === (d.half ? 'f16' : 'f32'));
  return known
    .map(c => tileOf(workgroup, c, d))
    .filter(t => t !== undefined)
    .sort((a, b) => volume(b) - volume(a))[0];
}

/**
 * Products by the matrix units of a GPU: `chromium-experimental-subgroup-matrix`, which Dawn shows behind its flag for unsafe APIs. Stages
 * of A and B lie in workgroup memory as f16 (or f32, where the units take it), sums stay f32 and pass through workgroup memory to be
 * stored.
 */
export const matrix = <P>(t: TiledForm<P>, whole: () => Tiled<P> | Promise<Tiled<P>>): Variant<P>[] =>
  Object.entries(TILES).map(([name, workgroup]) => ({
    name: `matrix ${name}`,
    fits(p, d) {
      const { m, n, k } = t.shape(p);
      const fills = m >= 16 && n >= 16 && k >= 16 && workgroup.fits(m, n);
      return !isSoftware(d) && fills && !t.recorded?.(p) && (t.fits?.(p) ?? true) && bestTile(workgroup, d) !== undefined;
    },
    needs: d => {
      const tile = bestTile(workgroup, d);
      return [
        'subgroups',
        'matrices',
        ...(tile?.type === 'f16' ? (['f16'] as const) : []),
        ...(tile && isSized(tile) ? (['sizes'] as const) : []),
      ];
    },
    vec4: p => vec4Bindings(t, p),
    grid: p => gridOf(t, p, workgroup.height, workgroup.width),
    code: async (p, d) => {
      const { matrixCode } = await import('./matrix-code.ts');
      return matrixCode(await whole(), p, bestTile(workgroup, d)!);
    },
  }));
