import type { Layer } from '../engine/graph.ts';
import { sigmoid, silu } from '../layers/activation.ts';
import { gated } from '../layers/broadcast.ts';
import { named, residual, sequential, stochasticDepth } from '../layers/compose.ts';
import { conv2d } from '../layers/conv.ts';
import { dense } from '../layers/dense.ts';
import { uniform } from '../layers/init.ts';
import { dropout } from '../layers/noise.ts';
import { adaptiveAvgPool, globalAvgPool } from '../layers/pool.ts';
import { keepsShape, unit } from './mobilenet.ts';
import { byFanOut, dropRate, isSmall, model, started, stem } from './model.ts';

/** Table 1 of the paper: expansion, kernel, stride of the first block, channels, blocks. */
const STAGES = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
] as const;

/** Each of `c` channels times a number that is made of the means of all, through `squeezed` units (Hu et al. 2017). */
const squeezeExcite = (c: number, squeezed: number): Layer =>
  gated(
    sequential({
      avgpool: adaptiveAvgPool(1),
      fc1: conv2d(squeezed, 1),
      activation: silu(),
      fc2: conv2d(c, 1),
      scale: sigmoid(),
    }),
  );

interface Block {
  readonly expand: number;
  readonly k: number;
  readonly stride: number;
  readonly o: number;
  /** Probability that the block is left out for an image. */
  readonly drop: number;
}

/** MBConv: 1x1 to more channels, k x k on each of them by itself, squeeze and excitation, 1x1 back; added to its input where it can be. */
const mbConv =
  ({ expand, k, stride, o, drop }: Block): Layer =>
  (g, x) => {
    const c = x.shape[1]!;
    const inner = c * expand;
    const body = sequential([
      ...(expand === 1 ? [] : [unit(inner, 1, {}, silu())]),
      unit(inner, k, { stride, groups: inner }, silu()),
      squeezeExcite(inner, Math.max(1, Math.floor(c / 4))),
      unit(o, 1),
    ]);
    const block = named('block', body);
    return (keepsShape(c, o, stride) ? residual(stochasticDepth(block, drop, { perSample: true, rescale: true })) : block)(g, x);
  };

/**
 * EfficientNet-B0 (Tan & Le 2019) in torchvision's layout. `stem=32x32` leaves the first convolution at stride 1; by itself the size of the
 * images decides. `drop` is what the last block would be left out by; it grows from 0 at the first.
 */
export const efficientnetB0 = model(
  'efficientnet-b0',
  "EfficientNet-B0 (Tan & Le 2019), torchvision's layout",
  { stem, dropout: dropRate(0.2), drop: dropRate(0.2, 'blocks') },
  (input, { stem: asked, dropout: p, drop }) => {
    const all = STAGES.reduce((n, [, , , , count]) => n + count, 0);
    let number = 0;
    const stages = STAGES.map(([expand, k, first, o, count]) =>
      sequential(
        Array.from({ length: count }, (_, i) => mbConv({ expand, k, stride: i === 0 ? first : 1, o, drop: (drop * number++) / all })),
      ),
    );
    const net = sequential({
      features: sequential([unit(32, 3, { stride: isSmall(input, asked) ? 1 : 2 }, silu()), ...stages, unit(1280, 1, {}, silu())]),
      avgpool: globalAvgPool(),
      classifier: sequential([dropout(p), dense(input.classes)]),
    });
    return started(net, ({ shape }) => (shape.length > 2 ? byFanOut(shape) : uniform(1 / Math.sqrt(input.classes))));
  },
);
