import type { Layer } from '../engine/graph.ts';
import { relu } from '../layers/activation.ts';
import { beside, sequential } from '../layers/compose.ts';
import { conv2d } from '../layers/conv.ts';
import { dense } from '../layers/dense.ts';
import { fans, normal } from '../layers/init.ts';
import { dropout } from '../layers/noise.ts';
import { batchNorm } from '../layers/norm.ts';
import { avgPool, globalAvgPool, maxPool } from '../layers/pool.ts';
import { dropRate, isSmall, model, started, stem } from './model.ts';

/** Channels that each layer adds. */
const GROWTH = 32;

/** `count` layers of 1x1 and 3x3, each of which sees what all before it made (figure 1 of the paper). */
const denseBlock = (count: number, drop: number): Layer => {
  const layer = () =>
    beside(
      (_, x) => x,
      sequential({
        norm1: batchNorm(),
        relu1: relu(),
        conv1: conv2d(4 * GROWTH, 1, { bias: false }),
        norm2: batchNorm(),
        relu2: relu(),
        conv2: conv2d(GROWTH, 3, { pad: 1, bias: false }),
        drop: dropout(drop),
      }),
    );
  return sequential(Object.fromEntries(Array.from({ length: count }, (_, i) => [`denselayer${i + 1}`, layer()])));
};

/** Half the channels on images of half the size. */
const transition: Layer = (g, x) =>
  sequential({ norm: batchNorm(), relu: relu(), conv: conv2d(Math.floor(x.shape[1]! / 2), 1, { bias: false }), pool: avgPool(2) })(g, x);

/**
 * DenseNet-121 (Huang et al. 2016) in torchvision's layout. `stem=32x32` is one 3x3 convolution of stride 1 in place of a 7x7 of stride 2
 * and pooling; by itself the size of the images decides.
 */
export const densenet121 = model(
  'densenet121',
  "DenseNet of 121 layers (Huang et al. 2016), torchvision's layout",
  { stem, drop: dropRate(0, 'units of each layer') },
  (input, { stem: asked, drop }) => {
    const small = isSmall(input, asked);
    const net = sequential({
      features: sequential({
        conv0: small ? conv2d(64, 3, { pad: 1, bias: false }) : conv2d(64, 7, { stride: 2, pad: 3, bias: false }),
        norm0: batchNorm(),
        relu0: relu(),
        ...(!small && { pool0: maxPool(3, { stride: 2, pad: 1 }) }),
        denseblock1: denseBlock(6, drop),
        transition1: transition,
        denseblock2: denseBlock(12, drop),
        transition2: transition,
        denseblock3: denseBlock(24, drop),
        transition3: transition,
        denseblock4: denseBlock(16, drop),
        norm5: batchNorm(),
      }),
      relu: relu(),
      avgpool: globalAvgPool(),
      classifier: dense(input.classes),
    });
    return started(net, ({ shape }) => (shape.length > 2 ? normal(Math.sqrt(2 / fans(shape).fanIn)) : undefined));
  },
);
