/** The sums of loss and correct answers that programs gather on the device. */
import type { Tensor } from '../../engine/graph.ts';
import type { Program } from '../../engine/program.ts';

/** Sums over images. */
export interface Totals {
  readonly loss: number;
  readonly correct: number;
}

/** The sums that a program has gathered; it begins anew. */
export async function takeTotals(program: Program, totals: Tensor): Promise<Totals> {
  const { memory } = program;
  const { buffer, offset } = program.locate(totals);
  const [loss, correct] = new Float32Array(await memory.download(buffer, offset, 16));
  memory.upload(buffer, offset, new Float32Array(2));
  return { loss: loss!, correct: correct! };
}
