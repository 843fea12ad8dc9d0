/** What can be seen of a net at work: filters, activations, statistics of its layers, its confusions. */
import type { Dataset } from '../datasets/dataset.ts';
import type { Trainer } from '../train/trainer.ts';
import type { Probe } from './probe.ts';
import type { LayerStats, Planes } from './protocol.ts';

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
  const [o, c, h, w] = first.shape as [number, number, number, number], channels = c === 3 ? 3 : 1, count = Math.min(MOST, channels === 3 ? o : o * c);
  return { name: first.name, channels, count, h, w, data: (await trainer.memory.read(first)).slice(0, count * channels * h * w) };
}

/** Root mean square of weights and gradients of each layer, and of what it computes on `n` images. */
export async function layers(trainer: Trainer, probe: Probe, bytes: Uint8Array, n: number): Promise<LayerStats[]> {
  const seen = new Map<string, { -readonly [K in keyof LayerStats]: LayerStats[K] }>();
  probe.run(bytes);
  for (const [name, t] of probe.outputs) seen.set(name, { name, ...moments(await probe.read(t), t.size / probe.n, n) });
  for (const [name, { value, grad }] of trainer.graph.params) {
    if (!name.endsWith('weight')) continue;
    const layer = name.slice(0, name.lastIndexOf('.'));
    const entry = seen.get(layer) ?? { name: layer };
    seen.set(layer, Object.assign(entry, { weight: norm(await trainer.memory.read(value)), gradient: norm(await trainer.program.read(grad)) }));
  }
  return [...seen.values()];
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

const norm = (values: Float32Array): number => Math.sqrt(values.reduce((s, v) => s + v * v, 0) / values.length);

function moments(values: Float32Array, units: number, n: number): { mean: number; std: number; dead: number } {
  let sum = 0, squares = 0, dead = 0;
  for (let u = 0; u < units; u++) {
    let silent = true;
    for (let i = 0; i < n; i++) {
      const v = values[i * units + u]!;
      sum += v;
      squares += v * v;
      silent &&= v === 0;
    }
    if (silent) dead++;
  }
  const mean = sum / (units * n);
  return { mean, std: Math.sqrt(Math.max(0, squares / (units * n) - mean * mean)), dead: dead / units };
}
