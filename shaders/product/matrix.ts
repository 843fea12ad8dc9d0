import { isSoftware, type MatrixConfig, type Profile, type Variant } from '../kernel/kernel.ts';
import { gridOf, vec4Bindings, type Tiled } from './product.ts';

/** A workgroup of four subgroups, two by two, computes 64 x 64 outputs, each subgroup a quarter. */
const SIDE = 64;
const PART = SIDE / 2;
/** vec4f between one k and the next in a stage, against conflicts of banks. */
const PAD = 2;

/** Values of k in a stage: two stages of f16 or f32 take 9 KiB of workgroup memory, of which every adapter has 16. */
const depthOf = ({ type }: MatrixConfig): number => (type === 'f16' ? 32 : 16);

/** Workgroup memory of the stages of A and B, and of a matrix of each subgroup's sums. */
const bytesOf = (c: MatrixConfig): number => 2 * depthOf(c) * (SIDE + 4 * PAD) * (c.type === 'f16' ? 2 : 4) + 16 * c.m * c.n;

/** The matrices that a call takes: of f16 where it may round its operands, else of f32; the largest that fit. */
function configOf(d: Profile): MatrixConfig | undefined {
  const fits = (c: MatrixConfig) =>
    c.type === (d.half ? 'f16' : 'f32') &&
    PART % c.m === 0 &&
    PART % c.n === 0 &&
    c.n % 4 === 0 &&
    depthOf(c) % c.k === 0 &&
    4 * c.subgroup >= depthOf(c) &&
    4 * c.subgroup <= d.maxWorkgroup &&
    bytesOf(c) <= d.maxWorkgroupBytes;
  const volume = (c: MatrixConfig) => c.m * c.n * c.k;
  return d.matrices?.filter(fits).sort((a, b) => volume(b) - volume(a))[0];
}

/**
 * A product by the matrix units of a GPU: `chromium-experimental-subgroup-matrix`, which Dawn shows behind its flag for unsafe APIs. Stages
 * of A and B lie in workgroup memory as f16 (or f32, where the units take it), sums stay f32 and pass through workgroup memory to be
 * stored.
 */
export const matrix = <P>(t: Tiled<P>): Variant<P> => ({
  name: 'matrix',
  fits(p, d) {
    const { m, n, k } = t.shape(p);
    return !isSoftware(d) && configOf(d) !== undefined && m >= 16 && n >= 16 && k >= 16 && !t.recorded?.(p) && (t.fits?.(p) ?? true);
  },
  needs: d => ['subgroups', 'matrices', ...(configOf(d)?.type === 'f16' ? (['f16'] as const) : [])],
  vec4: p => vec4Bindings(t, p),
  grid: p => gridOf(t, p, SIDE, SIDE),
  code: async (p, d) => {
    const config = configOf(d)!;
    const { matrixCode } = await import('./matrix-code.ts');
    return matrixCode(t, p, { ...config, side: SIDE, part: PART, pad: PAD, depth: depthOf(config) });
  },
});
