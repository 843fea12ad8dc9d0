/** `descent bench inference`: exported nets answer, by this engine and by ONNX Runtime, to the same images. */
import type { Device } from '../engine/device.ts';
import { modelFrom } from '../models/index.ts';
import { built } from '../train/evaluate/built.ts';
import { openOnnx } from '../train/onnx/predictor.ts';
import { exportOnnx } from '../train/onnx/open.ts';
import type { Runner } from './peers/compare.ts';
import { network, pixels, type Network } from './peers/networks.ts';

/** The bytes of a net of the model zoo in ONNX, with first weights in ten classes. */
export function exported(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const { shape } = network(name);
  const classes = Array.from({ length: 10 }, (_, i) => String(i));
  const model = modelFrom({ name, options: {} }).layer({ shape, classes: classes.length });
  const { graph, weights } = built(model, shape);
  const drawn = weights.map(t => [t.name, { shape: t.shape, data: graph.init.get(t)!(t.shape, t.name, 1) }] as const);
  return exportOnnx({ model, shape, classes, weights: Object.fromEntries(drawn), normalize: 'none' });
}

interface Answering extends Runner {
  readonly logits: Float32Array;
  /** Milliseconds from the reading of the file to the first answer. */
  readonly first: number;
  close(): void;
}

/** This engine on a file: bytes of images in, logits out, each answer waited for. */
export async function answering(device: Device, file: Uint8Array, { shape }: Network, batch: number): Promise<Answering> {
  const start = performance.now();
  const predictor = await openOnnx(device, file, 'the exported net', batch);
  const images = pixels(shape, batch);
  const logits = await predictor.logits(images);
  const first = performance.now() - start;
  return {
    name: 'descent',
    logits,
    first,
    async step(n) {
      const ms: number[] = [];
      for (let i = 0; i < n; i++) {
        const from = performance.now();
        await predictor.logits(images);
        ms.push(performance.now() - from);
      }
      return ms;
    },
    close: () => predictor.destroy(),
  };
}

/** Answers count as the same up to this share of the largest: other orders of summation differ by a hundredth of it. */
export const SAME = 1e-3;

/** The largest difference between two nets' logits, as a share of the largest of `ours`. */
export function difference(ours: Float32Array, theirs: readonly number[]): number {
  const largest = ours.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  return ours.reduce((most, v, i) => Math.max(most, Math.abs(v - (theirs[i] ?? Infinity))), 0) / largest;
}
