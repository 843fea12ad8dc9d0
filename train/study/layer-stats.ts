/** What each layer does at a moment of training: the size of its weights, gradients and updates, and what it computes. */
import type { Tensor } from '../../engine/tensor.ts';
import type { Probe } from '../evaluate/probe.ts';
import type { Trainer } from '../step/trainer.ts';

/** Sizes are root mean squares: norms over the root of the number of values, so that layers of all sizes compare. */
export interface LayerStats {
  readonly name: string;
  /** The length of the weight, of its gradient in the last step where there was one, and of its last change as a share of the weight's own. */
  readonly weight?: number;
  readonly gradient?: number;
  readonly update?: number;
  /** The activations on some images, evaluated: mean, deviation and the share of zeros. */
  readonly mean?: number;
  readonly std?: number;
  readonly zeros?: number;
  /** Share of this layer's units that are 0 for every one of the images. */
  readonly dead?: number;
}

interface Weight {
  readonly layer: string;
  readonly value: Tensor;
  readonly grad: Tensor;
}

function weights(trainer: Trainer): Weight[] {
  const all = new Set(trainer.graph.layers.flatMap(l => l.weight ?? []));
  return Array.from(all, ({ path, value, grad }) => ({ layer: path || 'model', value, grad }));
}

/** The root mean square of the gradients of each layer's weight in the last step, in order. */
export async function gradientSizes(trainer: Trainer): Promise<number[]> {
  const scale = await trainer.gradientScale();
  const sizes: number[] = [];
  for (const { grad } of weights(trainer)) sizes.push(rms(await trainer.memory.read(grad)) * scale);
  return sizes;
}

/** The weights by layer, as `layerStats` takes those before a step. */
export async function weightsNow(trainer: Trainer): Promise<ReadonlyMap<string, Float32Array>> {
  const reads = weights(trainer).map(async ({ layer, value }) => {
    const data = await trainer.memory.read(value);
    return [layer, data.slice()] as const;
  });
  return new Map(await Promise.all(reads));
}

/**
 * The layers in order, on the first `n` of the probe's images `bytes` [n, c, h, w]. With the weights `before` the last step also how far
 * it went. `read` are the weights as they are, where the caller has read them already.
 */
export async function layerStats(
  trainer: Trainer,
  probe: Probe,
  bytes: Uint8Array,
  n: number,
  before?: ReadonlyMap<string, Float32Array>,
  read?: ReadonlyMap<string, Float32Array>,
): Promise<LayerStats[]> {
  const seen = new Map<string, LayerStats>();
  const scale = await trainer.gradientScale();
  for (const stats of await activationStats(probe, bytes, n)) seen.set(stats.name, stats);
  for (const { layer, value, grad } of weights(trainer)) {
    const now = read?.get(layer) ?? (await trainer.memory.read(value));
    const last = before?.get(layer);
    const size = rms(now);
    seen.set(layer, {
      ...(seen.get(layer) ?? { name: layer }),
      weight: size,
      ...(trainer.hasGradients && { gradient: rms(await trainer.memory.read(grad)) * scale }),
      ...(last && { update: rms(now.map((v, i) => v - last[i]!)) / size }),
    });
  }
  return [...seen.values()];
}

/** What the layers compute, in order, on the first `n` of the probe's images `bytes` [n, c, h, w]. */
export async function activationStats(probe: Probe, bytes: Uint8Array, n: number): Promise<LayerStats[]> {
  probe.run(bytes);
  const all: LayerStats[] = [];
  for (const [name, t] of probe.outputs) all.push({ name, ...moments(await probe.read(t), t.size / probe.n, n) });
  return all;
}

/** The root mean square. */
export const rms = (values: Float32Array): number => Math.sqrt(values.reduce((s, v) => s + v * v, 0) / values.length);

/** The statistics of the values [n, units] of one layer. */
function moments(values: Float32Array, units: number, n: number): Omit<LayerStats, 'name'> {
  let sum = 0;
  let squares = 0;
  let zeros = 0;
  let dead = 0;
  for (let u = 0; u < units; u++) {
    let silent = 0;
    for (let i = 0; i < n; i++) {
      const v = values[i * units + u]!;
      sum += v;
      squares += v * v;
      if (v === 0) silent++;
    }
    zeros += silent;
    if (silent === n) dead++;
  }
  const mean = sum / (units * n);
  return {
    mean,
    std: Math.sqrt(Math.max(0, squares / (units * n) - mean * mean)),
    zeros: zeros / (units * n),
    dead: dead / units,
  };
}
