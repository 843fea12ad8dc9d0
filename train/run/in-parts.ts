/** A batch that does not fit on the device is computed in equal parts, as many on all ranks. */
import { TooLarge, words } from '../../engine/check.ts';
import type { Recipe } from '../config/recipe.ts';
import type { Exchange } from '../distribute/exchange.ts';
import type { Trainer } from '../step/trainer.ts';

/**
 * What `make` gives for the fewest equal parts of the batch that fit on the device, from those that were asked for on. `sizes` are those of
 * the ranks' shares of a batch.
 */
export async function inParts(
  { batchSize, accumulate }: Pick<Recipe, 'batchSize' | 'accumulate'>,
  exchange: Exchange | undefined,
  sizes: readonly number[],
  make: (parts: number) => Promise<Trainer>,
): Promise<{ trainer: Trainer; parts: number; note: string | undefined }> {
  let why: string | undefined;
  for (let parts = accumulate; ; parts++) {
    if (parts > accumulate && (sizes.some(size => size % parts) || parts % accumulate)) continue;
    try {
      const trainer = await fitting(exchange, () => make(parts));
      const n = batchSize / parts;
      const hasNorm = trainer.graph.layers.some(l => l.running);
      const norm = hasNorm ? ', of which batch norm sees one at a time' : '';
      const note = why && `each batch of ${batchSize} is computed in ${parts} parts of ${n}${norm}: ${why}`;
      return { trainer, parts, note };
    } catch (error) {
      if (!(error instanceof TooLarge) || parts >= Math.max(...sizes)) throw error;
      why ??= words(error.problem);
    }
  }
}

/** What `make` gives, where it does not throw TooLarge on this rank or on another: all ranks compute in as many parts. */
async function fitting(exchange: Exchange | undefined, make: () => Promise<Trainer>): Promise<Trainer> {
  if (!exchange) return make();
  const made = await make().catch((error: unknown) => {
    if (error instanceof TooLarge) return error;
    throw error;
  });
  const refused = Float32Array.of(made instanceof TooLarge ? 1 : 0);
  await exchange.mean(refused, 1);
  if (made instanceof TooLarge) throw made;
  if (!refused[0]) return made;
  made.destroy();
  throw new TooLarge('it does not fit on the device of another rank');
}
