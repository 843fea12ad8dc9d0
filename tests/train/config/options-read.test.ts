/** Each option of a run is read by something: another value than its default makes another run. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { relu } from '../../../layers/activation.ts';
import { sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { batchNorm } from '../../../layers/norm.ts';
import { maxPool } from '../../../layers/pool.ts';
import type { ModelInput } from '../../../models/model.ts';
import { openDataset } from '../../../datasets/node/open.ts';
import { parseConfig, readingOf } from '../../../train/config/config.ts';
import { KEYS, type Key } from '../../../train/config/options.ts';
import { recipeWith } from '../../../train/config/recipe.ts';
import { openTrainer } from '../../../train/run/open.ts';
import { deviceFor } from '../../support/check.ts';

const test = suite('options that are read');

type Texts = Parameters<typeof parseConfig>[1];
/** By option a value that shows, or with what else it does so. */
const VALUES: Readonly<Partial<Record<Key, string | Texts>>> = {
  optimizer: 'sgd',
  lr: '0.1',
  schedule: 'cosine',
  batchSize: '7',
  epochs: '3',
  steps: '4',
  augment: 'flip',
  dp: { dp: 'clip=1,noise=1.1,delta=1e-5', optimizer: 'sgd' },
  clipNorm: '0.001',
  clipValue: '0.0001',
  gradNoise: '0.5',
  weightDecay: '0.5',
  l1: '0.5',
  l1Proximal: '0.5',
  lookahead: '2',
  maxNorm: '0.1',
  ema: '0.5',
  swa: { swa: '0.25', batchSize: '36' },
  decayBias: { decayBias: 'false', weightDecay: '0.5' },
  adversarial: 'pgd:epsilon=8/255,steps=1,size=8/255',
  labelSmoothing: '0.5',
  snapshots: '2',
  accumulate: '2',
  valSplit: '0.5',
  stratify: 'class',
  sample: 'balanced',
  classWeights: 'balanced',
  normalize: 'none',
  order: 'curriculum',
  shuffle: 'false',
  seed: '1',
  freeze: 'conv',
  featureViews: { featureViews: '2', freeze: 'conv', augment: 'flip' },
  lrOf: 'conv=0.5',
  weightDecayOf: { weightDecayOf: 'conv=0', weightDecay: '0.5' },
  initScheme: 'he-normal',
  loss: 'hinge',
  bnStats: 'population',
  precision: 'f16',
  checkpointActivations: 'true',
  fuse: 'false',
  changes: '1: lr=0.5',
};
/** What says which samples are read, and of a folder or a table how. */
const READING: readonly Key[] = ['limitTrain', 'limitTest', 'target', 'imageSize', 'resize', 'skipBroken', 'ignoreLabel'];
/** What others read than those who open a run: who names the data or the weights, and the loop, and the ranks of a job. */
const ELSEWHERE: readonly Key[] = ['dataset', 'init', 'head', 'earlyStop', 'swag', 'logEvery', 'distribute'];

const model = (hasNorm: boolean) => ({
  name: 'net',
  layer: ({ classes }: ModelInput) =>
    sequential({
      conv: conv2d(4, 3, { pad: 1 }),
      ...(hasNorm && { bn: batchNorm() }),
      act: relu(),
      pool: maxPool(8),
      fc: dense(classes),
    }),
});
const dataset = await openDataset('shapes', { limitTrain: 40, limitTest: 10, quiet: true });

/** All that an opened run shows after two steps. */
async function shown(texts: Texts, isOfNorm: boolean): Promise<string> {
  const config = parseConfig('net', { dataset: 'shapes', batchSize: '8', epochs: '2', ...texts });
  const { trainer, total, told, parts } = await openTrainer(recipeWith(config, model(isOfNorm)), dataset, await deviceFor());
  try {
    const { train, val, test: tested } = trainer.data.run.parts;
    await trainer.step(true);
    await trainer.step(true);
    const lines = (await trainer.settle()).map(({ loss, lr }) => [loss, lr]);
    const evaluated = Object.values(await trainer.evaluatedWeights()).map(({ data }) => [...data.slice(0, 50)]);
    const commands = trainer.program.commands.map(({ op }) => `${op.pass} ${op.kernel.name}`);
    return JSON.stringify([total, trainer.stepsPerEpoch, told, parts, train.n, [...val.indices], tested.n, lines, evaluated, commands]);
  } finally {
    trainer.destroy();
  }
}

test('every option has a value here, or is said to be read elsewhere', () => {
  const known = [...Object.keys(VALUES), ...READING, ...ELSEWHERE];
  assert.equal(
    KEYS.filter(key => !known.includes(key)),
    [],
  );
});

test('another value makes another run, so that none is left unread', async () => {
  const known = new Map<string, Promise<string>>();
  const once = (texts: Texts, isOfNorm: boolean) => {
    const key = JSON.stringify([texts, isOfNorm]);
    if (!known.has(key)) known.set(key, shown(texts, isOfNorm));
    return known.get(key)!;
  };
  const unread: string[] = [];
  for (const [key, value] of Object.entries(VALUES)) {
    const texts: Texts = typeof value === 'string' ? { [key]: value } : value;
    const { [key as Key]: _, ...beside } = texts;
    const isOfNorm = key === 'bnStats';
    if ((await once(texts, isOfNorm)) === (await once(beside, isOfNorm))) unread.push(key);
  }
  assert.equal(unread, []);
});

test('what says how data are read is told to who reads them', () => {
  const values = { limitTrain: '3', limitTest: '4', target: 'y', imageSize: '5', resize: '6', skipBroken: 'true', ignoreLabel: 'none' };
  const given = readingOf(parseConfig('net', values));
  assert.equal(Object.keys(given).sort(), [...READING].sort());
  assert.equal(Object.fromEntries(Object.entries(given).map(([key, value]) => [key, String(value)])), values);
});

test.run();
