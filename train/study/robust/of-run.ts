/** A trained run under attack: its images as attacks move them, and its net on those. */
import { imagesOf, valuesOf } from '../../../datasets/dataset.ts';
import type { Device } from '../../../engine/device.ts';
import type { Graph, Layer } from '../../../engine/graph.ts';
import type { Tensor } from '../../../engine/tensor.ts';
import { matmul } from '../../../shaders/product/matmul.ts';
import { bytesOfImage, type RunData } from '../../data/data.ts';
import type { Normalisation } from '../../data/normalise.ts';
import type { Part } from '../../data/split.ts';
import type { Tensors } from '../../run/safetensors.ts';
import { imagesOfSplit, victimOf, type Images, type Victim, type VictimOptions } from './victim.ts';

/** The images of a part as values from 0 to 1, those of float32 data as they are, with the range of their values. */
export async function imagesUnderAttack({ dataset, parts }: RunData, part: Part): Promise<Images & { low: number; high: number }> {
  const { from, indices, labels } = parts[part];
  const values = valuesOf(await imagesOf(from, bytesOfImage(dataset), indices), dataset.dtype);
  const images = imagesOfSplit(dataset, { images: values, labels });
  if (dataset.dtype !== 'float32') return { ...images, low: 0, high: 1 };
  const { x } = images;
  return { ...images, low: x.reduce((a, b) => Math.min(a, b)), high: x.reduce((a, b) => Math.max(a, b)) };
}

/** The net of a run, which takes such images: normalised, and whitened where they are, on the way. */
export function victimOfRun(
  device: Device,
  model: Layer,
  weights: Tensors,
  { dataset, normalisation }: RunData,
  o: Omit<VictimOptions, 'shape' | 'affine'>,
): Victim {
  const both = normalisation.scaleAndShift();
  const half = both.length / 2;
  const unit = dataset.dtype === 'float32' ? 1 : 255;
  const affine = { scale: both.subarray(0, half).map(v => v * unit), shift: both.subarray(half) };
  return victimOf(device, (g, x) => model(g, whitened(normalisation, g, x)), weights, { ...o, shape: dataset.shape, affine });
}

/** As Normalisation.whiten, with the gradient by what is whitened. */
function whitened(normalisation: Normalisation, g: Graph, x: Tensor): Tensor {
  const y = normalisation.whiten(g, x);
  if (y === x) return x;
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const d = c * h * w;
  const matrix = g.persistent('buffer', 'whitening.weight', [d, d]);
  return g.record([x], y, dy => [g.gradientOf(x, dx => g.run(matmul, { m: n, n: d, k: d, tb: true }, { a: dy, b: matrix, y: dx }))]);
}
