import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { configFromJson, parseConfig } from '../../../train/config/config.ts';
import { checkFeasible } from '../../../train/config/feasible.ts';
import { stopsEarly } from '../../../train/run/early-stopping.ts';
import { propose, rangeRate, rangeTest } from '../../../train/study/find-lr.ts';
import { describeOptimizer, type Recipe } from '../../../train/config/recipe.ts';
import { recipeOf } from '../../../train/config/recipe-of.ts';
import { phasesOf } from '../../../train/run/phases.ts';
import { rateCurve, scheduleOf } from '../../../train/run/rates.ts';
import { bestOf } from '../../../train/step/metrics.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('recipes of runs');

type Given = Parameters<typeof parseConfig>[1];
const recipe = (given: Given) => recipeOf(parseConfig('lenet5', given));

test('one optimizer, and one after another', () => {
  assert.equal(
    phasesOf(recipe({ optimizer: 'adam:epochs=5,beta1=0.8,lbfgs' }), 7).map(p => [p.optimizer.hyper, p.steps]),
    [
      [{ lr: 1e-3, beta1: 0.8, beta2: 0.999, eps: 1e-8 }, 35],
      [{ lr: 1, tolerance_grad: 1e-7, tolerance_change: 1e-9, history: 10 }, undefined],
    ],
  );
  assert.equal(
    describeOptimizer(recipe({ optimizer: 'adam:epochs=5,lbfgs', lr: '0.01' })),
    'adam at learning rate 0.01 for 5 epochs, then lbfgs at learning rate 1',
  );
  assert.match(describeOptimizer(recipe({ optimizer: 'adam:epochs=1,lbfgs', epochs: '2' })), ' for 1 epoch, then lbfgs');
});

/** A recipe without functions. */
const values = (r: Recipe) => ({
  ...r,
  model: r.model.name,
  optimizers: r.optimizers.map(o => ('rule' in o ? { ...o, around: undefined } : o)),
});
/** The numbers of the pieces around an optimizer. */
const piecesOf = (o: Recipe['optimizers'][number]) =>
  'rule' in o ? o.around.map(piece => piece({ stepsPerEpoch: 7, epochs: 3, steps: 21 }).values?.(2, 0.1)) : [];

test('what is recorded is read back as the same', () => {
  const specs = ['sgd', 'nag-c', 'adam:epochs=5,beta1=0.8,lbfgs', 'momentum:momentum=0.5,epochs=2,sgd:lr=0.01,epochs=1,bfgs', 'adamw'];
  for (const optimizer of specs) {
    const first = recipe({ optimizer, schedule: 'cosine', augment: 'crop:2,flip', weightDecay: '0.1', clipNorm: '2' });
    const again = recipeOf(configFromJson(JSON.parse(JSON.stringify(first.config)), 'config.json'));
    assert.equal(values(again), values(first));
    assert.equal(again.optimizers.map(piecesOf), first.optimizers.map(piecesOf));
  }
});

test('flags reach the update', () => {
  const flags = { l1: '0.1', weightDecay: '0.2', clipNorm: '3', gradNoise: '0.04', maxNorm: '2', ema: '0.9' };
  const { optimizer } = phasesOf(recipe({ optimizer: 'sgd', ...flags }), 1)[0]!;
  assert.ok('values' in optimizer);
  const pieces = { clip_norm: 3, noise: 0.2, l2: 0.2, l1: 0.1, max_norm: 2, ema_rate: 1 };
  assert.equal(optimizer.values(1, 0.5, undefined, 4), { lr: 0.5, t: 1, g_scale: 0.25, ...pieces });
  assert.is(scheduleOf(recipe({ schedule: 'cosine:warmup=10', lr: '0.1' }), 30)!.at(20).lr, 0.05);
});

test('the rates of a run are known before it begins, with the optimizers one after another', () => {
  const given = { optimizer: 'adam:epochs=2,sgd:lr=0.01', schedule: 'cosine:warmup=10', lr: '0.1', epochs: '4', batchSize: '10' };
  const asked = recipe(given);
  const { total, stretches, rateAt } = rateCurve(asked, 109);
  assert.is(total, 40);
  assert.equal(
    stretches.map(({ name, from, to }) => [name, from, to]),
    [
      ['adam', 0, 20],
      ['sgd', 20, 40],
    ],
  );
  const expected = scheduleOf(asked, 40)!;
  for (const step of [1, 10, 11, 20]) assert.is(rateAt(step), expected.at(step - 1).lr);
  assert.equal([rateAt(21), rateAt(40)], [0.01, 0.01]);
  assert.is(rateCurve(recipe({ epochs: '1', batchSize: '10', steps: '7' }), 100).total, 7);
});

test('a rule with a decay of its own has no L2 piece beside it', () => {
  const [adamw, sgd] = ['adamw', 'sgd'].map(optimizer => recipe({ optimizer, weightDecay: '0.1', clipNorm: '2' }).optimizers[0]!);
  assert.is(adamw!.hyper.weight_decay, 0.1);
  assert.equal([adamw!, sgd!].map(piecesOf), [[{ clip_norm: 2 }], [{ clip_norm: 2 }, { l2: 0.1 }]]);
});

const refusals: readonly [given: Given, message: RegExp][] = [
  [
    { optimizer: 'sgd:momentum=0.9' },
    /^optimizer: sgd has no momentum, it has .*; take optimizer momentum, or take optimizer momentum:momentum=0\.9 \(momentum, .*nesterov.* have it\)$/,
  ],
  [
    { optimizer: 'adam:weight_decay=0.1' },
    /^optimizer: adam has no weight_decay, it has lr, .*; give weightDecay 0\.1, or take optimizer adamw:weight_decay=0\.1 /,
  ],
  [{ optimizer: 'sgd:nesterov=true' }, /^optimizer: sgd has no nesterov, it has .*; take optimizer nesterov/],
  [{ optimizer: 'lbfgs:clip_norm=1' }, /^optimizer: lbfgs has no clip_norm, it has .*; give clipNorm 1$/],
  [{ optimizer: 'adma' }, /^unknown optimizer 'adma'; did you mean 'adam'\? known: .*lbfgs, bfgs$/],
  [{ optimizer: 'adam,lbfgs' }, /^optimizer: adam has another optimizer after it; say for how long, as in adam:epochs=5$/],
  [
    { optimizer: 'adam:epochs=5' },
    /^optimizer: adam:epochs=5 has no optimizer after it; leave out its epochs, or name the next optimizer$/,
  ],
  [{ optimizer: 'adam:' }, /^optimizer: nothing follows 'adam:'/],
  [{ optimizer: 'adam:0.1' }, /^optimizer: '0.1' is no hyper-parameter of adam; write adam:key=value$/],
  [{ optimizer: 'lbfgs', ema: '0.9' }, /^lbfgs: minimises a smooth function of all weights, ema is not for it/],
  [
    { optimizer: 'adam:epochs=1,lbfgs', l1: '0.1' },
    /^lbfgs: minimises a smooth function of all weights, l1 is not for it; leave that out \(weightDecay can stay\)/,
  ],
  [{ snapshots: '2', epochs: '5' }, /^snapshots: 2 cycles do not fit 5 epochs; give epochs a multiple of 2$/],
  [{ snapshots: '2', epochs: '4', schedule: 'cosine' }, /^snapshots: brings a schedule of its own; leave out schedule$/],
  [{ schedule: 'batch-growth:milestones=5,times=1.5' }, /^schedule batch-growth: times is 1.5; give a whole number of at least 2$/],
  [
    { schedule: 'batch-growth:milestones=5', optimizer: 'newton-diagonal' },
    /^schedule batch-growth: newton-diagonal keeps to one batch; take another optimizer, or another schedule$/,
  ],
  [
    { schedule: 'batch-growth:milestones=5', swa: '0.5' },
    /^swa: counts updates, which a growing batch makes fewer; take ema, or another schedule$/,
  ],
  [{ swa: '0.5', ema: '0.9' }, /^swa: averages the weights, as ema does; leave one of them out$/],
  [{ schedule: 'cosine:wramup=5' }, /^unknown option of schedule cosine 'wramup'; did you mean 'warmup'\?/],
];
for (const [given, message] of refusals) {
  test(`refuses ${JSON.stringify(given)}`, () => {
    assert.throws(
      () => recipe(given),
      (e: Error) => message.test(e.message) || assert.unreachable(e.message),
    );
  });
}

const infeasible: readonly [given: Given, message: string][] = [
  [
    { schedule: 'plateau', valSplit: '0' },
    'schedule plateau: no images are held out whose loss it could follow; give a larger valSplit, or another schedule',
  ],
  [{ earlyStop: '2', valSplit: '0' }, 'earlyStop: no images are held out for validation; give a larger valSplit'],
  [
    { optimizer: 'adam:epochs=9,sgd', epochs: '3' },
    'optimizer: sgd begins after 9 epochs, and the run of 3 epochs is over by then; give more epochs, or fewer to the optimizers before it',
  ],
  [
    { optimizer: 'adam:epochs=2,sgd', steps: '15' },
    'optimizer: sgd begins after 2 epochs, and the run of 1.5 epochs is over by then; give more steps, or fewer to the optimizers before it',
  ],
  [
    { swag: '0.5', epochs: '1' },
    'swag: 0.5 of the run of 1 epoch leaves 1 epoch to collect weights after, and it takes two; give a smaller share, or more epochs',
  ],
];
for (const [given, message] of infeasible) {
  test(`refuses before it trains ${JSON.stringify(given)}`, async () => {
    assert.is(await refusal(() => checkFeasible(recipe(given), { stepsPerEpoch: 10 })), message);
  });
}

test('takes what a run has room for', () => {
  for (const given of [
    { schedule: 'plateau', earlyStop: '2' },
    { optimizer: 'adam:epochs=2,sgd', epochs: '3' },
    { optimizer: 'adam:epochs=1,sgd', steps: '11' },
    { swag: '0.5', epochs: '3' },
  ])
    checkFeasible(recipe(given), { stepsPerEpoch: 10 });
  checkFeasible(recipe({ optimizer: 'adam:epochs=2,sgd', steps: '15' })); // how long an epoch is, is not known
});

test('a decay of 0 is asked for, none given is the rule\u2019s own', () => {
  const decayOf = (given: Given) => recipe({ optimizer: 'adamw', ...given }).optimizers[0]!.hyper.weight_decay;
  assert.equal([{}, { weightDecay: '0' }, { weightDecay: '0.02' }].map(decayOf), [0.01, 0, 0.02]);
  assert.match(recipe({ optimizer: 'adamw', weightDecay: '0' }).config.optimizer, /,weight_decay=0(,|$)/);
  assert.equal(piecesOf(recipe({ optimizer: 'sgd', weightDecay: '0' }).optimizers[0]!), []);
  // an earlier config.json has a 0 that nobody asked for, and the rule's own decay spelt out
  assert.is(decayOf({ optimizer: 'adamw:weight_decay=0.01', weightDecay: '0' }), 0.01);
});

test('early stopping watches the accuracy or the loss', async () => {
  const watched = (earlyStop: string) => recipe({ earlyStop }).earlyStop;
  assert.equal(watched('4'), { patience: 4 }); // the data decide which
  assert.equal(watched('loss:4'), { watched: 'loss', patience: 4 });
  assert.equal(watched('accuracy:patience=2'), { watched: 'accuracy', patience: 2 });
  assert.is(recipe({ earlyStop: 'loss:4' }).config.earlyStop, 'loss:4');
  assert.is(await refusal(() => watched('lost:4')), "earlyStop: 'lost' is not known; give a number of epochs, or one of accuracy, loss");
  assert.is(await refusal(() => watched('0')), 'earlyStop accuracy: patience is 0; give a whole number of at least 1');
  assert.is(await refusal(() => watched('loss')), 'earlyStop loss: patience is missing; write loss:patience=3');
  const lines = [1, 0.5, 0.6].map((loss, i) => ({ split: 'val' as const, step: i + 1, epoch: i + 1, loss, accuracy: i / 10 }));
  assert.equal(
    (['loss', 'accuracy'] as const).map(watched => stopsEarly(lines, { watched, patience: 1 })),
    [true, false],
  );
  assert.is(bestOf(lines, 'loss')!.step, 2);
});

test('early stopping counts evaluations since the best', () => {
  const lines = [0.5, 0.7, 0.6, 0.7].map((accuracy, i) => ({ split: 'val' as const, step: i + 1, epoch: i + 1, loss: 1, accuracy }));
  assert.equal(
    [1, 2, 3].map(patience => stopsEarly(lines, { watched: 'accuracy', patience })),
    [true, true, false],
  );
  assert.is(stopsEarly(lines, undefined), false);
  assert.is(stopsEarly([], { watched: 'accuracy', patience: 1 }), false);
});

test('snapshots come at the ends of cosine cycles', () => {
  const made = scheduleOf(recipe({ snapshots: '3', epochs: '6', lr: '0.1' }), 60)!;
  assert.equal(
    [0, 10, 20, 40].map(t => Number(made.at(t).lr.toFixed(6))),
    [0.1, 0.05, 0.1, 0.1],
  );
});

test('the range test stops where the loss explodes, and proposes the rate of the steepest fall', async () => {
  // falls fastest at 0.05 in log lr
  const o = { from: 1e-4, to: 1e2, steps: 200 };
  const loss = (lr: number) => 2.3 - 1.5 / (1 + (0.05 / lr) ** 2) + (lr / 3) ** 3;
  let t = 0;
  const { points, proposed } = await rangeTest(async () => loss(rangeRate(t++, o)), o);
  assert.ok(points.length < 200 && points.at(-1)!.lr > 3, `ended at ${points.at(-1)!.lr}`);
  assert.ok(proposed! > 0.03 && proposed! < 0.15, `proposed ${proposed}`); // smoothing lags behind
  assert.ok(Math.abs(rangeRate(199, o) - 1e2) < 1e-9);
  assert.is(propose(points.map(p => ({ ...p, smooth: p.lr }))), undefined);
});

test.run();
