/** Nets that are compared with themselves: one choice of a layer is all that differs. */
import type { Layer } from '../../engine/graph.ts';
import { relu } from '../../layers/activation.ts';
import { residual, sequential, stochasticDepth } from '../../layers/compose.ts';
import { conv2d } from '../../layers/conv.ts';
import { dense } from '../../layers/dense.ts';
import {
  dropConnect,
  dropout,
  gaussianNoise,
  shakeout,
  spatialDropout,
  vanillaDropout,
  weightNoise,
  whiteout,
} from '../../layers/noise.ts';
import { batchNorm, groupNorm, instanceNorm, layerNorm, lrn } from '../../layers/norm.ts';
import { fractionalMaxPool, globalAvgPool, maxPool } from '../../layers/pool.ts';
import { addModel } from '../../models/index.ts';
import { choice } from '../../engine/parameter.ts';
import { model } from '../../models/model.ts';

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
  { norm: choice<keyof typeof NORMS>('batch', Object.keys(NORMS) as (keyof typeof NORMS)[]) },
  ({ classes }, { norm }) =>
    sequential(
      Object.fromEntries([
        ...[8, 8, 16, 16, 32, 32].flatMap((o, i) => {
          const normalise = NORMS[norm];
          const n = i + 1;
          return [
            [`conv${n}`, conv2d(o, 3, { pad: 1, stride: i % 2 && i < 5 ? 2 : 1 })],
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

/** What a noise puts in place of, or behind, the layers of the net below. */
interface Noise {
  readonly channels?: () => Layer;
  readonly units?: () => Layer;
  readonly dense?: (out: number) => Layer;
  readonly pool?: () => Layer;
  readonly block?: (body: Layer) => Layer;
}

export const NOISES = {
  none: {},
  dropout: { units: () => dropout(0.5) },
  'vanilla-dropout': { units: () => vanillaDropout(0.5) },
  'spatial-dropout': { channels: () => spatialDropout(0.2) },
  dropconnect: { dense: out => dense(out, { through: dropConnect(0.5) }) },
  'activation-noise': { units: () => gaussianNoise(0.3) },
  'weight-noise': { dense: out => dense(out, { through: weightNoise(0.05) }) },
  shakeout: { dense: out => shakeout(out) },
  whiteout: { dense: out => whiteout(out) },
  'fractional-pooling': { pool: () => fractionalMaxPool(2, { random: true }) },
  'stochastic-depth': { block: body => residual(stochasticDepth(body, 0.5)) },
} as const satisfies Readonly<Record<string, Noise>>;

/** Two convolutions, a residual block and two dense layers, with noise of the kind that is compared. */
const noiseNet = model(
  'noise-net',
  'a small residual net with one kind of noise',
  { noise: choice<keyof typeof NOISES>('none', Object.keys(NOISES) as (keyof typeof NOISES)[]) },
  ({ classes }, { noise }) => {
    const { channels, units, dense: noisy = dense, pool = () => maxPool(2), block = residual }: Noise = NOISES[noise];
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
  },
);
addModel('noise-net', noiseNet);
