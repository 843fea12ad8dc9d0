/** What changes while a run trains, as a text: what it may be, what holds from which step on, and what it is to change back. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatChanges, madeBefore, parseChanges } from '../../../train/config/changes.ts';
import { configAfter, configFromJson, parseConfig, withChange } from '../../../train/config/config.ts';
import { recipeOf } from '../../../train/config/recipe-of.ts';
import { checkGoesOn } from '../../../train/fit/read-checkpoint.ts';
import { rateCurve } from '../../../train/run/rates.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('changes');
type Given = Parameters<typeof parseConfig>[1];
const config = (given: Given) => recipeOf(parseConfig('lenet5', given)).config;

test('a text is read in the order of its steps, and written as one reads it', () => {
  const read = parseChanges('x', '600:augment=crop:2,mode=wrap,flip ;40 : lr=0.01  weightDecay=1e-4 beta1=0.8');
  assert.equal(read, [
    { after: 40, values: { lr: '0.01', weightDecay: '1e-4', beta1: '0.8' } },
    { after: 600, values: { augment: 'crop:2,mode=wrap,flip' } },
  ]);
  const text = '40: lr=0.01 weight-decay=1e-4 beta1=0.8; 600: augment=crop:2,mode=wrap,flip';
  assert.is(formatChanges(read), text);
  assert.equal(parseChanges('x', text), read);
  assert.is(madeBefore({ changes: text }, 600), '40: lr=0.01 weight-decay=1e-4 beta1=0.8');
  assert.is(madeBefore({ changes: text }, 40), undefined);
});

for (const [changes, message, more = {}] of [
  ['lr=0.01', "changes: 'lr=0.01' is no step with what changes after it; write 400: lr=0.01 weight-decay=1e-4; 600: augment=none"],
  ['400:', "changes: '400:' is no step with what changes after it; write 400: lr=0.01 weight-decay=1e-4; 600: augment=none"],
  ['4.5: lr=1', 'changes: the step: 4.5 is not a whole number; give a whole number of at least 0'],
  ['4: lr=1 lr=2', 'changes: lr is given twice for one step; give it once'],
  ['4: lr=1; 4: beta1=0.8', 'changes: step 4 comes twice; write all that changes there with spaces between'],
  ['4: lr=fast', "changes: lr: 'fast' is not a number; give a number of at least 0"],
  ['4: weight-decay=-1', 'changes: weight-decay: -1 is out of range; give a number of at least 0'],
  ['4: beta1=2', 'changes after step 4: adam: beta1 is 2; give a number of at least 0 and below 1'],
  ['4: momentum=0.5', /^changes after step 4: optimizer: adam has no momentum, it has lr, beta1, beta2, eps; take optimizer/],
  ['4: batchSize=8', /^changes after step 4: unknown hyper-parameter of adam 'batchSize'; known: /],
  ['4: augment=crp', /^changes after step 4: unknown augmentation 'crp'; did you mean 'crop'\?/],
  [
    '4: centered=1',
    'changes after step 4: centered: rmsprop would keep another past by it; begin a new run with it',
    { optimizer: 'rmsprop' },
  ],
  [
    '4: lr=1',
    'changes after step 4: lr: the run has several optimizers, one after another; begin a new run where one of them is over',
    { optimizer: 'adam:epochs=1,sgd' },
  ],
  ['4: lr=1', 'changes: are of a run that trains alone; leave out distribute', { distribute: 'sync' }],
] as [string, string | RegExp, Given?][]) {
  test(`refuses '${changes}'${Object.keys(more).length ? ` of ${Object.values(more).join()}` : ''}`, async () => {
    const said = await refusal(() => config({ ...more, changes }));
    if (typeof message === 'string') assert.is(said, message);
    else assert.match(said, message);
  });
}

test('each step has what was changed up to it, and config.json says it again', () => {
  const asked = config({
    optimizer: 'adamw',
    lr: '0.1',
    augment: 'crop',
    changes: '9: lr=0.5 weight-decay=0.3; 4: beta1=0.5 augment=none',
  });
  const seen = (step: number) => {
    const { lr, augment, optimizer, changes } = configAfter(asked, step);
    return [lr, augment, optimizer.replace(/,eps.*?,/, ','), changes];
  };
  assert.equal(seen(3), [0.1, 'crop', 'adamw:beta1=0.9,beta2=0.999,weight_decay=0.01,amsgrad=0', undefined]);
  assert.equal(seen(4), [0.1, undefined, 'adamw:beta1=0.5,beta2=0.999,weight_decay=0.01,amsgrad=0', undefined]);
  assert.equal(seen(9), [0.5, undefined, 'adamw:beta1=0.5,beta2=0.999,weight_decay=0.3,amsgrad=0', undefined]);
  assert.equal(recipeOf(configFromJson(JSON.parse(JSON.stringify(asked)), 'config.json')).config, asked);
  const of = recipeOf(asked).changes!;
  assert.equal(
    of.map(({ after, optimizers, augment }) => [after, optimizers[0]!.hyper.weight_decay, augment]),
    [
      [4, 0.01, undefined],
      [9, 0.3, undefined],
    ],
  );
});

test('to change back at the same step is no change, at a later one it is one; what comes after stays', () => {
  const run = config({ lr: '0.1', weightDecay: '0' });
  const once = withChange(run, 4, { lr: '0.5', weightDecay: '1e-3' });
  assert.is(once.changes, '4: lr=0.5 weight-decay=1e-3');
  assert.is(withChange(once, 4, { lr: '0.10' }).changes, '4: weight-decay=1e-3');
  assert.equal(withChange(withChange(once, 4, { lr: '0.1' }), 4, { weightDecay: '0' }).changes, undefined);
  assert.is(withChange(once, 7, { lr: '0.1', weightDecay: '0.001' }).changes, '4: lr=0.5 weight-decay=1e-3; 7: lr=0.1');
  assert.is(withChange(once, 2, { beta1: '0.5', lr: '0.1' }).changes, '2: beta1=0.5; 4: lr=0.5 weight-decay=1e-3');
});

test('a run that goes on from a checkpoint keeps what was changed before it; what is still to come may be another', async () => {
  const asked = (changes?: string) => config({ changes });
  const goesOn = (changes: string | undefined, step: number) => {
    const checkpoint = { weights: {}, state: { tensors: {}, counters: { steps: step } }, fitted: { evaluated: [] } };
    checkGoesOn({ ...checkpoint, config: asked('4: lr=0.5; 9: lr=0.1') }, asked(changes));
  };
  goesOn('4: lr=0.5; 12: beta1=0.5', 9);
  goesOn(undefined, 4);
  assert.is(
    await refusal(() => goesOn('5: lr=0.5', 9)),
    'resume: changes was 4: lr=0.5, now it is 5: lr=0.5; a run that goes on keeps its options, only epochs, steps, logEvery and later changes may change',
  );
});

test('the rates that are drawn before a run begins are changed at their steps', () => {
  const curve = rateCurve(recipeOf(config({ lr: '0.1', schedule: 'step:step_size=4,gamma=0.5', steps: '9', changes: '6: lr=1' })), 640);
  assert.equal(
    Array.from({ length: 9 }, (_, i) => curve.rateAt(i + 1)),
    [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.5, 0.5, 0.25],
  );
});

test.run();
