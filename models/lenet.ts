import { flag } from '../engine/parameter.ts';
import { relu, tanh } from '../layers/activation.ts';
import { sequential } from '../layers/compose.ts';
import { conv2d } from '../layers/conv.ts';
import { dense } from '../layers/dense.ts';
import { avgPool, maxPool } from '../layers/pool.ts';
import { extraPad, model } from './model.ts';

/**
 * LeNet-5 (LeCun 1998) with relu and max pooling; `classic` has its tanh and average pooling. 28 x 28 images are padded to the 32 x 32 of
 * the paper.
 */
export const lenet5 = model(
  'lenet5',
  'LeNet-5 (LeCun 1998); classic: tanh and average pooling',
  { classic: flag(false, 'tanh and average pooling, as in 1998') },
  (input, { classic }) => {
    const act = classic ? tanh : relu;
    const pool = classic ? avgPool : maxPool;
    return sequential({
      conv1: conv2d(6, 5, { pad: extraPad(input) }),
      act1: act(),
      pool1: pool(2),
      conv2: conv2d(16, 5),
      act2: act(),
      pool2: pool(2),
      fc1: dense(120),
      act3: act(),
      fc2: dense(84),
      act4: act(),
      fc3: dense(input.classes),
    });
  },
);
