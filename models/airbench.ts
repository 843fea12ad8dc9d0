import type { Layer } from '../engine/graph.ts';
import { number } from '../engine/parameter.ts';
import { COUNT } from '../engine/range.ts';
import { gelu } from '../layers/activation.ts';
import { scale, sequential } from '../layers/compose.ts';
import { conv2d } from '../layers/conv.ts';
import { dense } from '../layers/dense.ts';
import { batchNorm } from '../layers/norm.ts';
import { maxPool } from '../layers/pool.ts';
import { model, type Model } from './model.ts';

/** A convolution, pooling, and another convolution, each with batch norm and GELU. The norm forgets fast: records are a few epochs long. */
const group = (o: number): Layer =>
  sequential({
    conv1: conv2d(o, 3, { pad: 1, bias: false }),
    pool: maxPool(2),
    norm1: batchNorm({ eps: 1e-12, momentum: 0.4 }),
    act1: gelu(),
    conv2: conv2d(o, 3, { pad: 1, bias: false }),
    norm2: batchNorm({ eps: 1e-12, momentum: 0.4 }),
    act2: gelu(),
  });

/**
 * The small fast net of the CIFAR-10 speed records (Jordan 2024, airbench94; 1.97 M parameters): a 2x2 convolution whose filters
 * whiten the patches of the training images, three groups, one dense layer whose output is scaled down.
 */
export const airbench: Model = Object.assign(
  model(
    'airbench',
    'the small fast net of the CIFAR-10 speed records (Jordan 2024)',
    { width: number(64, 'channels of the first group', COUNT), scale: number(1 / 9, 'factor of the output') },
    ({ classes, shape: [c] }, { width, scale: factor }) =>
      sequential({
        whiten: conv2d(8 * c, 2),
        act: gelu(),
        group1: group(width),
        group2: group(4 * width),
        group3: group(4 * width),
        pool: maxPool(3),
        head: dense(classes, { bias: false }),
        scale: scale(factor),
      }),
  ),
  { whitened: 'whiten' },
);
