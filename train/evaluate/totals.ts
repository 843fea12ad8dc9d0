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
  const { device } = program.memory;
  const { buffer, offset } = program.locate(totals);
  const [loss, correct] = new Float32Array(await device.read(buffer, offset, 16));
  device.gpu.queue.writeBuffer(buffer, offset, new Float32Array(2));
  return { loss: loss!, correct: correct! };
}
