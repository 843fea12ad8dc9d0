/** Whether all ranks have the same weights, to the bit. */
import { DescentError } from '../../engine/check.ts';
import type { Memory } from '../../engine/memory.ts';
import type { Exchange } from './exchange.ts';
import { pagesOf } from './method.ts';

/** FNV-1a of 32-bit words (Fowler, Noll & Vo). */
function digest(words: Uint32Array, start = 0x811c9dc5): number {
  let hash = start;
  for (const word of words) hash = Math.imul(hash ^ word, 0x01000193);
  return hash >>> 0;
}

/** Throws where the parameters or the running statistics of a rank are not those of rank 0 after step number `step`. */
export async function checkSameWeights(exchange: Exchange, memory: Memory, step: number): Promise<void> {
  let own = 0;
  for (const role of ['param', 'buffer'] as const) {
    const pages = pagesOf(memory, role);
    const x = new Float32Array(pages.length);
    await pages.read(x);
    pages.destroy();
    own = digest(new Uint32Array(x.buffer), own || undefined);
  }
  const all = await exchange.texts(String(own));
  const other = all.findIndex(text => text !== all[0]);
  if (other < 0) return;
  throw new DescentError(
    `the weights of rank ${other} are not those of rank 0 after step ${step}`,
    'start ranks on adapters of one kind: others round differently',
  );
}
