import type { Layer } from '../engine/graph.ts';
import { number } from '../engine/parameter.ts';
import { COUNT } from '../engine/range.ts';
import { mean } from '../layers/compose.ts';
import { model } from './model.ts';
import { preactivationNet } from './wide-resnet.ts';

/**
 * EnResNet20 (Wang, Yuan, Shi & Osher 2019): the mean of the logits of `members` pre-activation ResNet20s trained together, each of whose
 * residual blocks adds Gaussian noise of deviation `noise`, in evaluation too: a Feynman-Kac average over paths. The authors' deviation is
 * `noise` times that of the block's output over the batch, so that an answer depends on the other images; here it does not.
 */
export const enresnet20 = model(
  'enresnet20',
  'ensemble of pre-activation ResNet20s with noise injection (Wang et al. 2019)',
  { members: number(5, 'nets whose outputs are averaged', COUNT), noise: number(0.1, 'deviation of the noise in each block') },
  ({ classes }, { members, noise }) => {
    const nets = Array.from({ length: members }, (_, i): [string, Layer] => [`member${i}`, preactivationNet(classes, 3, 1, { noise })]);
    return mean(Object.fromEntries(nets));
  },
);
