/** How much the labels of each batch of an epoch weigh together: what makes the mean over its rows the mean over their weights. */
import { UNLABELLED } from '../../datasets/dataset.ts';
import { inOrder, isSameOrder, type Order } from './order.ts';
import type { PartImages } from './split.ts';

/** The step values of a weighted loss, the same for all parts of a batch (see shaders/update/loss.ts). */
export interface Scales {
  /** Rows of a batch over the sum of their weights, those without a label weighing nothing: sum(w l) / rows * lossScale is the weighted mean. */
  readonly lossScale: number;
  /** Rows of a batch over those that have a label. */
  readonly countScale: number;
}

export interface LabelWeighting {
  /** The weight of each class, where the mean is over weights; else each label counts as one. */
  readonly weights?: ArrayLike<number> | undefined;
  /** Images of a batch. */
  readonly size: number;
  /** Whether a batch is the whole one that ranks share out. */
  readonly isWhole: boolean;
}

export class LabelWeights {
  #images: PartImages;
  #o: LabelWeighting;
  #order: Order | undefined;
  #scales: readonly Scales[] | undefined;

  constructor(images: PartImages, o: LabelWeighting) {
    this.#images = images;
    this.#o = o;
  }

  /** Those of batch number `at` of an epoch in this order. */
  of(order: Order | undefined, at: number): Scales {
    if (!this.#scales || !isSameOrder(order, this.#order)) {
      this.#order = order;
      this.#scales = this.#ofEpoch(this.#o.isWhole && order ? { ...order, part: undefined } : order);
    }
    return this.#scales[at]!;
  }

  #ofEpoch(order: Order | undefined): Scales[] {
    const { size, weights } = this.#o;
    const { labels } = this.#images.from;
    const images = inOrder(this.#images.indices, order);
    return Array.from({ length: Math.floor(images.length / size) }, (_, batch) => {
      let weight = 0;
      let labelled = 0;
      for (const index of images.subarray(batch * size, (batch + 1) * size)) {
        const label = labels[index]!;
        if (label === UNLABELLED) continue;
        labelled++;
        weight += weights?.[label] ?? 1;
      }
      const over = (part: number) => (part > 0 ? size / part : 0); // a batch in which nothing counts changes nothing
      return { lossScale: over(weight), countScale: over(labelled) };
    });
  }
}
