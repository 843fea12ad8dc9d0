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
   * to 1. Of products by matrices, which are compiled for AMD alone, it is the cycles of these.
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

/** Cycles for which a product of 16x16x16 in f16 keeps the units of a SIMD of RDNA3 busy: a compute unit of two does 512 operations a cycle. */
const MATRIX_CYCLES = 32;

/** Throws where the loop along k is not found: the compiler has made something else of it. */
export function mixOf({ label, variant, listing, registers, spilled, shared }: Compiled, maker: Maker): Mix {
  const tile = tileOf(variant);
  const counts = stageOf(listing, tile ? multiplicationsOf(tile) : 0);
  if (!counts) throw new Error(`${label}, ${variant}: no loop with a barrier and multiply-adds`);
  const { fma = 0, matrix = 0, vector = 0, branch = 0 } = counts;
  const cycles = matrix * MATRIX_CYCLES;
  const share = tile ? fma / (maker === 'amd' ? fma + vector : issued(counts)) : cycles / (cycles + fma + vector);
  return { label, variant, share: Number(share.toFixed(3)), branches: Math.round(branch), registers, spilled, shared };
}
