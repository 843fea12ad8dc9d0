/** Nets trained by hand on images as they are, or on attacked ones. */
import type { Device } from '../../../engine/device.ts';
import type { Range } from '../../../engine/range.ts';
import type { Layer } from '../../../engine/graph.ts';
import type { Shape } from '../../../shaders/kernel/shape.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { adam } from '../../../optim/adaptive.ts';
import { permutation, STREAMS, uniforms } from '../../../shaders/kernel/random.ts';
import { Net } from '../../net/net.ts';
import { Stopped } from '../experiment.ts';
import { drawnIn, iterated, projected, signStep, type Iterations, type Oracle } from './attacks.ts';
import { chosen, type Images } from './victim.ts';

/** A net that is trained and gives gradients by its inputs meanwhile. */
export const trainable = (device: Device, model: Layer, shape: Shape, batch: number, seed: number): Promise<Net> =>
  Net.build(device, model, { shape, batch, seed, inputGradient: true });

/** `net` as attacks ask it while it trains; inputs are as many as its batch has. */
const oracleOf = (net: Net): Oracle => ({
  gradient: async (x, labels) => (await net.backward(x, labels)).inputGradient!,
  logits: x => net.forward(x),
});

/** By how much pixels from 0 to 1 can be moved: 8 of 255 is 8/255. */
export const EPSILON: Range = { above: 0, max: 1 };

/** How a net is trained. Where `attack` is missing, on the images as they are. */
export interface Training {
  readonly epochs: number;
  readonly lr: number;
  readonly seed: number;
  /**
   * `pgd`: each batch is first attacked from a drawn start, in as many steps (Madry et al. 2018). `free`: each batch is taken as many times
   * as there are steps, and its perturbation grows by the gradients that the updates compute anyway, in a share of the epochs (Shafahi et
   * al. 2019).
   */
  readonly attack?: Iterations & { readonly way: 'pgd' | 'free' };
  readonly stopped: () => boolean;
}

/** Moves the weights of `net`, which has gradients by its inputs, by Adam; images beyond the last whole batch of an epoch are left out. Throws where it is stopped. */
export async function train(net: Net, batch: number, { x, labels }: Images, o: Training): Promise<void> {
  const { epochs, lr, seed, attack, stopped } = o;
  const rule = optimizer(adam, { lr });
  const draw = uniforms(seed, STREAMS.sample);
  const oracle = oracleOf(net);
  const width = x.length / labels.length;
  const perEpoch = Math.floor(labels.length / batch);
  const replays = attack?.way === 'free' ? attack.steps : 1;
  let noise = new Float32Array(batch * width);
  for (let at = 0; at < Math.ceil((epochs * perEpoch) / replays); at++) {
    if (stopped()) throw new Stopped();
    const order = permutation(labels.length, seed, STREAMS.shuffle, Math.floor(at / perEpoch));
    const from = (at % perEpoch) * batch;
    const clean = chosen({ x, labels }, order.subarray(from, from + batch));
    if (attack?.way === 'free') {
      for (let k = 0; k < replays; k++) {
        const moved = projected(
          clean.x.map((v, i) => v + noise[i]!),
          clean.x,
          attack,
        );
        const { inputGradient } = await net.backward(moved, clean.labels);
        await net.update(rule);
        const next = signStep(moved, inputGradient!, attack.epsilon, clean.x, attack);
        noise = next.map((v, i) => v - clean.x[i]!);
      }
      continue;
    }
    const seen = attack ? await iterated(oracle, clean.x, clean.labels, attack, drawnIn(clean.x, attack, draw)) : clean.x;
    await net.backward(seen, clean.labels);
    await net.update(rule);
  }
}
