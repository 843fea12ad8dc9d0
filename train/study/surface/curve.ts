/** Curves of one bend between two minima, whose bend is trained so that the loss is low all along (Garipov et al. 2018). */
import { permutation, STREAMS, uniforms } from '../../../shaders/kernel/random.ts';
import { adam } from '../../../optim/adaptive.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import type { Net } from '../../net/net.ts';
import type { Tensors } from '../../run/safetensors.ts';
import { Stopped, type Lab } from '../experiment.ts';
import { chosen, type Images } from '../robust/victim.ts';
import { between, mixed } from './directions.ts';

/** The factors of the first end, the bend and the second end at `t` from 0 to 1. */
export type Curve = (t: number) => readonly [first: number, bend: number, second: number];

export const CURVES = {
  line: t => [1 - t, 0, t],
  chain: t => (t < 0.5 ? [1 - 2 * t, 2 * t, 0] : [0, 2 - 2 * t, 2 * t - 1]),
  Bezier: t => [(1 - t) ** 2, 2 * t * (1 - t), t ** 2],
} as const satisfies Readonly<Record<string, Curve>>;

export interface Bending {
  readonly steps: number;
  readonly batch: number;
  /** The first rate of Adam, which falls to 0 along half a cosine. */
  readonly lr: number;
  readonly seed: number;
}

/**
 * The bend of a curve between `ends`: it begins in their middle, and each step moves it against the gradient of the loss of one batch at a
 * place that is drawn from the whole curve alike, by the chain rule the bend's factor there times the gradient by the weights. `net` is of the
 * ends' model, for batches of that size, without statistics of the batch.
 */
export async function bendOf(
  lab: Lab,
  net: Net,
  [a, b]: readonly [Tensors, Tensors],
  curve: Curve,
  images: Images,
  { steps, batch, lr, seed }: Bending,
): Promise<Tensors> {
  const rule = optimizer(adam, { lr });
  const draw = uniforms(seed, STREAMS.sample);
  const { length } = images.labels;
  const perEpoch = Math.floor(length / batch);
  let bend = between(a, b, 0.5);
  for (let step = 0; step < steps; step++) {
    if (lab.stopped) throw new Stopped();
    const order = permutation(length, seed, STREAMS.shuffle, Math.floor(step / perEpoch));
    const from = (step % perEpoch) * batch;
    const { x, labels } = chosen(images, order.subarray(from, from + batch));
    const factors = curve(draw());
    await net.load(mixed([a, bend, b], factors));
    await net.backward(x, labels);
    const gradients = await net.gradients();
    await net.setGradients(mixed([gradients], [factors[1]]));
    await net.load(bend);
    await net.update(rule, (lr * (1 + Math.cos((Math.PI * step) / steps))) / 2);
    bend = await net.weights();
  }
  return bend;
}
