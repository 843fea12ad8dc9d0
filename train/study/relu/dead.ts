/** Deep narrow ReLU nets are often dead from birth: a layer puts out zero for every input, and no gradient can mend it (Lu et al. 2019). */
import type { Dataset } from '../../../datasets/dataset.ts';
import type { Device } from '../../../engine/device.ts';
import { initializer } from '../../../layers/init.ts';
import { models } from '../../../models/index.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { sgd } from '../../../optim/first-order.ts';
import { openData } from '../../data/data.ts';
import { Trainer } from '../../step/trainer.ts';
import type { Tensors } from '../../run/safetensors.ts';

export interface Collapse {
  readonly width: number;
  readonly depth: number;
  /** Nets whose output is the same for all images, of `nets`. */
  readonly dead: number;
  readonly nets: number;
}

/**
 * Draws `nets` nets of `depth` hidden layers of `width` units, He-normal weights and no biases, and counts those that tell no two of
 * `images` test images apart.
 */
export async function countDead(
  device: Device,
  dataset: Dataset,
  options: { width: number; depth: number; nets: number; images?: number; seed?: number },
): Promise<Collapse> {
  const { width, depth, nets, images = 32, seed = 0 } = options;
  const classes = dataset.classes.length;
  const model = models.mlp!({ classes, shape: dataset.shape }, { hidden: Array(depth).fill(width) });
  const data = await openData(dataset, { normalize: 'meanstd', valSplit: 0 });
  const trainer = await Trainer.create({ device, data, model, batchSize: images, optimizer: optimizer(sgd) });
  const he = initializer('he-normal');
  let dead = 0;
  try {
    for (let k = 0; k < nets; k++) {
      const drawn: Tensors = {};
      for (const { value } of trainer.graph.params.values()) {
        const { name, shape, size } = value;
        drawn[name] = { shape, data: shape.length > 1 ? he(shape, name, seed + k) : new Float32Array(size) };
      }
      await trainer.loadWeights(drawn);
      const logits = await trainer.logits('test', Math.min(images, dataset.test.n));
      if (logits.every((v, i) => v === logits[i % classes])) dead++;
    }
  } finally {
    await device.idle();
    trainer.destroy();
  }
  return { width, depth, dead, nets };
}
