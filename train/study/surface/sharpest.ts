/** The worst weights in a box around those of a net. */
import type { Net } from '../../net/net.ts';
import type { Tensors } from '../../run/safetensors.ts';

/** Gradients taken, and the part of the box that a step crosses. */
const STEPS = 10;
const STRIDE = 2.5 / STEPS;

export interface Sharpest {
  /** Mean loss of the net, and the greatest that was found. */
  readonly loss: number;
  readonly greatest: number;
  /** 100 (greatest - loss) / (1 + loss). */
  readonly sharpness: number;
}

/**
 * The sharpness of Keskar et al. 2017 (metric 2.1, over all weights): how much the loss of inputs and labels, one batch of `net`, can grow
 * where each weight w moves by at most epsilon (|w| + 1). They maximise by L-BFGS-B, we by projected steps along the signs of the gradient,
 * which finds a lower bound as well. For nets without statistics of the batch.
 */
export async function sharpest(net: Net, weights: Tensors, x: Float32Array, labels: Uint32Array, epsilon: number): Promise<Sharpest> {
  await net.load(weights);
  const { loss } = await net.backward(x, labels);
  let greatest = loss;
  let at = weights;
  for (let step = 0; step < STEPS; step++) {
    const gradients = await net.gradients();
    at = Object.fromEntries(
      Object.entries(at).map(([name, { shape, data }]) => {
        const centre = weights[name]!.data;
        const slope = gradients[name]?.data;
        const next = data.map((v, i) => {
          const reach = epsilon * (Math.abs(centre[i]!) + 1);
          const moved = v + STRIDE * reach * Math.sign(slope?.[i] ?? 0);
          return Math.min(centre[i]! + reach, Math.max(centre[i]! - reach, moved));
        });
        return [name, { shape, data: next }];
      }),
    );
    await net.load(at);
    greatest = Math.max(greatest, (await net.backward(x, labels)).loss);
  }
  return { loss, greatest, sharpness: (100 * (greatest - loss)) / (1 + loss) };
}
