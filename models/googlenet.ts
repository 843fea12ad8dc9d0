import type { Layer } from '../engine/graph.ts';
import { relu } from '../layers/activation.ts';
import { concat, sequential } from '../layers/compose.ts';
import { conv2d, type ConvOptions } from '../layers/conv.ts';
import { dense } from '../layers/dense.ts';
import type { Sides } from '../layers/geometry.ts';
import { dropout } from '../layers/noise.ts';
import { batchNorm } from '../layers/norm.ts';
import { globalAvgPool, maxPool } from '../layers/pool.ts';
import { dropRate, isSmall, model, stem } from './model.ts';

/** torchvision's BasicConv2d. */
export const unit = (o: number, k: Sides, options?: ConvOptions): Layer =>
  sequential({ conv: conv2d(o, k, { ...options, bias: false }), bn: batchNorm({ eps: 1e-3 }), relu: relu() });

/** Four branches side by side: 1x1; 1x1 and 3x3; 1x1 and 3x3 (5x5 in the paper, torchvision's weights have 3x3); pooling and 1x1. */
const inception = (a: number, b1: number, b3: number, c1: number, c3: number, d: number): Layer =>
  concat({
    branch1: unit(a, 1),
    branch2: sequential([unit(b1, 1), unit(b3, 3, { pad: 1 })]),
    branch3: sequential([unit(c1, 1), unit(c3, 3, { pad: 1 })]),
    branch4: sequential([maxPool(3, { stride: 1, pad: 1 }), unit(d, 1)]),
  });

/**
 * GoogLeNet (Szegedy et al. 2014) with batch norm, in torchvision's layout without auxiliary heads. `stem=32x32` is one 3x3 convolution of
 * stride 1 in place of three convolutions and two poolings; by itself the size of the images decides.
 */
export const googlenet = model(
  'googlenet',
  "GoogLeNet with batch norm (Szegedy et al. 2014), torchvision's layout",
  { stem, dropout: dropRate(0.2) },
  (input, { stem: asked, dropout: p }) => {
    const small = isSmall(input, asked);
    const halve = () => maxPool(3, { stride: 2, ceil: true });
    const smallStem = { conv1: unit(192, 3, { pad: 1 }) };
    const wholeStem = {
      conv1: unit(64, 7, { stride: 2, pad: 3 }),
      maxpool1: halve(),
      conv2: unit(64, 1),
      conv3: unit(192, 3, { pad: 1 }),
      maxpool2: halve(),
    };
    return sequential({
      ...(small ? smallStem : wholeStem),
      inception3a: inception(64, 96, 128, 16, 32, 32),
      inception3b: inception(128, 128, 192, 32, 96, 64),
      maxpool3: halve(),
      inception4a: inception(192, 96, 208, 16, 48, 64),
      inception4b: inception(160, 112, 224, 24, 64, 64),
      inception4c: inception(128, 128, 256, 24, 64, 64),
      inception4d: inception(112, 144, 288, 32, 64, 64),
      inception4e: inception(256, 160, 320, 32, 128, 128),
      maxpool4: maxPool(2, { ceil: true }),
      inception5a: inception(256, 160, 320, 32, 128, 128),
      inception5b: inception(384, 192, 384, 48, 128, 128),
      avgpool: globalAvgPool(),
      dropout: dropout(p),
      fc: dense(input.classes),
    });
  },
);
