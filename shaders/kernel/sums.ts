/**
 * The sums of a tile in lanes of a software adapter. They are more than there are registers, so that each lane has them in an array, to which
 * a loop at the end refers: as named scalars they would be alive across all loads, of which each is dozens of blocks of machine code, and a
 * driver that places them compiles up to twice as long, for code that is no faster (lavapipe).
 */
import { unroll } from './wgsl.ts';

interface Declared {
  /** f32 without it. */
  readonly type?: 'vec4f';
  /** WGSL of what a sum begins at, in place of 0. */
  readonly start?: ((sum: number) => string) | false | undefined;
}

/** WGSL: `count` sums of a lane. */
export const declareSums = (count: number, { type, start }: Declared = {}): string =>
  `  var sums : array<${type ?? 'f32'}, ${count}>;${start ? `\n  ${unroll(count, i => `sums[${i}] = ${start(i)};`, ' ')}` : ''}`;

/** WGSL: products added to a sum, all that a block has for it: each statement reads the array and writes it. */
export const addTo = (sum: number, products: readonly string[]): string =>
  products.length ? `sums[${sum}] = sums[${sum}] + ${products.join(' + ')};` : '';
