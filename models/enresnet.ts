import type { Layer } from '../engine/graph.ts';
import { mean } from '../layers/compose.ts';
import { model, positive, whole } from './model.ts';
import { preactivationNet } from './wide-resnet.ts';

/**
 * EnResNet20 (Wang, Yuan, Shi & Osher 2019): the mean of the logits of `members` pre-activation ResNet20s trained together, each of whose
 * residual blocks adds Gaussian noise of deviation `noise`, in evaluation too: a Feynman-Kac average over paths.
 */
export const enresnet20 = model(
  'enresnet20',
  'ensemble of pre-activation ResNet20s with noise injection (Wang et al. 2019)',
  { members: whole(5), noise: positive(0.1) },
  ({ classes }, { members, noise }) => {
    const nets = Array.from({ length: members }, (_, i): [string, Layer] => [`member${i}`, preactivationNet(classes, 3, 1, { noise })]);
    return mean(Object.fromEntries(nets));
  },
);
