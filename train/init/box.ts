/** Box initialisation: first weights of dense relu nets whose kinks lie in the box of what comes in. */
import { bytesOf } from '../../datasets/dataset.ts';
import { check, named, say } from '../../engine/check.ts';
import type { BuiltLayer } from '../../engine/built-layer.ts';
import type { Graph } from '../../engine/graph.ts';
import type { Param } from '../../engine/tensor.ts';
import { normals, STREAMS, streamOf, uniforms } from '../../shaders/kernel/random.ts';
import type { DeviceData } from '../data/device-data.ts';
import type { Box } from './schemes.ts';

/** Weights [o, d] and biases [o] of one layer. */
interface Drawn {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/**
 * Cyr, Gulian, Patel, Perego, Trask 2020, section 4: of each unit a point p, uniform in the box [0, m]^d, and a direction n; with k = 1 /
 * ((p_max - p) . n) / parts, p_max being the corner of the box that is farthest along n, w = k n and b = -k n . p. The kink passes through
 * p, and the largest value on the box is 1 / parts.
 */
export function boxLayer(o: number, d: number, name: string, seed: number, m = 1, parts = 1): Drawn {
  const point = uniforms(seed, STREAMS.init, streamOf(`${name} point`));
  const direction = normals(seed, STREAMS.init, streamOf(`${name} direction`));
  const weight = new Float32Array(o * d);
  const bias = new Float32Array(o);
  for (let unit = 0; unit < o; unit++) {
    const p = Float64Array.from({ length: d }, () => m * point());
    const n = Float64Array.from({ length: d }, direction);
    const length = Math.hypot(...n);
    let reach = 0;
    let at = 0;
    for (let i = 0; i < d; i++) {
      n[i]! /= length;
      reach += ((n[i]! > 0 ? m : 0) - p[i]!) * n[i]!;
      at += p[i]! * n[i]!;
    }
    const k = 1 / (reach * parts);
    for (let i = 0; i < d; i++) weight[unit * d + i] = k * n[i]!;
    bias[unit] = -k * at;
  }
  return { weight, bias };
}

/** Smallest and largest value of each feature of the training samples, as the net sees them. */
function rangeOf({ run }: DeviceData): { low: Float64Array; high: Float64Array } {
  const { dataset, parts, normalisation } = run;
  const d = dataset.shape.reduce((a, b) => a * b);
  const scaled = normalisation.scaleAndShift();
  const { images } = dataset.train;
  check(images.length, say`${named('initScheme', 'box')}: looks at all training samples, and these are on the disk`, 'take another');
  const values = images instanceof Float32Array ? images : bytesOf(images);
  const low = new Float64Array(d).fill(Infinity);
  const high = new Float64Array(d).fill(-Infinity);
  for (const index of parts.train.indices) {
    for (let i = 0; i < d; i++) {
      const v = values[index * d + i]! * scaled[i]! + scaled[d + i]!;
      low[i] = Math.min(low[i]!, v);
      high[i] = Math.max(high[i]!, v);
    }
  }
  return { low, high };
}

type Dense = BuiltLayer & { readonly weight: Param; readonly bias: Param };

/** The dense layers of a net but the last. Throws where a layer with weights is none. */
function hiddenOf(graph: Graph): Dense[] {
  const own = graph.layers.filter(layer => layer.weight);
  const isDense = (layer: BuiltLayer): layer is Dense => layer.weight!.value.shape.length === 2 && layer.bias !== undefined;
  const dense = own.filter(isDense);
  check(
    dense.length === own.length && dense.length > 1,
    say`${named('initScheme', 'box')}: is for nets of dense layers with biases, hidden ones among them`,
    'take mlp',
    'take another initialisation',
  );
  return dense.slice(0, -1);
}

/**
 * Writes box initialisation into the hidden layers of a net. The first one's box is that of the training samples; `box-residual` is for
 * layers that are added to what they are given: their boxes grow, to less than e, and they add less each.
 */
export function boxInit(graph: Graph, data: DeviceData, how: Box, seed: number): void {
  const { memory } = data;
  const hidden = hiddenOf(graph);
  const steps = hidden.length - 1;
  for (const [l, { weight, bias }] of hidden.entries()) {
    const [o, d] = weight.value.shape as [number, number];
    const isAdded = how === 'box-residual' && l > 0;
    const drawn = isAdded
      ? boxLayer(o, d, weight.value.name, seed, (1 + 1 / steps) ** (l - 1), steps)
      : boxLayer(o, d, weight.value.name, seed);
    if (l === 0) stretch(drawn, rangeOf(data), d);
    memory.write(weight.value, drawn.weight);
    memory.write(bias.value, drawn.bias);
  }
}

/** From the unit box to that of the samples. */
function stretch({ weight, bias }: Drawn, { low, high }: ReturnType<typeof rangeOf>, d: number): void {
  for (let i = 0; i < weight.length; i++) {
    const feature = i % d;
    weight[i]! /= high[feature]! - low[feature]! || 1;
    bias[Math.floor(i / d)]! -= weight[i]! * low[feature]!;
  }
}
