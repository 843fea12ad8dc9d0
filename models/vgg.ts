import type { Layer } from '../engine/graph.ts';
import { choice } from '../engine/parameter.ts';
import { relu } from '../layers/activation.ts';
import { sequential } from '../layers/compose.ts';
import { conv2d } from '../layers/conv.ts';
import { dense } from '../layers/dense.ts';
import { dropout } from '../layers/noise.ts';
import { batchNorm } from '../layers/norm.ts';
import { maxPool } from '../layers/pool.ts';
import { begun, dropRate, extraPad, model, standardise, type Model, type ModelInput } from './model.ts';
import { followed, noiseOf, noiseOptions, noisesOf, type Noise } from './noise.ts';

/** Convolutions of each of the five stages, each of which ends in a pooling (table 1 of the paper: A, B, D, E). */
const STAGES = { 11: [1, 1, 2, 2, 2], 13: [2, 2, 2, 2, 2], 16: [2, 2, 3, 3, 3], 19: [2, 2, 4, 4, 4] } as const;
const WIDTHS = [64, 128, 256, 512, 512];

/** torchvision's `features`: 3x3 convolutions with biases, batch norm if `bn`, relu; 2x2 max pooling after each stage. */
function features(stages: readonly number[], bn: boolean, input: ModelInput, standardise: boolean, { pool, channels }: Noise): Layer {
  const layers: Layer[] = [];
  stages.forEach((count, stage) => {
    for (let i = 0; i < count; i++)
      layers.push(
        conv2d(WIDTHS[stage]!, 3, { pad: layers.length ? 1 : 1 + extraPad(input), standardise }),
        ...(bn ? [batchNorm()] : []),
        relu(),
      );
    layers.push(followed(pool?.() ?? maxPool(2), channels));
  });
  return sequential(layers);
}

/**
 * VGG (Simonyan & Zisserman 2014). `head=imagenet` is torchvision's of three dense layers with dropout, for 224 x 224; `head=cifar` one
 * dense layer, for 32 x 32 (28 x 28 is padded to it). By itself the size of the images decides.
 */
const vgg = (depth: keyof typeof STAGES, bn: boolean): Model =>
  model(
    `vgg${depth}${bn ? '-bn' : ''}`,
    `VGG of ${depth} layers${bn ? ' with batch norm' : ''} (Simonyan & Zisserman 2014)`,
    {
      head: choice('auto', ['auto', 'imagenet', 'cifar'], 'dense layers: three, or one'),
      dropout: dropRate(0.5),
      ...noiseOptions(noisesOf('channels', 'pool')),
      standardise,
    },
    (input, { head, dropout: p, standardise, ...noise }) => {
      const large = head === 'auto' ? input.shape[1] >= 128 : head === 'imagenet';
      const last = dense(input.classes);
      // without batch norm PyTorch's default would shrink the images from layer to layer until the last ones hear nothing
      return begun(
        sequential({
          features: features(STAGES[depth], bn, input, standardise, noiseOf(noise)),
          classifier: large ? sequential([dense(4096), relu(), dropout(p), dense(4096), relu(), dropout(p), last]) : last,
        }),
      );
    },
  );

/** VGG of 11 to 19 layers in torchvision's layout (Simonyan & Zisserman 2014). */
export const vgg11 = vgg(11, false),
  vgg13 = vgg(13, false),
  vgg16 = vgg(16, false),
  vgg19 = vgg(19, false);
/** The same with batch norm behind each convolution. */
export const vgg11bn = vgg(11, true),
  vgg13bn = vgg(13, true),
  vgg16bn = vgg(16, true),
  vgg19bn = vgg(19, true);

/** Four 3x3 convolutions and two dense layers: small enough to try things on, and for measuring beside others. */
export const vggSmall = model(
  'vgg-small',
  'two small VGG stages and two dense layers: 32-32-P-64-64-P-256',
  { ...noiseOptions(noisesOf('channels', 'units', 'dense', 'pool')), input_dropout: dropRate(0, 'pixels'), standardise },
  ({ classes }, { input_dropout, standardise, ...noise }) => {
    const { channels, units, dense: hidden = dense, pool = () => maxPool(2) } = noiseOf(noise);
    const conv = (o: number) => conv2d(o, 3, { pad: 1, standardise });
    return sequential({
      drop: dropout(input_dropout),
      conv1: conv(32),
      act1: relu(),
      conv2: conv(32),
      act2: relu(),
      pool1: followed(pool(), channels),
      conv3: conv(64),
      act3: relu(),
      conv4: conv(64),
      act4: relu(),
      pool2: followed(pool(), channels),
      fc1: hidden(256),
      act5: followed(relu(), units),
      fc2: dense(classes),
    });
  },
);
