/** A batch as the gather kernel makes it, and small data sets of random bytes to make it from. */
import type { Dataset } from '../../datasets/dataset.ts';
import { Graph } from '../../engine/graph.ts';
import { Memory, Program } from '../../engine/program.ts';
import type { Transform } from '../../shaders/images/augment.ts';
import { DeviceData, type DataOptions, type Part } from '../../train/data/data.ts';
import { deviceFor, random, type Way } from './check.ts';

export function noise(shape: readonly [number, number, number], train: number, test = train, classes = 5): Dataset {
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
}

/** x [n, c, h, w], labels [n] or [n, classes], and the data they come from. */
export async function gathered(dataset: Dataset, options: Partial<DataOptions>, o: Wanted) {
  const { n, offset = 0, part = 'train', seed = 0, epoch = 0, step = 1 } = o;
  const device = await deviceFor(o.way);
  const memory = new Memory(device);
  const g = new Graph({ training: o.training ?? true, profile: device.profile });
  const data = new DeviceData(dataset, { maxBinding: device.profile.maxBinding, ...options });
  await data.prepare();
  const source = data.source(g, part, n, o.view);
  g.kept.add(source.x).add(source.labels);
  const program = await Program.compile(memory, g);
  data.upload(memory, g, part);
  if (part === 'train') data.shuffle(memory, g, o.shuffle ? { seed, epoch } : undefined);
  await data.feed(memory, part, offset);
  program.run({ offset, seed, epoch, ...source.values?.({ seed, step }) });
  const x = await program.read(source.x);
  const labels = await program.read(source.labels);
  program.destroy();
  memory.destroy();
  return { x, labels: source.labels.shape.length === 1 ? Float32Array.from(new Uint32Array(labels.slice().buffer)) : labels, data };
}
