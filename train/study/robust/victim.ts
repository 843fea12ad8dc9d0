/** A net as attacks ask it: the gradients by its inputs as it is evaluated, of the loss that an attack makes grow. */
import type { Dataset, Split } from '../../../datasets/dataset.ts';
import type { Device } from '../../../engine/device.ts';
import type { Layer } from '../../../engine/graph.ts';
import type { Shape } from '../../../shaders/kernel/shape.ts';
import { lossOf, type Loss } from '../../../layers/loss.ts';
import { rowLoss } from '../../../shaders/update/loss.ts';
import { Net } from '../../net/net.ts';
import type { Tensors } from '../../run/safetensors.ts';
import type { Oracle } from './attacks.ts';

/** Images [n, …] from 0 to 1, and their labels [n]. */
export interface Images {
  readonly x: Float32Array;
  readonly labels: Uint32Array;
}

/** A split that is in memory as values from 0 to 1; those of float32 data as they are. */
export function imagesOfSplit({ dtype }: Dataset, { images, labels }: Pick<Split, 'images' | 'labels'>): Images {
  const unit = dtype === 'float32' ? 1 : 255;
  return { x: Float32Array.from(images, v => v / unit), labels: Uint32Array.from(labels) };
}

/** Beyond this margin Carlini & Wagner's loss does not grow: 50, as in Madry et al. 2018. */
const CONFIDENCE = 50;

/** The loss of Carlini & Wagner 2017 with its sign turned: by how much the largest other logit exceeds the label's. */
const marginLoss: Loss = lossOf(
  rowLoss(
    'margin',
    p => `
  var other : f32 = -3.4028234e38; var rival = 0u;
  for (var c = 0u; c < ${p.classes}u; c++) {
    if (c != truth && logits[at + c] > other) { other = logits[at + c]; rival = c; }
    ${p.train ? 'dlogits[at + c] = 0.0;' : ''}
  }
  let margin = other - logits[at + truth];
  loss += min(margin, ${CONFIDENCE}.0);
  ${
    p.train
      ? `if (margin < ${CONFIDENCE}.0) {
    dlogits[at + rival] = ${1 / p.rows};
    dlogits[at + truth] = ${-1 / p.rows};
  }`
      : ''
  }`,
  ),
);

const LOSSES = { 'cross-entropy': 'cross-entropy', margin: marginLoss } as const;
export type AttackedLoss = keyof typeof LOSSES;

export interface VictimOptions {
  readonly shape: Shape;
  /** Inputs of one call of an oracle. */
  readonly batch: number;
  readonly seed: number;
  /** Whether it goes on drawing what it drew in training, as by dropout at test. */
  readonly draws?: boolean;
  /** What the net takes of an input: scale and shift of each value of one. Inputs as they are without it. */
  readonly affine?: { readonly scale: ArrayLike<number>; readonly shift: ArrayLike<number> };
}

/** A trained net, compiled for the losses that attacks ask for. */
export interface Victim {
  readonly batch: number;
  oracle(loss: AttackedLoss): Promise<Oracle>;
  /** Logits [n, classes] of any number of inputs. */
  logits(x: Float32Array): Promise<Float32Array>;
  destroy(): void;
}

/** `model` with `weights` as attacks ask it, which must all be there. */
export function victimOf(device: Device, model: Layer, weights: Tensors, o: VictimOptions): Victim {
  const { affine, draws = false, ...options } = o;
  const made = new Map<AttackedLoss, Promise<Net>>();
  const make = async (loss: AttackedLoss): Promise<Net> => {
    const mode = draws ? 'drawn' : 'evaluated';
    const net = await Net.build(device, model, { ...options, mode, inputGradient: true, loss: LOSSES[loss] });
    await net.load(weights);
    return net;
  };
  const netFor = (loss: AttackedLoss): Promise<Net> => {
    if (!made.has(loss)) made.set(loss, make(loss));
    return made.get(loss)!;
  };
  const width = affine?.scale.length ?? 1;
  const seen = (x: Float32Array) => (affine ? x.map((v, i) => v * affine.scale[i % width]! + affine.shift[i % width]!) : x);
  const logits = async (x: Float32Array) => (await netFor('cross-entropy')).forward(seen(x));
  return {
    batch: o.batch,
    logits,
    async oracle(loss) {
      const net = await netFor(loss);
      return {
        async gradient(x, labels) {
          const { inputGradient } = await net.backward(seen(x), labels);
          return affine ? inputGradient!.map((v, i) => v * affine.scale[i % width]!) : inputGradient!;
        },
        logits,
      };
    },
    destroy() {
      const ignore = () => undefined; // its failure was reported where it was asked for
      for (const net of made.values()) void net.then(net => net.destroy(), ignore);
    },
  };
}

/** The images of the numbers `indices`. */
export function chosen({ x, labels }: Images, indices: Uint32Array): Images {
  const width = x.length / labels.length;
  const out = new Float32Array(indices.length * width);
  for (const [k, i] of indices.entries()) out.set(x.subarray(i * width, (i + 1) * width), k * width);
  return { x: out, labels: indices.map(i => labels[i]!) };
}

/** What `move` makes of all images, in batches of `batch`; the last is filled up with the first images. */
export async function inBatches(images: Images, batch: number, move: (batch: Images) => Promise<Float32Array>): Promise<Float32Array> {
  const out = new Float32Array(images.x.length);
  const n = images.labels.length;
  const width = images.x.length / n;
  for (let from = 0; from < n; from += batch) {
    const indices = Uint32Array.from({ length: batch }, (_, i) => (from + i) % n);
    const moved = await move(chosen(images, indices));
    out.set(moved.subarray(0, (n - from) * width), from * width);
  }
  return out;
}
