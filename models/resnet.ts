import type { Layer } from '../engine/graph.ts';
import { number } from '../engine/parameter.ts';
import { COUNT } from '../engine/range.ts';
import { relu } from '../layers/activation.ts';
import { named, residual, sequential } from '../layers/compose.ts';
import { conv2d } from '../layers/conv.ts';
import { dense } from '../layers/dense.ts';
import { batchNorm } from '../layers/norm.ts';
import { globalAvgPool, maxPool } from '../layers/pool.ts';
import { isSmall, model, stem, type Model, type ModelInput } from './model.ts';

/** A block of `width` planes whose first convolution of more than one tap has the stride. Its relu follows the addition. */
type Block = (width: number, stride: number) => Layer;

/** A block's shortcut as in torchvision: the identity where shapes agree, else a 1x1 convolution with batch norm under `downsample`. */
export const projection =
  (o: number, stride: number): Layer =>
  (g, x) => {
    if (x.shape[1] === o && stride === 1) return x;
    return named('downsample', sequential([conv2d(o, 1, { stride, bias: false }), batchNorm()]))(g, x);
  };

export const thenRelu =
  (layer: Layer): Layer =>
  (g, x) =>
    relu()(g, layer(g, x));

/** Two 3x3 convolutions (He et al. 2015, figure 5 left), the body of a block. */
export const basicBody = (width: number, stride: number, standardise = false): Layer =>
  sequential({
    conv1: conv2d(width, 3, { stride, pad: 1, bias: false, standardise }),
    bn1: batchNorm(),
    relu: relu(),
    conv2: conv2d(width, 3, { pad: 1, bias: false, standardise }),
    bn2: batchNorm(),
  });

const basic: Block = (width, stride) => thenRelu(residual(basicBody(width, stride), projection(width, stride)));

/** 1x1, 3x3 in `groups` of `base / 64 * width` channels each, 1x1 to four times the width (figure 5 right; ResNeXt: Xie et al. 2016). */
const bottleneck =
  (groups: number, base: number): Block =>
  (width, stride) => {
    const inner = Math.floor((width * base) / 64) * groups;
    return thenRelu(
      residual(
        sequential({
          conv1: conv2d(inner, 1, { bias: false }),
          bn1: batchNorm(),
          relu1: relu(),
          conv2: conv2d(inner, 3, { stride, pad: 1, groups, bias: false }),
          bn2: batchNorm(),
          relu2: relu(),
          conv3: conv2d(4 * width, 1, { bias: false }),
          bn3: batchNorm(),
        }),
        projection(4 * width, stride),
      ),
    );
  };

/** The first block of each stage but the first halves the size. */
export const strideOf = (stage: number, block: number): number => (stage > 0 && block === 0 ? 2 : 1);

/** `counts.length` stages of blocks, widths doubling from 64 and sizes halving from the second on. */
function stages(counts: readonly number[], block: Block): Record<string, Layer> {
  const layers = counts.map((count, stage): [string, Layer] => {
    const blocks = Array.from({ length: count }, (_, i) => block(64 << stage, strideOf(stage, i)));
    return [`layer${stage + 1}`, sequential(blocks)];
  });
  return Object.fromEntries(layers);
}

/**
 * `stem=imagenet` is torchvision's 7x7 convolution of stride 2 and max pooling, `stem=32x32` a 3x3 convolution of stride 1; by itself the
 * size of the images decides.
 */
const net = (input: ModelInput, asked: typeof stem.default, counts: readonly number[], block: Block): Layer => {
  const small = isSmall(input, asked);
  return sequential({
    conv1: small ? conv2d(64, 3, { pad: 1, bias: false }) : conv2d(64, 7, { stride: 2, pad: 3, bias: false }),
    bn1: batchNorm(),
    relu: relu(),
    ...(!small && { maxpool: maxPool(3, { stride: 2, pad: 1 }) }),
    ...stages(counts, block),
    avgpool: globalAvgPool(),
    fc: dense(input.classes),
  });
};

const he = (depth: number) => `ResNet of ${depth} layers in torchvision's layout (He et al. 2015)`;
const shallow = (depth: number, counts: readonly number[]): Model =>
  model(`resnet${depth}`, he(depth), { stem }, (input, o) => net(input, o.stem, counts, basic));

/** `groups=32,width=4` makes resnet50 torchvision's resnext50_32x4d, `width=128` its wide_resnet50_2. */
const deep = (name: string, about: string, counts: readonly number[], groups = 1): Model =>
  model(
    name,
    about,
    { stem, groups: number(groups, 'groups of each 3x3 convolution', COUNT), width: number(64, 'channels of a group', COUNT) },
    (input, o) => net(input, o.stem, counts, bottleneck(o.groups, o.width)),
  );

/** ResNet of 18 layers in torchvision's layout (He et al. 2015); 11.2 M parameters for ten classes. */
export const resnet18 = shallow(18, [2, 2, 2, 2]);
/** ResNet of 34 layers in torchvision's layout; 21.3 M parameters. */
export const resnet34 = shallow(34, [3, 4, 6, 3]);
/** ResNet of 50 layers with bottlenecks, in torchvision's layout; 23.5 M parameters. */
export const resnet50 = deep('resnet50', he(50), [3, 4, 6, 3]);
/** ResNet of 101 layers with bottlenecks; 42.5 M parameters. */
export const resnet101 = deep('resnet101', he(101), [3, 4, 23, 3]);
/** ResNet of 152 layers with bottlenecks; 58.2 M parameters. */
export const resnet152 = deep('resnet152', he(152), [3, 8, 36, 3]);

/** For CIFAR: 8 groups of 64 channels, 34.4 M parameters; `groups=16` is the paper's best, 68.2 M. */
export const resnext29 = deep('resnext29', 'ResNeXt of 29 layers, 8 x 64d, for CIFAR (Xie et al. 2016)', [3, 3, 3], 8);
