/** What the loop of a compiled product issues, as figures that are kept (mixes.json) and compared. */
import { multiplicationsOf, tileOf } from '../../shaders/product/tiled.ts';
import { stageOf, type Compiled, type Counts } from './loops.ts';

/** A compiler's name, as in mixes.json. */
export type Maker = 'amd' | 'nvidia';

export interface Mix {
  readonly label: string;
  readonly variant: string;
  /**
   * Multiply-adds among the vector instructions (AMD, which issues the others beside them) or among all that is issued (NVIDIA), from 0
   * to 1. Of products by matrices it is the cycles of these.
   */
  readonly share: number;
  readonly branches: number;
  /** Registers of a thread, and those that did not fit and lie in memory. */
  readonly registers: number;
  readonly spilled: number;
  /** Bytes of workgroup memory. */
  readonly shared: number;
}

const issued = (c: Counts): number => Object.entries(c).reduce((sum, [name, n]) => (name === 'hint' ? sum : sum + n), 0);

/**
 * Cycles for which a product of matrices of f16 keeps the units of a SIMD busy: 16x16x16 on RDNA3, whose compute units of two do 512
 * operations a cycle; 16x8x16 on an H100, whose multiprocessors of four do 4096.
 */
const MATRIX_CYCLES: Readonly<Record<Maker, number>> = { amd: 32, nvidia: 4 };

/** Throws where the loop along k is not found: the compiler has made something else of it. */
export function mixOf({ label, variant, listing, registers, spilled, shared }: Compiled, maker: Maker): Mix {
  const tile = tileOf(variant);
  const counts = stageOf(listing, tile ? multiplicationsOf(tile) : 0);
  if (!counts) throw new Error(`${label}, ${variant}: no loop with a barrier and multiply-adds`);
  const { fma = 0, matrix = 0, vector = 0, branch = 0 } = counts;
  const cycles = matrix * MATRIX_CYCLES[maker];
  const others = maker === 'amd' ? fma + vector : issued(counts) - matrix;
  const share = tile ? fma / others : cycles / (cycles + others);
  return { label, variant, share: Number(share.toFixed(3)), branches: Math.round(branch), registers, spilled, shared };
}
