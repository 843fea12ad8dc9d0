/** A batch as the gather kernel makes it, and small data sets of random bytes to make it from. */
import type { Dataset, Split } from '../../datasets/dataset.ts';
import { Graph } from '../../engine/graph.ts';
import { Memory } from '../../engine/memory.ts';
import type { Transform } from '../../shaders/images/transform.ts';
import { BatchProgram } from '../../train/data/batch-program.ts';
import { gatherBatch } from '../../train/data/batch.ts';
import { openData, type DataOptions } from '../../train/data/data.ts';
import { DeviceData } from '../../train/data/device-data.ts';
import type { Part } from '../../train/data/split.ts';
import { deviceFor, random, type Way } from './check.ts';

export interface Bytes extends Dataset {
  readonly train: Split & { readonly images: Uint8Array };
  readonly test: Split & { readonly images: Uint8Array };
}

export function noise(shape: readonly [number, number, number], train: number, test = train, classes = 5): Bytes {
  const make = (n: number, seed: number) => ({
    n,
    images: Uint8Array.from(random(n * shape[0] * shape[1] * shape[2], seed), v => Math.floor((v + 1) * 128)),
    labels: Uint16Array.from({ length: n }, (_, i) => (i * 7 + seed) % classes),
  });
  return {
    name: 'noise',
    shape,
    classes: Array.from({ length: classes }, (_, k) => `class ${k}`),
    train: make(train, 3),
    test: make(test, 4),
  };
}

export interface Wanted {
  way?: Way;
  n: number;
  offset?: number;
  part?: Part;
  seed?: number;
  epoch?: number;
  step?: number;
  training?: boolean;
  view?: readonly Transform[];
  shuffle?: boolean;
  /** Draws images of these labels with replacement. */
  balanced?: ArrayLike<number>;
}

/** x [n, c, h, w], labels [n] or [n, classes], and the data they come from. */
export async function gathered(dataset: Dataset, options: Partial<DataOptions>, o: Wanted) {
  const { n, offset = 0, part = 'train', seed = 0, epoch = 0, step = 1 } = o;
  const device = await deviceFor(o.way);
  const memory = new Memory(device);
  const g = new Graph({ training: o.training ?? true, profile: device.profile });
  const data = await openData(dataset, options);
  const batch = gatherBatch(g, new DeviceData(data, memory, n), part, o.view, o.balanced !== undefined);
  g.kept.add(batch.x).add(batch.labels);
  const program = await BatchProgram.compile(batch);
  if (o.shuffle || o.balanced) program.arrange({ seed, epoch, balanced: o.balanced });
  await program.run({ offset, first: offset, seed, epoch, step });
  const x = await program.read(batch.x);
  const labels = await program.read(batch.labels);
  program.destroy();
  memory.destroy();
  return { x, labels: batch.labels.shape.length === 1 ? Float32Array.from(new Uint32Array(labels.slice().buffer)) : labels, data };
}
