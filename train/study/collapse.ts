/** Deep narrow ReLU nets are often dead from birth: a layer puts out zero for every input, and no gradient can mend it (Lu et al. 2019). */
import type { Dataset } from '../../datasets/dataset.ts';
import type { Device } from '../../engine/device.ts';
import { initializer } from '../../layers/init.ts';
import { parseConfig } from '../config/config.ts';
import { recipeOf } from '../config/recipe.ts';
import { openTrainer } from '../run/open.ts';
import type { Tensors } from '../run/safetensors.ts';

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
  const config = parseConfig(`mlp:hidden=${Array(depth).fill(width).join('-')}`, {
    dataset: dataset.name,
    batchSize: String(images),
    optimizer: 'sgd',
    valSplit: '0',
    shuffle: 'false',
  });
  const { trainer } = await openTrainer(recipeOf(config), dataset, device);
  const he = initializer('he-normal');
  const classes = dataset.classes.length;
  let dead = 0;
  try {
    for (let k = 0; k < nets; k++) {
      const drawn: Tensors = {};
      for (const { value } of trainer.graph.params.values()) {
        const { name, shape, size } = value;
        drawn[name] = { shape, data: shape.length > 1 ? he(shape, name, seed + k) : new Float32Array(size) };
      }
      trainer.loadWeights(drawn);
      const logits = await trainer.logits('test', Math.min(images, dataset.test.n));
      if (logits.every((v, i) => v === logits[i % classes])) dead++;
    }
  } finally {
    await device.idle();
    trainer.destroy();
  }
  return { width, depth, dead, nets };
}
