import type { Layer } from '../engine/graph.ts';
import { relu } from '../layers/activation.ts';
import { residual, sequential } from '../layers/compose.ts';
import { conv2d } from '../layers/conv.ts';
import { dense } from '../layers/dense.ts';
import { dropout, gaussianNoise } from '../layers/noise.ts';
import { batchNorm } from '../layers/norm.ts';
import { globalAvgPool } from '../layers/pool.ts';
import { dropRate, model, type Model } from './model.ts';

interface Noise {
  dropout?: number;
  noise?: number;
}

/**
 * Norm and relu before each convolution (He et al. 2016). Where the shape changes they come before the shortcut too, a 1x1 convolution
 * under `downsample`; elsewhere it is the identity.
 */
const preactivation =
  (o: number, stride: number, { dropout: p = 0, noise = 0 }: Noise): Layer =>
  (g, x) => {
    const before = sequential({ bn1: batchNorm(), relu1: relu() });
    const body = sequential({
      conv1: conv2d(o, 3, { stride, pad: 1, bias: false }),
      bn2: batchNorm(),
      relu2: relu(),
      dropout: dropout(p),
      conv2: conv2d(o, 3, { pad: 1, bias: false }),
      noise: gaussianNoise(noise, { evaluating: true }),
    });
    if (x.shape[1] === o && stride === 1) return residual((g, x) => body(g, before(g, x)))(g, x);
    return residual(body, sequential({ downsample: conv2d(o, 1, { stride, bias: false }) }))(g, before(g, x));
  };

/** Three stages of n pre-activation blocks of 16, 32 and 64 times `width` channels. */
export const preactivationNet = (classes: number, n: number, width: number, options: Noise): Layer => {
  const stage = (o: number, stride: number) => sequential(Array.from({ length: n }, (_, i) => preactivation(o, i ? 1 : stride, options)));
  return sequential({
    conv1: conv2d(16, 3, { pad: 1, bias: false }),
    layer1: stage(16 * width, 1),
    layer2: stage(32 * width, 2),
    layer3: stage(64 * width, 2),
    bn: batchNorm(),
    relu: relu(),
    avgpool: globalAvgPool(),
    fc: dense(classes),
  });
};

/** Wide residual networks (Zagoruyko & Komodakis 2016): (depth - 4) / 6 blocks a stage, `width` times as wide as ResNet's. */
const wide = (depth: number, width: number): Model =>
  model(
    `wide-resnet-${depth}-${width}`,
    `wide ResNet of ${depth} layers, ${width} times as wide (Zagoruyko & Komodakis 2016)`,
    { dropout: dropRate(0) },
    ({ classes }, { dropout }) => preactivationNet(classes, (depth - 4) / 6, width, { dropout }),
  );

/** Wide ResNet of 16 layers, 4 times as wide; 2.7 M parameters. */
export const wideResnet16x4 = wide(16, 4);
/** Wide ResNet of 28 layers, 10 times as wide; 36.5 M parameters. */
export const wideResnet28x10 = wide(28, 10);
