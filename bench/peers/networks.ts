/** The networks that all peers train, as data: each peer builds them in its own way from one list, all alike but for layout. */
import { lookUp } from '../../engine/check.ts';

/** `pool` is 2x2 max pooling, `mean` the mean over the image; a dense layer flattens its input. */
export type Op = ConvOp | BlockOp | { readonly op: 'dense'; readonly out: number } | { readonly op: 'norm' | 'relu' | 'pool' | 'mean' };

export interface ConvOp {
  readonly op: 'conv';
  readonly out: number;
  readonly k: number;
  readonly pad: number;
  readonly stride: number;
  readonly bias: boolean;
}

/** ResNet's basic block with shortcut A. */
export interface BlockOp {
  readonly op: 'block';
  readonly out: number;
  readonly stride: number;
}

export interface Network {
  readonly shape: readonly [c: number, h: number, w: number];
  readonly ops: readonly Op[];
  readonly batch: number;
  readonly lr: number;
}

/** What a peer is to train: cross-entropy over ten classes, SGD with momentum 0.9. */
export interface Problem {
  readonly network: Network;
  readonly batch: number;
  readonly threads: number;
}

/** What ONNX Runtime is to answer: the file of a net, and images of its shape. */
export interface Question {
  readonly file: string;
  readonly shape: Network['shape'];
  readonly batch: number;
  readonly threads: number;
}

/** Bytes of the images of a batch as f32, as peers are given them: WebAssembly addresses 4 GiB in all. */
const MOST_BYTES = 2 ** 30;

/** The largest batch of a network that all peers can be asked about at once. */
export const largestBatch = ({ shape: [c, h, w] }: Network): number => Math.floor(MOST_BYTES / (4 * c * h * w));

/** The bytes of `n` images [n, c, h, w], from 0 to 255 and always the same. */
export function pixels([c, h, w]: Network['shape'], n: number): Uint8Array<ArrayBuffer> {
  let seed = 1;
  return Uint8Array.from({ length: n * c * h * w }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed >>> 24;
  });
}

const conv = (out: number, k: number, pad: number, bias = true): Op => ({ op: 'conv', out, k, pad, stride: 1, bias });
const dense = (out: number): Op => ({ op: 'dense', out });
const relu: Op = { op: 'relu' };
const pool: Op = { op: 'pool' };
const norm: Op = { op: 'norm' };
const mean: Op = { op: 'mean' };
const twice = (out: number): Op[] => [conv(out, 3, 1), relu, conv(out, 3, 1), relu];
const stage = (out: number, stride: number, blocks: number): Op[] =>
  Array.from({ length: blocks }, (_, i) => ({ op: 'block', out, stride: i ? 1 : stride }));

/** That of He et al. 2015, section 4.2, for images of `size` pixels a side, a multiple of 4: 6n + 2 layers of `width` channels and more. */
export function resnet(depth: number, width = 16, size = 32): Network {
  const n = (depth - 2) / 6;
  const stages = [stage(width, 1, n), stage(2 * width, 2, n), stage(4 * width, 2, n)].flat();
  return { shape: [3, size, size], batch: 32, lr: 0.05, ops: [conv(width, 3, 1, false), norm, relu, ...stages, mean, dense(10)] };
}

/** `batch` is the usual one. `vgg-small` is 32-32-P-64-64-P-256-10. */
export const NETWORKS: Readonly<Record<string, Network>> = {
  lenet5: {
    shape: [1, 28, 28],
    batch: 64,
    lr: 0.05,
    ops: [conv(6, 5, 2), relu, pool, conv(16, 5, 0), relu, pool, dense(120), relu, dense(84), relu, dense(10)],
  },
  'vgg-small': {
    shape: [3, 32, 32],
    batch: 32,
    lr: 0.02,
    ops: [...twice(32), pool, ...twice(64), pool, dense(256), relu, dense(10)],
  },
  resnet20: resnet(20),
};

export const network = (name: string): Network => lookUp('network of the peers', name, NETWORKS);

/** How a peer makes its layers: `c` is the channels that go in, `size` all values of one image. */
export interface Maker<L> {
  conv(c: number, op: ConvOp): L;
  block(c: number, op: BlockOp): L;
  norm(c: number): L;
  dense(size: number, out: number): L;
  readonly relu: L;
  readonly pool: L;
  readonly mean: L;
}

/** A network's layers in order; it follows the shapes as it goes. */
export function build<L>({ ops, shape: [c, h, w] }: Network, make: Maker<L>): L[] {
  return ops.map(op => {
    const before = c;
    const size = c * h * w;
    switch (op.op) {
      case 'conv':
        [c, h, w] = [op.out, h + 2 * op.pad - op.k + 1, w + 2 * op.pad - op.k + 1];
        return make.conv(before, op);
      case 'block':
        [c, h, w] = [op.out, h / op.stride, w / op.stride];
        return make.block(before, op);
      case 'norm':
        return make.norm(c);
      case 'relu':
        return make.relu;
      case 'pool':
        [h, w] = [h / 2, w / 2];
        return make.pool;
      case 'mean':
        [h, w] = [1, 1];
        return make.mean;
      case 'dense':
        [c, h, w] = [op.out, 1, 1];
        return make.dense(size, op.out);
    }
  });
}
