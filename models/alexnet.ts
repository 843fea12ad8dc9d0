import type { Layer } from '../engine/graph.ts';
import { choice } from '../engine/parameter.ts';
import { relu } from '../layers/activation.ts';
import { sequential } from '../layers/compose.ts';
import { conv2d, type ConvOptions } from '../layers/conv.ts';
import { dense } from '../layers/dense.ts';
import { dropout } from '../layers/noise.ts';
import { lrn } from '../layers/norm.ts';
import { maxPool } from '../layers/pool.ts';
import { dropRate, extraPad, model, standardise } from './model.ts';
import { followed, noiseOf, noiseOptions, noisesOf } from './noise.ts';

const overlapping = () => maxPool(3, { stride: 2 });

/** torchvision's, after "One weird trick" (Krizhevsky 2014): no groups, no response normalisation, 61.1 M parameters at 224 x 224. */
const oneTower = (classes: number, p: number): Layer =>
  sequential({
    features: sequential([
      conv2d(64, 11, { stride: 4, pad: 2 }),
      relu(),
      overlapping(),
      conv2d(192, 5, { pad: 2 }),
      relu(),
      overlapping(),
      conv2d(384, 3, { pad: 1 }),
      relu(),
      conv2d(256, 3, { pad: 1 }),
      relu(),
      conv2d(256, 3, { pad: 1 }),
      relu(),
      overlapping(),
    ]),
    classifier: sequential([dropout(p), dense(4096), relu(), dropout(p), dense(4096), relu(), dense(classes)]),
  });

/** The paper's: two groups where its two GPUs did not talk, response normalisation, 227 x 227 images; 60,965,224 parameters. */
const twoTowers = (classes: number, p: number): Layer => {
  // the paper's alpha 1e-4 is not divided by the size, as PyTorch's is
  const normalise = () => lrn({ size: 5, alpha: 5e-4, beta: 0.75, k: 2 });
  return sequential({
    conv1: conv2d(96, 11, { stride: 4 }),
    relu1: relu(),
    norm1: normalise(),
    pool1: overlapping(),
    conv2: conv2d(256, 5, { pad: 2, groups: 2 }),
    relu2: relu(),
    norm2: normalise(),
    pool2: overlapping(),
    conv3: conv2d(384, 3, { pad: 1 }),
    relu3: relu(),
    conv4: conv2d(384, 3, { pad: 1, groups: 2 }),
    relu4: relu(),
    conv5: conv2d(256, 3, { pad: 1, groups: 2 }),
    relu5: relu(),
    pool5: overlapping(),
    fc6: dense(4096),
    relu6: relu(),
    drop6: dropout(p),
    fc7: dense(4096),
    relu7: relu(),
    drop7: dropout(p),
    fc8: dense(classes),
  });
};

/** AlexNet (Krizhevsky, Sutskever & Hinton 2012) in torchvision's layout or the paper's. */
export const alexnet = model(
  'alexnet',
  "AlexNet (Krizhevsky 2012): torchvision's layout for 224x224, or the paper's for 227x227",
  { layout: choice('torchvision', ['torchvision', 'paper'], 'who laid the layers out'), dropout: dropRate(0.5) },
  ({ classes }, { layout, dropout: p }) => (layout === 'paper' ? twoTowers : oneTower)(classes, p),
);

/** AlexNet's five convolutions with a stem of stride 4 and 2x2 pooling for 32 x 32 images, then one dense layer; 2.47 M parameters. */
export const alexnetCifar = model(
  'alexnet-cifar',
  "AlexNet's convolutions for 32x32 images, one dense layer",
  { ...noiseOptions(noisesOf('channels', 'pool')), standardise },
  (input, { standardise, ...noise }) => {
    const { channels, pool = () => maxPool(2) } = noiseOf(noise);
    const conv = (o: number, k: number, options: ConvOptions) => conv2d(o, k, { ...options, standardise });
    return sequential({
      features: sequential([
        conv(64, 11, { stride: 4, pad: 5 + extraPad(input) }),
        relu(),
        followed(pool(), channels),
        conv(192, 5, { pad: 2 }),
        relu(),
        followed(pool(), channels),
        conv(384, 3, { pad: 1 }),
        relu(),
        conv(256, 3, { pad: 1 }),
        relu(),
        conv(256, 3, { pad: 1 }),
        relu(),
        followed(pool(), channels),
      ]),
      classifier: dense(input.classes),
    });
  },
);
