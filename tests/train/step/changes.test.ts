/** What changes while a run trains: to the bit as one that is stopped there and resumed with the other values. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig, withChange } from '../../../train/config/config.ts';
import { recipeOf } from '../../../train/config/recipe-of.ts';
import { openTrainer } from '../../../train/run/open.ts';
import type { Trainer } from '../../../train/step/trainer.ts';
import { deviceFor } from '../../support/check.ts';
import { longTests } from '../../support/long.ts';
import { refusal } from '../../support/refusal.ts';
import { tinyImages } from '../../support/tiny-images.ts';

const test = suite('changes of a run that trains');
const long = longTests(test);
const dataset = tinyImages(60);
type Given = Parameters<typeof parseConfig>[1];
/** Six steps an epoch, the last images of which are left out; dropout draws by step. */
const BASE = { batchSize: '9', valSplit: '0', epochs: '4', logEvery: '1' };
const MODEL = 'mlp:hidden=6,dropout=0.3';
/** Within the second epoch. */
const [K, END] = [8, 14];

const configured = (given: Given) => parseConfig(MODEL, { ...BASE, ...given });
const opened = async (given: Given) => openTrainer(recipeOf(configured(given)), dataset, await deviceFor());

/** Takes steps up to number `end`; their losses and rates. */
async function told(trainer: Trainer, end: number): Promise<[number, number][]> {
  const lines = [];
  while (trainer.steps < end) {
    await trainer.step(true);
    lines.push(...(await trainer.settle()));
  }
  return lines.map(({ loss, lr }) => [loss, lr]);
}
const bits = async (trainer: Trainer) => {
  const { tensors, counters } = await trainer.state();
  const all = Object.entries({ ...(await trainer.weights()), ...tensors });
  return [counters, all.map(([name, { data }]) => [name, Buffer.from(Uint8Array.from(new Uint8Array(data.buffer))).toString('hex')])];
};

interface Case {
  readonly given: Given;
  readonly values: Readonly<Record<string, string>>;
  /** The run that begins with the values, whose schedule goes by the same. */
  readonly afresh: Given;
}

async function agrees({ given, values, afresh }: Case, isSamePrograms: boolean): Promise<void> {
  const stopped = await opened(given);
  const before = await told(stopped.trainer, K);
  const resumed = await opened(afresh);
  await resumed.trainer.loadWeights(await stopped.trainer.weights());
  await resumed.trainer.loadState(await stopped.trainer.state());
  const after = await told(resumed.trainer, END);
  const wanted = await bits(resumed.trainer);

  // The run that was stopped goes on, changed while it is open.
  const { program } = stopped.trainer;
  const changed = withChange(stopped.recipe.config, K, values);
  await stopped.change(recipeOf(changed));
  assert.is(stopped.trainer.program === program, isSamePrograms);
  assert.equal(await told(stopped.trainer, END), after);
  assert.equal(await bits(stopped.trainer), wanted);

  // Another one knows of the change from its beginning, and is resumed beyond it.
  const known = await openTrainer(recipeOf(changed), dataset, await deviceFor());
  assert.equal(await told(known.trainer, END - 2), [...before, ...after.slice(0, -2)]);
  const late = await openTrainer(recipeOf(changed), dataset, await deviceFor());
  await late.trainer.loadWeights(await known.trainer.weights());
  await late.trainer.loadState(await known.trainer.state());
  assert.equal(await told(late.trainer, END), after.slice(-2));
  assert.equal(await bits(late.trainer), wanted);
  for (const { trainer } of [stopped, resumed, known, late]) trainer.destroy();
}

const values: Record<string, Case> = {
  'a rate and its schedule': {
    given: { optimizer: 'adam', schedule: 'cosine' },
    values: { lr: '0.02', beta1: '0.5' },
    afresh: { optimizer: 'adam:beta1=0.5', schedule: 'cosine', lr: '0.02' },
  },
  'a decay of the rule’s own': {
    given: { optimizer: 'adamw' },
    values: { weightDecay: '0.3' },
    afresh: { optimizer: 'adamw', weightDecay: '0.3' },
  },
};
for (const [name, one] of Object.entries(values)) test(`${name}: other numbers for the same programs`, () => agrees(one, true));

test('a penalty that there was not, and other augmentation: other programs on the same memory', () =>
  agrees(
    {
      given: { optimizer: 'momentum', augment: 'flip' },
      values: { weightDecay: '0.01', augment: 'noise:0.3,mixup', momentum: '0.5' },
      afresh: { optimizer: 'momentum:momentum=0.5', weightDecay: '0.01', augment: 'noise:0.3,mixup' },
    },
    false,
  ));

long('in parts, in batches that grow, with an average, by K-FAC and by L-BFGS', async () => {
  const grown = { schedule: 'batch-growth:milestones=3,times=2' };
  const others: [Case, boolean][] = [
    [{ given: { accumulate: '3', ema: '0.9' }, values: { lr: '0.02' }, afresh: { accumulate: '3', ema: '0.9', lr: '0.02' } }, true],
    [{ given: grown, values: { augment: 'flip' }, afresh: { ...grown, augment: 'flip' } }, false],
    [
      {
        given: { optimizer: 'kfac:every=3' },
        values: { damping: '0.1', augment: 'flip' },
        afresh: { optimizer: 'kfac:every=3,damping=0.1', augment: 'flip' },
      },
      false,
    ],
    [{ given: { optimizer: 'lbfgs' }, values: { weightDecay: '0.1' }, afresh: { optimizer: 'lbfgs', weightDecay: '0.1' } }, false],
  ];
  for (const [one, isSamePrograms] of others) await agrees(one, isSamePrograms);
});

test('metrics since the last logged step go on over a change', async () => {
  const { trainer, change } = await opened({ optimizer: 'sgd' });
  const { trainer: whole } = await opened({ optimizer: 'sgd' });
  for (const one of [trainer, whole]) for (let t = 0; t < 3; t++) await one.step();
  await change(recipeOf(withChange(configured({ optimizer: 'sgd' }), 3, { augment: 'flip' })));
  await change(recipeOf(configured({ optimizer: 'sgd' })));
  for (const one of [trainer, whole]) await one.step(true);
  const [a, b] = [await trainer.settle(), await whole.settle()].map(lines => lines.map(({ images_per_s: _, ...line }) => line));
  assert.equal(a, b);
  for (const one of [trainer, whole]) one.destroy();
});

test('a schedule that follows the loss has fallen as often after a change as before', async () => {
  const given = { optimizer: 'sgd', lr: '0.1', schedule: 'plateau:factor=0.5,patience=0' };
  const { trainer, change } = await opened(given);
  for (const loss of [1, 2, 3]) trainer.observe(loss);
  await change(recipeOf(withChange(configured(given), 0, { lr: '0.8' })));
  assert.equal(
    (await told(trainer, 1)).map(([, lr]) => lr),
    [0.2],
  );
  trainer.observe(4);
  assert.is(trainer.rate, 0.1);
  trainer.destroy();
});

test('what cannot be is refused in a line, and the run goes on as before', async () => {
  const { trainer, change } = await opened({ optimizer: 'sgd', lr: '0.1' });
  const asked = withChange(configured({ optimizer: 'sgd' }), 0, { augment: 'crop:12' });
  assert.is(await refusal(() => change(recipeOf(asked))), 'augment: crop: padding 12 does not fit images of 12x12; give 1 to 11');
  assert.equal(
    (await told(trainer, 1)).map(([, lr]) => lr),
    [0.1],
  );
  trainer.destroy();
});

test('a number of steps that is none is not gone on from', async () => {
  const { trainer } = await opened({});
  for (const none of [-3, 2.5, NaN, '4' as unknown as number])
    assert.match(await refusal(() => trainer.skipTo(none)), /^skipTo: it is ('4'|-3|2\.5|NaN); give a whole number from 0 on$/);
  assert.is(trainer.steps, 0);
  trainer.destroy();
});

test.run();
