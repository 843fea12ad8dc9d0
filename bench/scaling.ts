/** `descent bench scaling`: how time and memory of a step grow with the batch and with depth. */
import type { TimeOptions } from '../engine/timing.ts';
import type { Trainer } from '../train/step/trainer.ts';
import { benchStep } from './step.ts';

export interface Point {
  readonly model: string;
  readonly batch: number;
}

export interface ScalingRow extends Point {
  /** Milliseconds of a step: median, and on an idle machine (see StepResult); of one image in such a step. */
  readonly ms: number;
  readonly idle: number;
  readonly perImage: number;
  readonly imagesPerSecond: number;
  readonly parameters: number;
  readonly dispatches: number;
  /** Bytes: activations as planned, most of them alive at once, all that the run holds on the device. */
  readonly activations: number;
  readonly bound: number;
  readonly device: number;
}

const BATCHES = [8, 16, 32, 64, 128];
const DEPTHS = [20, 32, 44, 56];

/** What is measured along each axis: two networks over the batch, one family over its depth. */
export const AXES: Readonly<Record<'batch' | 'depth', readonly Point[]>> = {
  batch: ['lenet5', 'resnet20'].flatMap(model => BATCHES.map(batch => ({ model, batch }))),
  depth: DEPTHS.map(depth => ({ model: `resnet${depth}`, batch: 32 })),
};

/** One point; the trainer has done its first step. */
export async function scale(trainer: Trainer, point: Point, options: TimeOptions = {}): Promise<ScalingRow> {
  const measured = await benchStep(trainer, point.batch, { rounds: 3, target: 300, ...options });
  const { ms, idle, imagesPerSecond, dispatches, activations, bound, device } = measured;
  const parameters = [...trainer.graph.params.values()].reduce((n, p) => n + p.value.size, 0);
  const perImage = idle / point.batch;
  return { ...point, ms, idle, imagesPerSecond, perImage, dispatches, activations, bound, device, parameters };
}
