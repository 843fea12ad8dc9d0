/** Training images as a net sees them, made by the kernel that trains. */
import type { Dataset } from '../../datasets/dataset.ts';
import type { Device } from '../../engine/device.ts';
import { Graph } from '../../engine/graph.ts';
import { Memory } from '../../engine/memory.ts';
import type { Augmentation } from '../data/augmentation.ts';
import { BatchProgram } from '../data/batch-program.ts';
import { gatherBatch } from '../data/batch.ts';
import { openData } from '../data/data.ts';
import { DeviceData } from '../data/device-data.ts';

export interface SeenOptions {
  /** How many of the first training images. */
  readonly n: number;
  readonly seed: number;
  readonly epochs: readonly number[];
  /** As they are without it. */
  readonly augment?: Augmentation | undefined;
}

/** The bytes [n, c, h, w] of the first training images in each of some epochs. */
export async function seenBytes(device: Device, dataset: Dataset, { n, seed, epochs, augment }: SeenOptions): Promise<Uint8Array[]> {
  const memory = new Memory(device);
  try {
    const g = new Graph({ training: true, profile: device.profile });
    const batch = gatherBatch(g, new DeviceData(await openData(dataset, { augment }), memory, n), 'train');
    g.kept.add(batch.x);
    const program = await BatchProgram.compile(batch);
    const out: Uint8Array[] = [];
    const size = n * dataset.shape.reduce((a, b) => a * b);
    for (const epoch of epochs) {
      await program.run({ offset: 0, seed, epoch, step: epoch + 1 });
      const seen = await program.read(batch.x); // of several views the last: the first is the image itself
      out.push(Uint8Array.from(seen.subarray(seen.length - size), v => Math.min(255, Math.max(0, Math.round(v * 255)))));
    }
    program.destroy();
    return out;
  } finally {
    memory.destroy();
  }
}
