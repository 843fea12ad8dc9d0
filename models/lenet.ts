import { flag } from '../engine/parameter.ts';
import { relu, tanh } from '../layers/activation.ts';
import { sequential } from '../layers/compose.ts';
import { conv2d } from '../layers/conv.ts';
import { dense } from '../layers/dense.ts';
import { dropout } from '../layers/noise.ts';
import { avgPool, maxPool } from '../layers/pool.ts';
import { dropRate, extraPad, model, standardise } from './model.ts';
import { followed, noiseOf, noiseOptions, noisesOf } from './noise.ts';

/**
 * LeNet-5 (LeCun 1998) with relu and max pooling; `classic` has its tanh and average pooling. 28 x 28 images are padded to the 32 x 32 of
 * the paper. Noise of channels is behind the poolings, that of units behind the two hidden dense layers.
 */
export const lenet5 = model(
  'lenet5',
  'LeNet-5 (LeCun 1998); classic: tanh and average pooling',
  {
    classic: flag(false, 'tanh and average pooling, as in 1998'),
    ...noiseOptions(noisesOf('channels', 'units', 'dense', 'pool')),
    input_dropout: dropRate(0, 'pixels'),
    standardise,
  },
  (input, { classic, input_dropout, standardise, ...noise }) => {
    const act = classic ? tanh : relu;
    const { channels, units, dense: hidden = dense, pool = () => (classic ? avgPool : maxPool)(2) } = noiseOf(noise);
    return sequential({
      drop: dropout(input_dropout),
      conv1: conv2d(6, 5, { pad: extraPad(input), standardise }),
      act1: act(),
      pool1: followed(pool(), channels),
      conv2: conv2d(16, 5, { standardise }),
      act2: act(),
      pool2: followed(pool(), channels),
      fc1: hidden(120),
      act3: followed(act(), units),
      fc2: hidden(84),
      act4: followed(act(), units),
      fc3: dense(input.classes),
    });
  },
);
