import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../../datasets/node/open.ts';
import { parseConfig } from '../../../train/config/config.ts';
import { recipeOf } from '../../../train/config/recipe-of.ts';
import { openTrainer } from '../../../train/run/open.ts';
import { imageRate } from '../../../train/step/image-rate.ts';
import { deviceFor } from '../../support/check.ts';

const test = suite('images per second');

/** A rate beside a clock that the test sets. */
function clocked() {
  let time = 0;
  const rate = imageRate(() => time);
  return { rate, wait: (ms: number) => void (time += ms) };
}

test('a steady pace is told however often one asks', () => {
  for (const every of [1, 7, 50, 400]) {
    const { rate, wait } = clocked();
    for (let step = every; step <= 2000; step += every) {
      wait(every * 8);
      assert.is(Math.round(rate.after(every * 64)), 8000, `each ${every} steps`);
    }
  }
});

test('lines that arrive together do not race: the rate is that of a second', () => {
  const { rate, wait } = clocked();
  let greatest = 0;
  for (let step = 1; step <= 400; step++) {
    if (step % 4 === 0) wait(32); // four come at once
    const told = rate.after(64);
    if (step > 200) greatest = Math.max(greatest, told);
  }
  assert.ok(greatest < 8000 * 1.04, String(greatest));
});

test('a pause does not count, nor do images before it that are told after it', () => {
  const { rate, wait } = clocked();
  wait(500);
  assert.is(rate.after(1000), 2000);
  wait(250); // 500 more, not told yet
  wait(60_000);
  rate.restart(500);
  wait(500);
  assert.is(rate.after(1500), 2000);
});

test('a trainer tells the rate of the clock, logged each step, each few or by a method that evaluates several times', async () => {
  const dataset = await openDataset('shapes', { quiet: true, limitTrain: 1600, limitTest: 16 });
  for (const [optimizer, every] of [
    ['sgd', 1],
    ['sgd', 20],
    ['lbfgs', 1],
  ] as const) {
    const config = parseConfig('mlp:hidden=64', { dataset: 'shapes', batchSize: '16', valSplit: '0', optimizer });
    const { trainer } = await openTrainer(recipeOf(config), dataset, await deviceFor());
    try {
      await trainer.step(true);
      await trainer.settle();
      const told: number[] = [];
      const start = performance.now();
      const steps = optimizer === 'lbfgs' ? 5 : 100;
      for (let step = 1; step <= steps; step++) {
        await trainer.step(step % every === 0);
        told.push(...trainer.arrived().map(l => l.images_per_s));
      }
      told.push(...(await trainer.settle()).map(l => l.images_per_s));
      const clock = (steps * 16 * 1000) / (performance.now() - start);
      assert.is(told.length, steps / every);
      const last = told.at(-1)!;
      // A method that evaluates several times does so for each step.
      const most = optimizer === 'lbfgs' ? 30 : 4;
      assert.ok(last > clock / 4 && last < clock * most, `${optimizer} logged each ${every}: ${last}, by the clock ${clock}`);
    } finally {
      trainer.destroy();
    }
  }
});

test.run();
