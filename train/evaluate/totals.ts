/** The sums of loss and correct answers that programs gather on the device. */
import type { Tensor } from '../../engine/graph.ts';
import type { Program } from '../../engine/program.ts';
import type { Exchange } from '../distribute/exchange.ts';

/** Sums over images. */
export interface Totals {
  readonly loss: number;
  readonly correct: number;
}

/** The sums that a program has gathered, on all ranks where there are several; it begins anew. */
export async function takeTotals(program: Program, totals: Tensor, exchange?: Exchange): Promise<Totals> {
  const { memory } = program;
  const { buffer, offset } = program.locate(totals);
  const sums = new Float32Array(await memory.download(buffer, offset, 16)).slice(0, 2);
  memory.upload(buffer, offset, new Float32Array(2));
  await exchange?.mean(sums, 1);
  return { loss: sums[0]!, correct: sums[1]! };
}
