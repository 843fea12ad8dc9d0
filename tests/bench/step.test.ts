/** `descent bench step` on a trainer whose steps take what a scripted clock says. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { benchStep, type StepResult } from '../../bench/step.ts';
import type { Trainer } from '../../train/step/trainer.ts';

const test = suite('bench step');

/** What is measured of steps of `ms` by a clock of whole multiples of `tick` ms. */
async function measured(ms: number, tick: number): Promise<StepResult> {
  const { now } = performance;
  let at = 0;
  let steps = 0;
  const trainer = {
    program: { commands: [], plan: {} },
    device: { report: { software: false }, gpu: { queue: {} } },
    memory: {},
    step: async () => {
      assert.ok(++steps < 1e5, 'no end of steps');
      at += ms;
    },
    settle: async () => undefined,
  };
  performance.now = () => Math.floor(at / tick) * tick;
  try {
    return await benchStep(trainer as unknown as Trainer, 64);
  } finally {
    performance.now = now;
  }
}

for (const [ms, tick] of [
  [0.3, 1], // Safari
  [0.3, 100], // Firefox against fingerprinting
  [0.02, 1],
  [150, 0.001],
  [3000, 0.001],
] as const) {
  test(`steps of ${ms} ms by a clock of ${tick}`, async () => {
    const { ms: found, best, idle, imagesPerSecond } = await measured(ms, tick);
    assert.ok(Math.abs(found / ms - 1) < 0.3, `${found} ms`);
    assert.ok(idle > 0 && idle <= best && best <= found, `${idle} ms at least`);
    assert.is(imagesPerSecond, (64 / found) * 1000);
  });
}

test.run();
