/** What can be seen of a net at work: filters, activations, its confusions. */
import type { Dataset } from '../datasets/dataset.ts';
import type { Probe } from '../train/probe.ts';
import type { Trainer } from '../train/trainer.ts';
import type { Planes } from './protocol.ts';

/** Most pictures of one layer. */
const MOST = 64;

/** Counts [label, answer] over the first `count` test images. */
export async function confusion(trainer: Trainer, { test, classes }: Dataset, count: number): Promise<Uint32Array> {
  const logits = await trainer.logits('test', count), k = classes.length, out = new Uint32Array(k * k);
  for (let i = 0; i < count; i++) {
    const row = logits.subarray(i * k, (i + 1) * k);
    out[test.labels[i]! * k + row.indexOf(row.reduce((a, b) => Math.max(a, b), -Infinity))]!++;
  }
  return out;
}

/** The weights of the first convolution, [o, c, k, k]; colours are kept where c is 3. */
export async function filters(trainer: Trainer): Promise<{ readonly channels: number } & Planes | undefined> {
  const first = [...trainer.graph.params.values()].map(p => p.value).find(t => t.shape.length === 4);
  if (!first) return undefined;
  const [o, c, h, w] = first.shape as [number, number, number, number], channels = c === 3 ? 3 : 1,
    count = Math.min(MOST, channels === 3 ? o : o * c);
  return { name: first.name, channels, count, h, w, data: (await trainer.memory.read(first)).slice(0, count * channels * h * w) };
}

/** What each layer makes of one image: its channels as pictures; a vector is one line of them. */
export async function activations(probe: Probe, image: Uint8Array): Promise<Planes[]> {
  probe.run(image);
  const out: Planes[] = [];
  for (const [name, t] of probe.outputs) {
    const [, c = 1, h = 1, w = 1] = t.shape.length === 4 ? t.shape : [1, 1, 1, t.size / probe.n];
    const count = Math.min(c, MOST);
    out.push({ name, count, h, w, data: (await probe.read(t)).slice(0, count * h * w) });
  }
  return out;
}
