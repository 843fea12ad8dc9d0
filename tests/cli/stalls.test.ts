import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../datasets/node/open.ts';
import { parseConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { openTrainer } from '../../train/run/open.ts';
import type { Trainer } from '../../train/step/trainer.ts';
import { deviceFor, testWhere } from '../support/check.ts';

const test = suite('no stalls');
const dataset = await openDataset('shapes', { limitTrain: 4000, limitTest: 10, quiet: true });
const { f16 } = (await deviceFor()).profile; // WebGPU's names are global from here on

const MAKERS = [
  'createBuffer',
  'createBindGroup',
  'createBindGroupLayout',
  'createShaderModule',
  'createComputePipeline',
  'createComputePipelineAsync',
];

/** Calls of WebGPU while `f` runs, by name, and the most submits that were not done yet. */
async function calls(f: () => Promise<void>): Promise<Record<string, number>> {
  const counts: Record<string, number> = { flying: 0 };
  const undo: (() => void)[] = [];
  const count = (prototype: object, name: string, then: (result: unknown) => void = () => undefined) => {
    const own = Reflect.get(prototype, name) as (...args: unknown[]) => unknown;
    counts[name] = 0;
    Reflect.set(prototype, name, function (this: unknown, ...args: unknown[]) {
      counts[name]!++;
      const result = own.apply(this, args);
      then(result);
      return result;
    });
    undo.push(() => Reflect.set(prototype, name, own));
  };
  for (const name of MAKERS) count(GPUDevice.prototype, name);
  count(GPUBuffer.prototype, 'mapAsync');
  count(GPUQueue.prototype, 'writeBuffer');
  let submitted = 0;
  let done = 0;
  count(GPUQueue.prototype, 'submit', () => {
    counts.flying = Math.max(counts.flying!, ++submitted - done);
  });
  count(GPUQueue.prototype, 'onSubmittedWorkDone', finished => {
    const upTo = submitted;
    void (finished as Promise<unknown>).then(() => {
      done = Math.max(done, upTo);
    });
  });
  try {
    await f();
  } finally {
    for (const u of undo) u();
  }
  return counts;
}

async function open(more: Readonly<Record<string, string>> = {}): Promise<Trainer> {
  const config = parseConfig('lenet5', { dataset: 'shapes', batchSize: '32', valSplit: '0', ...more });
  return (await openTrainer(recipeOf(config), dataset, await deviceFor())).trainer;
}

for (const [what, more, expected] of [
  ['f32', {}, { submit: 20, writeBuffer: 20 }],
  ['f16 with clipping and an average', { precision: 'f16', clipNorm: '1', ema: '0.9' }, { submit: 20, writeBuffer: 20 }],
  ['checkpointed activations', { checkpointActivations: 'true' }, { submit: 20, writeBuffer: 20 }],
  ['two parts a batch', { accumulate: '2' }, { submit: 60, writeBuffer: 60 }],
] as const) {
  const able = testWhere(test, !('precision' in more) || f16, 'this adapter has no shader-f16');
  able(`20 steps, ${what}: one submit and one small write a program, nothing made, nothing read back`, async () => {
    const trainer = await open(more);
    for (let i = 0; i < 3; i++) await trainer.step(true);
    await trainer.settle();
    const bytes = trainer.memory.bytes;
    const seen = await calls(async () => {
      for (let i = 0; i < 20; i++) await trainer.step();
    });
    const { flying, onSubmittedWorkDone, ...rest } = seen;
    assert.equal(rest, { ...Object.fromEntries(MAKERS.map(name => [name, 0])), mapAsync: 0, ...expected });
    assert.is(onSubmittedWorkDone, 20);
    assert.ok(flying! <= (2 * expected.submit) / 20, `${flying} submits in flight`);
    assert.is(trainer.memory.bytes, bytes);
    await trainer.settle();
    trainer.destroy();
  });
}

test('a logged step maps one small buffer, which is used again', async () => {
  const trainer = await open();
  for (let i = 0; i < 6; i++) await trainer.step(i % 2 === 0);
  await trainer.settle();
  const seen = await calls(async () => {
    for (let i = 0; i < 20; i++) {
      await trainer.step(i % 5 === 0);
      trainer.arrived();
    }
  });
  assert.is(seen.mapAsync, 4);
  assert.is(seen.createBuffer, 0);
  assert.is(seen.submit, 20, 'the copy is part of the step');
  await trainer.settle();
  trainer.destroy();
});

test.run();
