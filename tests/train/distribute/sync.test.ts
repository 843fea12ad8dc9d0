/** Synchronous training: ranks that share each batch train as one process that computes all of it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { quasiNewton, quasiNewtonMethods } from '../../../optim/quasi-newton.ts';
import { schedule } from '../../../optim/schedules.ts';
import type { Trainer } from '../../../train/step/trainer.ts';
import { rms } from '../../../train/study/layer-stats.ts';
import { close } from '../../support/check.ts';
import { tanh } from '../../../layers/activation.ts';
import { flatten, sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { batchNorm } from '../../../layers/norm.ts';
import { maxPool } from '../../../layers/pool.ts';
import { asRanks, trainerOf, valuesOf, type Chosen } from '../../support/ranks/members.ts';

const test = suite('sync');
const STEPS = 20;
const CLASS_WEIGHTS = [0, 0.5, 2, 1, 2, 0.5, 1.5, 1, 0.25, 1];

interface Trained {
  readonly losses: readonly number[];
  readonly weights: Float32Array;
  readonly val: { loss: number; accuracy: number };
}

async function trained(trainer: Trainer, steps = STEPS): Promise<Trained> {
  for (let t = 0; t < steps; t++) await trainer.step(true);
  const losses = (await trainer.settle()).map(line => line.loss);
  const weights = valuesOf(await trainer.weights());
  const { loss, accuracy } = await trainer.evaluate('val');
  trainer.destroy();
  return { losses, weights, val: { loss, accuracy: accuracy! } };
}

const alone = async (o: Chosen, steps = STEPS): Promise<Trained> => trained(await trainerOf(o), steps);
const shared = (size: number, o: Chosen, steps = STEPS): Promise<Trained[]> =>
  asRanks(size, async exchange => trained(await trainerOf({ ...o, exchange, sharesBatches: true, sharesGradients: true }), steps));

/** Methods of second order amplify the last digits: fewer steps are compared. */
const cases: readonly [why: string, size: number, o: Chosen, steps?: number][] = [
  ['2 ranks of half a batch', 2, {}],
  ['3 ranks, and momentum', 3, { rule: 'momentum:lr=0.005' }],
  ['a batch that is no multiple of the ranks: means are weighted', 5, {}],
  ['each share in micro-batches', 2, { accumulate: 3 }],
  ['images in the order of the file', 3, { shuffle: false }],
  [
    'class weights: the mean is over those of all ranks, in micro-batches too',
    3,
    { classWeights: CLASS_WEIGHTS, accumulate: 2, balanced: true, rule: 'sgd:lr=0.02' },
  ],
  ['images that are augmented, and drawn several times in an epoch', 3, { augment: 'crop:2', balanced: true, rule: 'sgd:lr=0.02' }],
  ['a convolutional net', 2, { model: 'lenet5', batchSize: 8 }],
  ['batches that grow: gradients wait in memory for more', 2, { schedule: grown() }],
  ['L-BFGS, which goes by the loss of each evaluation', 2, { optimizer: quasiNewton(quasiNewtonMethods.lbfgs!, {}) }, 4],
  ['the diagonal of the Hessian from gradients at two places', 2, { rule: 'newton-diagonal:lr=0.001,epsilon=0.1' }, 3],
];
function grown() {
  return schedule('batch-growth', { milestones: '4', times: 3 }, { lr: 0.1, total: STEPS });
}

for (const [why, size, o, steps = STEPS] of cases) {
  test(`${why}: ${steps} steps as one process`, async () => {
    const one = await alone(o, steps);
    const ranks = await shared(size, o, steps);
    for (const rank of ranks) {
      close('loss', rank.losses, one.losses, 1e-6);
      close('weights', rank.weights, one.weights, 1e-6);
      close('evaluation', [rank.val.loss, rank.val.accuracy], [one.val.loss, one.val.accuracy], 1e-6);
      assert.equal(rank.weights, ranks[0]!.weights, 'ranks have other weights');
      assert.equal(rank.losses, ranks[0]!.losses, 'ranks see other losses');
    }
  });
}

/** Two batch norms, between layers that do not amplify the last digits as a deep net does. */
const normed = () =>
  sequential({
    conv: conv2d(4, 3),
    bn: batchNorm(),
    act: tanh(),
    pool: maxPool(4),
    flat: flatten(),
    fc: dense(12),
    bn2: batchNorm(),
    out: dense(10),
  });

test(`batch norm by the statistics of all ranks: ${STEPS} steps as one process, running statistics included`, async () => {
  const o = { net: normed(), rule: 'sgd:lr=0.01' };
  const one = await alone(o);
  for (const size of [2, 5]) {
    const ranks = await shared(size, { ...o, syncBatchNorm: true });
    for (const rank of ranks) {
      close('loss', rank.losses, one.losses, 1e-6);
      close('weights', rank.weights, one.weights, 1e-6);
      close('evaluation', [rank.val.loss], [one.val.loss], 1e-5);
      assert.equal(rank.weights, ranks[0]!.weights);
    }
  }
  const [apart] = await shared(2, o);
  assert.ok(
    apart!.losses.some((loss, i) => Math.abs(loss - one.losses[i]!) > 1e-3),
    'without it losses are others',
  );
});

test('the gradients that rank 0 looks at after a step are those of one process', async () => {
  const sizes = async (trainer: Trainer) => {
    await trainer.step();
    const scale = await trainer.gradientScale();
    const found = await Promise.all(
      [...trainer.graph.params.values()].map(async ({ grad }) => scale * rms(await trainer.memory.read(grad))),
    );
    trainer.destroy();
    return found;
  };
  const o = { accumulate: 3 };
  const one = await sizes(await trainerOf(o));
  const [first] = await asRanks(2, async exchange =>
    sizes(await trainerOf({ ...o, exchange, sharesBatches: true, sharesGradients: true })),
  );
  close('gradients', first!, one, 1e-6);
});

test('2 ranks make the bits of 2 micro-batches, random numbers included', async () => {
  const o = { model: 'mlp:hidden=16,dropout=0.5', rule: 'adam' };
  const one = await alone({ ...o, accumulate: 2 });
  for (const rank of await shared(2, o)) assert.equal(rank.weights, one.weights);
});

test.run();
