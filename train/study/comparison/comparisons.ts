/** Methods side by side: the variants of each comparison, and how much training it takes to see the difference. */
import { schemes } from '../../../layers/init.ts';
import { rules } from '../../../optim/index.ts';
import { NOISES } from '../../../models/noise.ts';
import { NORMS } from './nets.ts';
import type { parseConfig } from '../../config/config.ts';

/** What a variant changes of the configuration. */
export type Variant = Parameters<typeof parseConfig>[1] & { readonly model?: string };

/** What the runs have in common: their steps at batches of 64, rate, and training images. */
export interface Common {
  readonly steps: number;
  readonly lr: number;
  readonly images: number;
}

export interface Comparison {
  /** What is compared, in one line. */
  readonly about: string;
  /** Authors and year. */
  readonly source: string;
  /** Trained where no model is named; variants that name their own leave no choice, or are left out where others do not. */
  readonly model: string;
  readonly variants: (common: Common) => Readonly<Record<string, Variant>>;
  /** What the command takes where the user says nothing, if that is not the same for all. */
  readonly defaults?: {
    readonly epochs?: string;
    readonly limitTrain?: string;
    readonly limitTest?: string;
    readonly lr?: string;
    readonly dataset?: string;
  };
  /** Head of the picture, if the name alone does not say it. */
  readonly title?: string;
  /** Whether the curve of each variant's rate is drawn too. */
  readonly rates?: boolean;
  /** The variants have an order that says something by itself; others are sorted by what came out. */
  readonly ordered?: boolean;
}

const each = (names: readonly string[], of: (name: string) => Variant): Record<string, Variant> =>
  Object.fromEntries(names.map(name => [name, of(name)]));

/** Few images and many passes: a net that learns them by heart, unless it is kept from it. */
const OVERFIT = { epochs: '20', limitTrain: '1000' };

/** Enough to see most differences in a minute or two on a processor; a comparison may have numbers of its own. */
export const COMPARED = { dataset: 'fashion-mnist', epochs: '2', limitTrain: '12000', limitTest: '2000' } as const;

/** What can be compared, by name. */
export const COMPARISONS: Readonly<Record<string, Comparison>> = {
  optimizers: {
    about: 'All update rules on one net.',
    source: 'Ruder 2016',
    model: 'lenet5',
    variants: ({ steps, images }) => {
      // those that go by the signs or the curvature of one function have large batches, at as many images in all
      const batch = Math.max(64, 64 * Math.floor(Math.min(1024, images) / 64));
      const large = {
        batchSize: String(batch),
        accumulate: String(batch / 64),
        steps: String(Math.max(1, Math.round((steps * 64) / batch))),
      };
      const { rprop: _, ...others } = rules;
      return {
        ...each([...Object.keys(others), 'muon'], optimizer => ({ optimizer })),
        lookahead: { optimizer: 'momentum', lookahead: '5' },
        [`rprop on ${batch}`]: { optimizer: 'rprop', ...large },
        [`lbfgs on ${batch}`]: { optimizer: 'lbfgs', ...large },
      };
    },
  },
  schedules: {
    about: 'Ways of changing the rate, drawn beside the loss.',
    source: 'Smith 2017; Loshchilov & Hutter 2017',
    model: 'lenet5',
    rates: true,
    variants({ steps, lr }) {
      const share = (part: number) => Math.max(1, Math.round(steps * part));
      return {
        constant: {},
        step: { schedule: `step:step_size=${share(0.4)},gamma=0.3` },
        exponential: { schedule: `exponential:k=${(2 / steps).toPrecision(3)}` },
        'inverse-time': { schedule: `inverse-time:k=${(4 / steps).toPrecision(3)}` },
        linear: { schedule: 'linear' },
        cosine: { schedule: 'cosine' },
        'cosine, warm-up': { schedule: `cosine:warmup=${share(0.1)}` },
        sgdr: { schedule: `sgdr:T_0=${share(0.34)}` },
        triangular: { schedule: `triangular:max_lr=${3 * lr},step_size_up=${share(0.25)}` },
        onecycle: { schedule: `onecycle:max_lr=${2 * lr}` },
      };
    },
  },
  regularisers: {
    about: 'What keeps a net from learning few images by heart.',
    source: 'Goodfellow et al. 2016, chapter 7',
    model: 'lenet5',
    defaults: OVERFIT,
    variants: () => ({
      none: {},
      L2: { weightDecay: '0.005' },
      L1: { l1: '0.0005' },
      'L1 by threshold': { l1Proximal: '0.0005' },
      'elastic net': { weightDecay: '0.003', l1: '0.0003' },
      'max-norm': { maxNorm: '0.8' },
      'clip by norm': { clipNorm: '0.5' },
      'gradient noise': { gradNoise: '0.001' },
      'label smoothing': { labelSmoothing: '0.1' },
      'early stopping': { earlyStop: '3' },
      'moving average': { ema: '0.98' },
      SWA: { swa: '0.5' },
      'crop and flip': { augment: 'crop:2,flip' },
      cutout: { augment: 'cutout:8' },
      mixup: { augment: 'mixup' },
    }),
  },
  augmentations: {
    about: 'Augmentations that cut and mix images, on few images seen often.',
    source: 'DeVries & Taylor 2017; Zhang et al. 2018; Yun et al. 2019; Hendrycks et al. 2020',
    model: 'lenet5',
    ordered: true,
    defaults: { epochs: '15', limitTrain: '2000' },
    variants: () => ({
      none: {},
      cutout: { augment: 'cutout:8' },
      mixup: { augment: 'mixup' },
      cutmix: { augment: 'cutmix' },
      augmix: { augment: 'augmix' },
    }),
  },
  /** The layers that draw random numbers. */
  noises: {
    about: 'Layers that draw random numbers, from dropout to shakeout.',
    source: 'Srivastava et al. 2014; Wan et al. 2013; Kang et al. 2018',
    model: 'noise-net',
    title: 'Layers that draw random numbers',
    defaults: OVERFIT,
    variants: () => each(['none', ...NOISES], noise => ({ model: `noise-net:noise=${noise}` })),
  },
  /** A deep net of equal layers, in which a bad scale of the weights grows or dies out. */
  initialisations: {
    about: 'Ways of drawing the first weights of a deep net.',
    source: 'Glorot & Bengio 2010; He et al. 2015; Mishkin & Matas 2016',
    model: `mlp:hidden=${Array(8).fill(64).join('-')}`,
    defaults: { lr: '0.02' },
    variants: () => {
      const names = Object.keys(schemes).filter(name => !/^(xavier|kaiming)/.test(name)); // second names of glorot and he
      return each([...names, 'lsuv'], initScheme => ({ initScheme }));
    },
  },
  normalisations: {
    about: 'Batch, layer, instance and group norm, local response normalisation, and none.',
    source: 'Ioffe & Szegedy 2015; Wu & He 2018',
    model: 'norm-net',
    defaults: { limitTrain: '6000' },
    variants: () => each(Object.keys(NORMS), norm => ({ model: `norm-net:norm=${norm}`, initScheme: 'he-normal' })),
  },
  /** The rate in proportion to the batch (Goyal et al. 2017). */
  'batch-sizes': {
    about: 'Batches of 8 to 256, rates in proportion.',
    source: 'Goyal et al. 2017',
    model: 'lenet5',
    ordered: true,
    title: 'Batch sizes, rates in proportion',
    defaults: { lr: '0.02' },
    variants: ({ lr }) =>
      each(['8', '16', '32', '64', '128', '256'], batchSize => {
        const scaled = (lr * Number(batchSize)) / 64;
        return { batchSize, lr: String(Number(scaled.toPrecision(6))) }; // 0.03, not 0.030000000000000002
      }),
  },
  /** Deeper is worse without shortcuts, better with them (He et al. 2015, figure 6). Few steps leave running statistics behind. */
  depth: {
    about: 'Deep nets with and without shortcuts.',
    source: 'He et al. 2015, figure 6',
    model: 'resnet20',
    ordered: true,
    defaults: { limitTrain: '2000', limitTest: '500' },
    variants: () => each(['plain20', 'plain56', 'resnet20', 'resnet56'], name => ({ model: name, bnStats: 'population' })),
  },
};
