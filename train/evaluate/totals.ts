/** The sums that programs gather on the device. */
import type { Tensor } from '../../engine/tensor.ts';
import type { Program } from '../../engine/program.ts';
import type { Exchange } from '../distribute/exchange.ts';
import { TOTALS, type Totals } from './score.ts';

/** Bytes that the sums of a program take on the device: those of a vec4. */
export const TOTALS_BYTES = 16;

/** The sums in the order in which a program has them. */
export function totalsOf(sums: ArrayLike<number>, size: number): Totals {
  const names = size === TOTALS.numbers.length ? TOTALS.numbers : TOTALS.classes;
  const found: Partial<Record<keyof Totals, number>> = Object.fromEntries(names.map((name, i) => [name, sums[i]!]));
  return { ...found, loss: sums[0]! };
}

/** The sums that a program has gathered, on all ranks where there are several; it begins anew. */
export async function takeTotals(program: Program, totals: Tensor, exchange?: Exchange): Promise<Totals> {
  const { memory } = program;
  const { buffer, offset } = program.locate(totals);
  const sums = new Float32Array(await memory.download(buffer, offset, TOTALS_BYTES)).slice(0, totals.size);
  memory.upload(buffer, offset, new Float32Array(totals.size));
  await exchange?.mean(sums, 1);
  return totalsOf(sums, totals.size);
}
