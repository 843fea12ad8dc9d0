/** Nets that are compared with themselves: one choice of a layer is all that differs. */
import { relu } from '../../../layers/activation.ts';
import { residual, sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { batchNorm, groupNorm, instanceNorm, layerNorm, lrn } from '../../../layers/norm.ts';
import { globalAvgPool, maxPool } from '../../../layers/pool.ts';
import { addModel } from '../../../models/index.ts';
import { choice } from '../../../engine/parameter.ts';
import { model, standardise } from '../../../models/model.ts';
import { noiseOf, noiseOptions, NOISES } from '../../../models/noise.ts';

export const NORMS = {
  none: undefined,
  batch: batchNorm,
  layer: layerNorm,
  instance: () => instanceNorm({ affine: true }),
  group: () => groupNorm(4),
  lrn,
} as const;

/** Six convolutions, each followed by the normalisation that is compared. */
const normNet = model(
  'norm-net',
  'six convolutions with a normalisation after each',
  { norm: choice<keyof typeof NORMS>('batch', Object.keys(NORMS) as (keyof typeof NORMS)[]), standardise },
  ({ classes }, { norm, standardise }) =>
    sequential(
      Object.fromEntries([
        ...[8, 8, 16, 16, 32, 32].flatMap((o, i) => {
          const normalise = NORMS[norm];
          const n = i + 1;
          return [
            [`conv${n}`, conv2d(o, 3, { pad: 1, stride: i % 2 && i < 5 ? 2 : 1, standardise })],
            ...(normalise ? [[`norm${n}`, normalise()]] : []),
            [`act${n}`, relu()],
          ];
        }),
        ['pool', globalAvgPool()],
        ['fc', dense(classes)],
      ]),
    ),
);
addModel('norm-net', normNet);

/** Two convolutions, a residual block and two dense layers, with noise of the kind that is compared. */
const noiseNet = model('noise-net', 'a small residual net with one kind of noise', noiseOptions(NOISES), ({ classes }, noise) => {
  const { channels, units, dense: noisy = dense, pool = () => maxPool(2), block = residual } = noiseOf(noise);
  return sequential({
    conv1: conv2d(8, 5, { pad: 2 }),
    act1: relu(),
    pool1: pool(),
    ...(channels && { drop1: channels() }),
    conv2: conv2d(16, 5, { pad: 2 }),
    act2: relu(),
    pool2: pool(),
    ...(channels && { drop2: channels() }),
    block: block(sequential({ conv1: conv2d(16, 3, { pad: 1 }), act1: relu(), conv2: conv2d(16, 3, { pad: 1 }) })),
    act3: relu(),
    pool3: maxPool(2),
    fc1: noisy(64),
    act4: relu(),
    ...(units && { drop4: units() }),
    fc2: dense(classes),
  });
});
addModel('noise-net', noiseNet);
