/** A run of a program that is seen to take long goes in several submits. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../datasets/node/open.ts';
import { Device } from '../../engine/device.ts';
import { openAdapter } from '../../engine/node/adapters.ts';
import { divided, Stopwatch, stopwatchFor, type Piece } from '../../engine/pace.ts';
import { lenet5 } from '../../models/lenet.ts';
import { rules } from '../../optim/index.ts';
import { optimizer } from '../../optim/optimizer.ts';
import { openData } from '../../train/data/data.ts';
import { Trainer } from '../../train/step/trainer.ts';

const test = suite('pace');

test('a piece is divided at dispatches, down to one of them', () => {
  const whole: Piece = { first: 0, end: 10 };
  const three = divided([whole], whole, 3);
  assert.equal(three, [
    { first: 0, end: 3 },
    { first: 3, end: 7 },
    { first: 7, end: 10 },
  ]);
  assert.equal(divided(three, three[1]!, 2), [three[0], { first: 3, end: 5 }, { first: 5, end: 7 }, three[2]]);
  assert.equal(divided([{ first: 4, end: 5 }], { first: 4, end: 5 }, 9), [{ first: 4, end: 5 }]);
  assert.is(divided(three, whole, 2).length, 3); // it was divided already
  const one: Piece = { first: 4, end: 5 };
  assert.equal(divided([one], one, 9), [one]);
});

test('a submit is measured from the end of the one before it, if that was later', async () => {
  const times = [0, 10, 300, 350];
  const watch = new Stopwatch(200, () => times.shift()!);
  let finish = () => {};
  const first = watch.measure(new Promise<void>(done => (finish = done)));
  const second = watch.measure(Promise.resolve().then(() => first));
  finish();
  assert.equal([await first, await second], [300, 50]);
  const lost = new Stopwatch(200);
  assert.is(await lost.measure(Promise.reject(new Error('lost'))), undefined);
});

test('software adapters are not measured, GPUs from 200 ms on', () => {
  assert.equal([stopwatchFor(true).longest, stopwatchFor(false).longest], [Infinity, 200]);
});

/** Submits with dispatches, step by step, and what came of the steps. `slow` says how long the device seems to take for each submit. */
async function trained(slow: number | undefined) {
  const device = await Device.open(await openAdapter());
  let now = 0;
  if (slow !== undefined) device.stopwatch = new Stopwatch(200, () => (now += slow / 2)); // asked when it begins and when it ends
  const dataset = await openDataset('shapes', { limitTrain: 100, limitTest: 10, quiet: true });
  const data = await openData(dataset, { normalize: 'meanstd' });
  const model = lenet5({ classes: 10, shape: dataset.shape });
  const trainer = await Trainer.create({ device, data, model, batchSize: 16, optimizer: optimizer(rules.adam!), seed: 3 });
  const { queue } = device.gpu;
  const submit = queue.submit.bind(queue);
  let submits = 0;
  queue.submit = buffers => {
    submits++;
    submit(buffers);
  };
  const counts: number[] = [];
  const lines = [];
  for (let step = 0; step < 5; step++) {
    submits = 0;
    await trainer.step(true);
    counts.push(submits);
    lines.push(...(await trainer.settle()));
  }
  const weights = await trainer.weights();
  const { length } = trainer.program.commands;
  device.close();
  return { counts, length, losses: lines.map(l => l.loss), weights };
}

test('a step that a GPU takes long for goes in several submits from then on, and the bits stay', async () => {
  const [usual, quick, slow] = [await trained(undefined), await trained(100), await trained(2400)];
  assert.equal(usual.counts, [1, 1, 1, 1, 1]);
  assert.equal(quick.counts, [1, 1, 1, 1, 1]);
  assert.is(slow.counts[0], 1);
  assert.ok(slow.counts[1]! >= 6, `submits ${slow.counts}`);
  assert.is(slow.counts.at(-1), slow.length); // each dispatch by itself seems to take long: no more can be done
  for (const { losses, weights } of [quick, slow]) assert.equal({ losses, weights }, { losses: usual.losses, weights: usual.weights });
});

test.run();
