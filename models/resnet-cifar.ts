import type { Layer } from '../engine/graph.ts';
import { choice, number } from '../engine/parameter.ts';
import { SHARE } from '../engine/range.ts';
import { relu } from '../layers/activation.ts';
import { sequential, stochasticDepth, zeroPadShortcut } from '../layers/compose.ts';
import { conv2d } from '../layers/conv.ts';
import { dense } from '../layers/dense.ts';
import { zonedOut } from '../layers/noise.ts';
import { batchNorm } from '../layers/norm.ts';
import { globalAvgPool } from '../layers/pool.ts';
import { model, standardise, type Model } from './model.ts';
import { basicBody, projection, strideOf, thenRelu } from './resnet.ts';

const SHORTCUTS = ['A', 'B', 'none'] as const;
type Shortcut = (typeof SHORTCUTS)[number];

/** Two 3x3 convolutions, relu after the addition. Shortcut A pads the new channels with zeros, B projects; `none`: a plain net's block. */
const block = (
  width: number,
  stride: number,
  shortcut: Shortcut,
  noise: { drop: number; zoneout: number },
  standardise: boolean,
): Layer => {
  const body = basicBody(width, stride, standardise);
  if (shortcut === 'none') return thenRelu(body);
  const around = shortcut === 'A' ? zeroPadShortcut(width, stride) : projection(width, stride);
  return thenRelu(zonedOut(stochasticDepth(body, noise.drop), noise.zoneout, around));
};

/**
 * The ResNets for CIFAR of He et al. 2015, section 4.2: 6n + 2 layers, three stages of n blocks of 16, 32 and 64 channels. With `drop` the
 * body of block l of L is left out with probability drop * l / L (Huang et al. 2016, where it is 0.5 at the end).
 */
const resnetCifar = (name: string, about: string, depth: number, defaults: { shortcut?: Shortcut; drop?: number } = {}): Model => {
  const n = (depth - 2) / 6;
  const plain = defaults.shortcut === 'none';
  return model(
    name,
    about,
    plain
      ? { standardise }
      : {
          shortcut: choice(defaults.shortcut ?? 'A', SHORTCUTS, 'where channels double: A pads, B projects'),
          drop: number(defaults.drop ?? 0, 'share of times that the last block is dropped', SHARE),
          zoneout: number(0, 'share of units of a block that keep what its shortcut gives', SHARE),
          standardise,
        },
    ({ classes }, { standardise, shortcut = 'none', drop = 0, zoneout = 0 }) => {
      const dropOf = (number: number) => (drop * number) / (3 * n);
      const stage = (at: number) =>
        sequential(
          Array.from({ length: n }, (_, i) =>
            block(16 << at, strideOf(at, i), shortcut, { drop: dropOf(at * n + i + 1), zoneout }, standardise),
          ),
        );
      return sequential({
        conv1: conv2d(16, 3, { pad: 1, bias: false, standardise }),
        bn1: batchNorm(),
        relu: relu(),
        layer1: stage(0),
        layer2: stage(1),
        layer3: stage(2),
        avgpool: globalAvgPool(),
        fc: dense(classes),
      });
    },
  );
};

const he = (depth: number) => resnetCifar(`resnet${depth}`, `ResNet of ${depth} layers for CIFAR (He et al. 2015, section 4.2)`, depth);
const plain = (depth: number) =>
  resnetCifar(`plain${depth}`, `ResNet${depth} without shortcuts (He et al. 2015)`, depth, { shortcut: 'none' });

/** The ResNets for CIFAR (He et al. 2015, section 4.2): 0.27 M parameters at 20 layers, 19.4 M at 1202. */
export const resnet20 = he(20),
  resnet32 = he(32),
  resnet44 = he(44),
  resnet56 = he(56),
  resnet110 = he(110),
  resnet1202 = he(1202);
/** The same nets without shortcuts, which train worse the deeper they are. */
export const plain20 = plain(20),
  plain32 = plain(32),
  plain44 = plain(44),
  plain56 = plain(56);
/** ResNet110 whose blocks are left out at random in training (Huang et al. 2016). */
export const resnet110sd = resnetCifar('resnet110-sd', 'ResNet110 with stochastic depth (Huang et al. 2016)', 110, { drop: 0.5 });
