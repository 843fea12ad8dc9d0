/** How the bytes of images become what a model sees: moments of the training images, scale and shift, whitening. */
import type { Dataset } from '../../datasets/dataset.ts';
import { check, named, say } from '../../engine/check.ts';
import type { Graph } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { matmul } from '../../shaders/product/matmul.ts';
import { channelMoments, meanImage, scaleAndShift, type Moments, type Normalize } from './statistics.ts';

/** Images in memory of which statistics are taken: the training images `indices` of a data set. */
export interface Sample {
  readonly dataset: Dataset;
  readonly indices: Uint32Array;
}

/** The matrix of pca and zca, which files keep among the weights of a net. */
export const WHITENING = 'whitening.weight';

/** How images are normalised, and the moments that this takes, which are measured when they are first asked for. */
export class Normalisation {
  readonly how: Normalize;
  #sample: Sample;
  #given: Moments | undefined;
  #known: Moments | undefined;
  #axes: typeof import('./principal-axes.ts') | undefined;

  /**
   * `given` are moments in place of those of the sample: a trained model keeps the ones that it was trained with. `axes` is for PCA colour,
   * and for whitening where none are given.
   */
  constructor(how: Normalize, sample: Sample, given?: Moments, axes?: typeof import('./principal-axes.ts')) {
    this.how = how;
    this.#sample = sample;
    this.#axes = axes;
    this.#given = given;
    this.#known = given;
  }

  /** Those given or measured, else of the sample, taken on the host when they are first asked for. */
  get moments(): Moments {
    const { dataset, indices } = this.#sample;
    return (this.#known ??= {
      ...channelMoments(dataset, indices),
      ...(['meanimage', 'pca', 'zca'].includes(this.how) && { image: meanImage(dataset, indices) }),
    });
  }

  /** Whether it needs moments of channels that nobody has given or taken yet. */
  get needsChannels(): boolean {
    return !this.#known && (this.how === 'mean' || this.how === 'meanstd');
  }

  /** Takes in moments that were measured on the device. */
  measured(moments: Moments): void {
    this.#known = moments;
  }

  /** Of shape [2, c, h, w]: stored value * scale + shift is a normalised one. */
  scaleAndShift(): Float32Array {
    return scaleAndShift(this.#sample.dataset, this.how, this.how === 'none' ? undefined : this.moments);
  }

  /** What PCA colour adds to pixels (see principal-axes.ts). */
  colourAxes(): number[][] {
    return this.#axes!.colourAxes(this.#sample.dataset, this.#sample.indices);
  }

  /** Decorrelates normalised images where asked. The matrix is saved with the weights: a file of weights is enough to use them. */
  whiten(g: Graph, x: Tensor): Tensor {
    const { how } = this;
    if (how !== 'pca' && how !== 'zca') return x;
    const [n, c, h, w] = x.shape as [number, number, number, number];
    const d = c * h * w;
    const matrix = g.persistent('buffer', WHITENING, [d, d], () => {
      if (this.#given) return new Float32Array(d * d); // it comes with the trained weights
      return this.#axes!.whitening(this.#sample.dataset, this.#sample.indices, this.moments.image!, how);
    });
    const white = g.tensor(x.shape, 'activation', 'white');
    g.run(matmul, { m: n, n: d, k: d }, { a: x, b: matrix, y: white });
    return white;
  }
}

/** Moments for images of `channels`: one number is for all of them. Throws where there are others than as many. */
export function momentsFor(moments: Moments | undefined, channels: number): Moments | undefined {
  if (!moments) return undefined;
  const spread = (what: string, numbers: readonly number[]): readonly number[] => {
    check(
      numbers.length === 1 || numbers.length === channels,
      say`${named('normalize')}: ${numbers.length} numbers for the ${what} of images of ${channels} channel${channels > 1 ? 's' : ''}`,
      `give ${channels > 1 ? `${channels}, or one for all` : 'one'}`,
    );
    return numbers.length === channels ? numbers : Array<number>(channels).fill(numbers[0]!);
  };
  return { ...moments, mean: spread('mean', moments.mean), std: spread('std', moments.std) };
}
