/** What a course compares: the variants of each comparison, and a net for those that no stored model shows. */
import { relu } from '../layers/activation.ts';
import { sequential } from '../layers/compose.ts';
import { conv2d } from '../layers/conv.ts';
import { dense } from '../layers/dense.ts';
import { schemes } from '../layers/init.ts';
import { batchNorm, groupNorm, instanceNorm, layerNorm, lrn } from '../layers/norm.ts';
import { globalAvgPool } from '../layers/pool.ts';
import { addModel } from '../models/index.ts';
import { choice, model } from '../models/model.ts';
import { rules } from '../optim/index.ts';
import type { parseConfig } from './config.ts';

/** What a variant changes of the configuration; `scheme` draws the first weights. */
export type Variant = Parameters<typeof parseConfig>[1] & { readonly model?: string; readonly scheme?: string };
/** Rates at which rules that have no default of their own for a network do well on LeNet-5. */
const RATES: Readonly<Record<string, string>> = { 'nag-c': '0.05', 'nag-sc': '0.05', 'newton-diagonal': '0.01', 'natural-gradient': '0.001', asgd: '0.1' };

export interface Comparison {
  /** Trained where no model is named; variants that name their own leave no choice. */
  readonly model: string;
  /** By name, for a run of so many steps at a rate. */
  readonly variants: (steps: number, lr: number) => Readonly<Record<string, Variant>>;
  /** Of the variants' runs: whether the course of the rate is drawn too. */
  readonly rates?: boolean;
}
const NORMS = { none: undefined, batch: batchNorm, layer: layerNorm, instance: () => instanceNorm({ affine: true }), group: () => groupNorm(4), lrn } as const;

/** Six convolutions, each followed by the normalisation that is compared. */
const normNet = model('norm-net', 'six convolutions with a normalisation after each', { norm: choice<keyof typeof NORMS>('batch', Object.keys(NORMS) as (keyof typeof NORMS)[]) }, ({ classes }, { norm }) =>
  sequential(Object.fromEntries([...[8, 8, 16, 16, 32, 32].flatMap((o, i) => {
    const normalise = NORMS[norm], n = i + 1;
    return [[`conv${n}`, conv2d(o, 3, { pad: 1, stride: i % 2 && i < 5 ? 2 : 1 })], ...normalise ? [[`norm${n}`, normalise()]] : [], [`act${n}`, relu()]];
  }), ['pool', globalAvgPool()], ['fc', dense(classes)]])));
addModel('norm-net', normNet);

const each = (names: readonly string[], of: (name: string) => Variant) => Object.fromEntries(names.map(name => [name, of(name)]));

/** What can be compared, by name. */
export const COMPARISONS: Readonly<Record<string, Comparison>> = {
  optimizers: { model: 'lenet5', variants: () => each(Object.keys(rules), name => ({ optimizer: name, ...RATES[name] !== undefined && { lr: RATES[name] } })) },
  schedules: {
    model: 'lenet5', rates: true, variants(steps, lr) {
      const share = (part: number) => Math.max(1, Math.round(steps * part));
      return {
        constant: {}, step: { schedule: `step:step_size=${share(0.4)},gamma=0.3` }, exponential: { schedule: `exponential:k=${(2 / steps).toPrecision(3)}` },
        'inverse-time': { schedule: `inverse-time:k=${(4 / steps).toPrecision(3)}` }, linear: { schedule: 'linear' }, cosine: { schedule: 'cosine' },
        'cosine, warm-up': { schedule: `cosine:warmup=${share(0.1)}` }, sgdr: { schedule: `sgdr:T_0=${share(0.34)}` },
        triangular: { schedule: `triangular:max_lr=${3 * lr},step_size_up=${share(0.25)}` }, onecycle: { schedule: `onecycle:max_lr=${2 * lr}` },
      };
    },
  },
  regularisers: {
    model: 'lenet5', variants: () => ({
      none: {}, L2: { weightDecay: '0.001' }, L1: { l1: '0.0001' }, 'elastic net': { weightDecay: '0.001', l1: '0.0001' }, 'max-norm': { maxNorm: '1.5' },
      'clip by norm': { clipNorm: '0.5' }, 'gradient noise': { gradNoise: '0.0001' }, 'moving average': { ema: '0.98' }, SWA: { swa: '0.5' }, Lookahead: { lookahead: '5' },
    }),
  },
  /** A deep net of equal layers, in which a bad scale of the weights grows or dies out. */
  initialisations: {
    model: `mlp:hidden=${Array(8).fill(64).join('-')}`,
    variants: () => each(Object.keys(schemes).filter(name => !/^(xavier|kaiming)/.test(name)), scheme => ({ scheme })), // second names of glorot and he
  },
  normalisations: { model: 'norm-net', variants: () => each(Object.keys(NORMS), norm => ({ model: `norm-net:norm=${norm}` })) },
  'batch-sizes': { model: 'lenet5', variants: () => each(['8', '16', '32', '64', '128', '256'], batchSize => ({ batchSize })) },
  /** Deeper is worse without shortcuts, better with them (He et al. 2015, figure 6). */
  depth: { model: 'resnet20', variants: () => each(['plain20', 'plain56', 'resnet20', 'resnet56'], name => ({ model: name })) },
};
