/** What each layer does at a moment of training: the size of its weights, gradients and updates, and what it computes. */
import type { Tensor } from '../engine/graph.ts';
import type { Probe } from './probe.ts';
import type { Trainer } from './trainer.ts';

/** Sizes are root mean squares: norms over the root of the number of values, so that layers of all sizes compare. */
export interface LayerStats {
  readonly name: string;
  /** Of the weight, of its gradient in the last step, and of its last change as a share of the weight's own. */
  readonly weight?: number;
  readonly gradient?: number;
  readonly update?: number;
  /** Of the activations on some images, evaluated: mean, deviation and the share of zeros. */
  readonly mean?: number;
  readonly std?: number;
  readonly zeros?: number;
  /** Share of this layer's units that are 0 for every one of the images. */
  readonly dead?: number;
}

const weights = (trainer: Trainer): [layer: string, value: Tensor, grad: Tensor][] =>
  [...trainer.graph.params].flatMap(([name, { value, grad }]) =>
    name.endsWith('weight') ? [[name.slice(0, Math.max(0, name.lastIndexOf('.'))) || 'model', value, grad]] : [],
  );

/** The weights by layer, as `layerStats` takes those before a step. */
export async function weightsNow(trainer: Trainer): Promise<ReadonlyMap<string, Float32Array>> {
  return new Map(
    await Promise.all(
      weights(trainer).map(async ([layer, value]) => [layer, (await trainer.memory.read(value)).slice()] as const),
    ),
  );
}

/**
 * The layers in order, on the first `n` of the probe's images `bytes` [n, c, h, w]; with the weights `before` the last step also how far it
 * went.
 */
export async function layerStats(
  trainer: Trainer,
  probe: Probe,
  bytes: Uint8Array,
  n: number,
  before?: ReadonlyMap<string, Float32Array>,
): Promise<LayerStats[]> {
  const seen = new Map<string, LayerStats>();
  const own = weights(trainer);
  const scale = await trainer.gradientScale();
  probe.run(bytes);
  for (const [name, t] of probe.outputs) seen.set(name, { name, ...moments(await probe.read(t), t.size / probe.n, n) });
  for (const [name, value, grad] of own) {
    const now = await trainer.memory.read(value);
    const last = before?.get(name);
    const size = rms(now);
    seen.set(name, {
      ...(seen.get(name) ?? { name }),
      weight: size,
      gradient: rms(await trainer.memory.read(grad)) * scale,
      ...(last && { update: rms(now.map((v, i) => v - last[i]!)) / size }),
    });
  }
  return [...seen.values()];
}

const rms = (values: Float32Array): number => Math.sqrt(values.reduce((s, v) => s + v * v, 0) / values.length);

function moments(
  values: Float32Array,
  units: number,
  n: number,
): { mean: number; std: number; zeros: number; dead: number } {
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
