import type { Layer } from '../engine/graph.ts';
import { relu6 } from '../layers/activation.ts';
import { named, residual, sequential } from '../layers/compose.ts';
import { conv2d, type ConvOptions } from '../layers/conv.ts';
import { dense } from '../layers/dense.ts';
import { dropout } from '../layers/noise.ts';
import { batchNorm } from '../layers/norm.ts';
import { globalAvgPool } from '../layers/pool.ts';
import { begun, dropRate, isSmall, model, stem } from './model.ts';

/** torchvision's Conv2dNormActivation: a convolution that keeps the size by stride 1, batch norm, and what comes after them. */
export const unit = (o: number, k: number, options: ConvOptions = {}, ...after: readonly Layer[]): Layer =>
  sequential([conv2d(o, k, { ...options, pad: k >> 1, bias: false }), batchNorm(), ...after]);

/** Whether a block of `o` channels and a stride can be added to its input. */
export const keepsShape = (c: number, o: number, stride: number): boolean => stride === 1 && c === o;

/** Table 2 of the paper: expansion, channels, blocks, stride of the first. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** 1x1 to `expand` times the channels, 3x3 on each of them by itself, 1x1 back without activation; added to its input where it can be. */
const invertedResidual =
  (o: number, expand: number, stride: number): Layer =>
  (g, x) => {
    const c = x.shape[1]!;
    const inner = c * expand;
    const body = sequential([
      ...(expand === 1 ? [] : [unit(inner, 1, {}, relu6())]),
      unit(inner, 3, { stride, groups: inner }, relu6()),
      conv2d(o, 1, { bias: false }),
      batchNorm(),
    ]);
    const block = named('conv', body);
    return (keepsShape(c, o, stride) ? residual(block) : block)(g, x);
  };

/**
 * MobileNetV2 (Sandler et al. 2018) in torchvision's layout. `stem=32x32` leaves the first convolution at stride 1; by itself the size of
 * the images decides.
 */
export const mobilenetV2 = model(
  'mobilenet-v2',
  "MobileNetV2 (Sandler et al. 2018), torchvision's layout",
  { stem, dropout: dropRate(0.2) },
  (input, { stem: asked, dropout: p }) => {
    const blocks = STAGES.flatMap(([expand, o, count, stride]) =>
      Array.from({ length: count }, (_, i) => invertedResidual(o, expand, i === 0 ? stride : 1)),
    );
    return begun(
      sequential({
        features: sequential([unit(32, 3, { stride: isSmall(input, asked) ? 1 : 2 }, relu6()), ...blocks, unit(1280, 1, {}, relu6())]),
        avgpool: globalAvgPool(),
        classifier: sequential([dropout(p), dense(input.classes)]),
      }),
    );
  },
);
