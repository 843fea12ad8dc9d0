/** SWAG (Maddox et al. 2019): a Gaussian over weights from the path of training, and what draws from it predict. */
import { normals, STREAMS } from '../../shaders/kernel/random.ts';
import type { Part } from '../data/split.ts';
import { softmaxRows } from '../study/probabilities.ts';
import { spreadOf } from '../study/statistics.ts';
import type { Tensors } from './safetensors.ts';
import { swagPart } from './state-keys.ts';
import type { Trainer } from '../step/trainer.ts';

export class Swag {
  readonly rank: number;
  /** Samples taken in. */
  count = 0;
  #mean: Tensors = {};
  #square: Tensors = {};
  #deviations: Tensors[] = [];

  /** `rank` columns of the low-rank part are kept. */
  constructor(rank = 20) {
    this.rank = rank;
  }

  /** Takes in the weights of now, as at the end of each epoch. */
  collect(weights: Tensors): void {
    const k = ++this.count;
    const deviation: Tensors = {};
    for (const [name, { shape, data }] of Object.entries(weights)) {
      const mean = (this.#mean[name] ??= { shape, data: new Float32Array(data.length) });
      const square = (this.#square[name] ??= { shape, data: new Float32Array(data.length) });
      deviation[name] = {
        shape,
        data: data.map((w, i) => {
          mean.data[i]! += (w - mean.data[i]!) / k;
          square.data[i]! += (w * w - square.data[i]!) / k;
          return w - mean.data[i]!;
        }),
      };
    }
    this.#deviations.push(deviation);
    if (this.#deviations.length > this.rank) this.#deviations.shift();
  }

  /** All that it has taken in, under keys of its own (see state-keys.ts). */
  state(): Tensors {
    const deviations = this.#deviations.map((d, i) => swagPart(`deviation${i}`).write(d));
    return Object.assign({}, swagPart('mean').write(this.#mean), swagPart('square').write(this.#square), ...deviations);
  }

  /** Goes on from the `state` of another that had taken in `count` samples. */
  load(tensors: Tensors, count: number): void {
    this.count = count;
    this.#mean = swagPart('mean').read(tensors);
    this.#square = swagPart('square').read(tensors);
    this.#deviations = Array.from({ length: Math.min(count, this.rank) }, (_, i) => swagPart(`deviation${i}`).read(tensors));
  }

  get mean(): Tensors {
    return this.#mean;
  }

  /** max(E[w^2] - E[w]^2, 0) of each weight. */
  get variance(): Tensors {
    const variance: Tensors = {};
    for (const [name, { shape, data }] of Object.entries(this.#mean)) {
      const square = this.#square[name]!.data;
      variance[name] = { shape, data: data.map((m, i) => Math.max(0, square[i]! - m * m)) };
    }
    return variance;
  }

  /** Draw number `index`: mean + sqrt(var / 2) z1 + D z2 / sqrt(2 (K - 1)), K the columns of D; `scale` 0 is the mean itself. */
  sample(seed: number, index: number, scale = 1): Tensors {
    const next = normals(seed, STREAMS.swag, index);
    const columns = this.#deviations.length;
    const variance = this.variance;
    const low = this.#deviations.map(() => (columns > 1 ? next() / Math.sqrt(2 * (columns - 1)) : 0));
    const draw: Tensors = {};
    for (const [name, { shape, data }] of Object.entries(this.#mean)) {
      const deviations = this.#deviations.map(d => d[name]!.data);
      const offset = (i: number) =>
        Math.sqrt(variance[name]!.data[i]! / 2) * next() + low.reduce((sum, z, k) => sum + z * deviations[k]![i]!, 0);
      draw[name] = { shape, data: data.map((m, i) => m + scale * offset(i)) };
    }
    return draw;
  }
}

/** Class probabilities [images, classes] under draws of the weights: their mean and deviation, and the bounds of the central `level` of the draws. */
export interface Predictive {
  readonly mean: Float32Array;
  /** Of one draw (n - 1 in the denominator). */
  readonly deviation: Float32Array;
  readonly low: Float32Array;
  readonly high: Float32Array;
}

/** Mean and interval over several predictions [n, classes]. */
export function combine(predictions: readonly Float32Array[], level = 0.9): Predictive {
  const size = predictions[0]!.length;
  const draws = predictions.length;
  const mean = new Float32Array(size);
  const deviation = new Float32Array(size);
  const low = new Float32Array(size);
  const high = new Float32Array(size);
  const values = new Float64Array(draws);
  const quantile = (q: number) => {
    const at = q * (draws - 1);
    const i = Math.floor(at);
    return values[i]! + (at - i) * ((values[i + 1] ?? values[i]!) - values[i]!);
  };
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < draws; k++) values[k] = predictions[k]![i]!;
    const spread = spreadOf(values);
    mean[i] = spread.mean;
    deviation[i] = spread.deviation;
    values.sort();
    low[i] = quantile((1 - level) / 2);
    high[i] = quantile((1 + level) / 2);
  }
  return { mean, deviation, low, high };
}

/** Batches of the running statistics of a draw: over all images, twenty draws would take as long as several epochs. */
const REFRESHED = 50;

/**
 * The predictive distribution over the first `count` images of a part by `samples` draws, running statistics renewed for each. The
 * trainer's weights come back.
 */
export async function predictive(
  trainer: Trainer,
  swag: Swag,
  part: Part,
  options: { samples?: number; seed?: number; count?: number; scale?: number } = {},
): Promise<Predictive> {
  const { samples = 20, seed = 0, count, scale = 1 } = options;
  const before = await trainer.weights();
  const classes = trainer.classes;
  const predictions: Float32Array[] = [];
  try {
    for (let k = 0; k < samples; k++) {
      const draw = swag.sample(seed, k, scale);
      const drawn = [...trainer.graph.params.keys()].map(name => [name, draw[name]!]);
      await trainer.loadWeights({ ...before, ...Object.fromEntries(drawn) });
      await trainer.refresh(REFRESHED);
      predictions.push(softmaxRows(await trainer.logits(part, count), classes));
    }
  } finally {
    await trainer.loadWeights(before);
  }
  return combine(predictions);
}
