/** Parameters whose rate has ended: nothing is computed for their gradients any more, and nothing else is different. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { opName } from '../../../engine/op.ts';
import { gelu } from '../../../layers/activation.ts';
import { sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { maxPool } from '../../../layers/pool.ts';
import type { ModelInput } from '../../../models/model.ts';
import { parseConfig } from '../../../train/config/config.ts';
import { recipeWith } from '../../../train/config/recipe.ts';
import { openTrainer } from '../../../train/run/open.ts';
import type { Trainer } from '../../../train/step/trainer.ts';
import { deviceFor } from '../../support/check.ts';
import { tinyImages } from '../../support/tiny-images.ts';

const test = suite('parameters at rest');
const dataset = tinyImages(48);
const model = {
  name: 'net',
  layer: ({ classes }: ModelInput) =>
    sequential({
      conv1: conv2d(4, 3, { pad: 1 }),
      act1: gelu(),
      conv2: conv2d(8, 3, { pad: 1 }),
      pool: maxPool(2),
      act2: gelu(),
      fc: dense(classes),
    }),
};
type Texts = Parameters<typeof parseConfig>[1];
/** Six steps an epoch. */
const BASE: Texts = {
  batchSize: '8',
  valSplit: '0',
  epochs: '3',
  optimizer: 'nesterov',
  lr: '0.05',
  lrOf: 'conv1.*=1@1',
  weightDecay: '0.01',
};
const EPOCH = 6;

async function open(texts: Texts = {}): Promise<Trainer> {
  const { trainer } = await openTrainer(recipeWith(parseConfig('net', { ...BASE, ...texts }), model), dataset, await deviceFor());
  return trainer;
}

/** All weights, bit by bit, after each of so many steps. */
async function course(trainer: Trainer, steps: number): Promise<string[]> {
  const all: string[] = [];
  for (let i = 0; i < steps; i++) {
    await trainer.step();
    const weights = Object.values(await trainer.weights());
    all.push(Buffer.concat(weights.map(({ data }) => Buffer.from(data.buffer.slice(0)))).toString('hex'));
  }
  return all;
}

/** What a step of the program does for the gradients of a layer. */
const backwardOf = ({ program }: Trainer, layer: string): string[] =>
  program.commands.map(({ op }) => opName(op)).filter(name => name === `${layer} backward`);

test('they are left out from the step on at which the rate ends, and all weights are those of a run that computes them on', async () => {
  // the norm of all gradients counts those of parameters whose rate is 0: with it each is computed to the end
  for (const texts of [{}, { accumulate: '2' }, { optimizer: 'adam', lr: '0.01' }, { optimizer: 'muon', lr: '0.01' }] satisfies Texts[]) {
    const [rests, goesOn] = [await open(texts), await open({ ...texts, clipNorm: '1e9' })];
    assert.equal(await course(rests, EPOCH), await course(goesOn, EPOCH));
    const [before, backward] = [rests.program.commands.length, backwardOf(rests, 'conv1')];
    assert.ok(backward.length > 0);
    assert.equal(await course(rests, EPOCH), await course(goesOn, EPOCH));
    assert.equal(backwardOf(rests, 'conv1'), []);
    assert.equal(backwardOf(goesOn, 'conv1'), backward);
    assert.ok(rests.program.commands.length < before - 1, `${rests.program.commands.length} dispatches, ${before} before`);
    assert.is(Math.max(...(await rests.memory.read(rests.graph.params.get('conv1.weight')!.grad)).map(Math.abs)), 0);
    for (const trainer of [rests, goesOn]) trainer.destroy();
  }
});

test('a run that is resumed behind the end goes on to the bit, and one that goes back to its beginning computes them again', async () => {
  const whole = await open();
  await course(whole, EPOCH + 2);
  const kept = [await whole.weights(), await whole.state()] as const;
  const rest = await course(whole, 3);
  const resumed = await open();
  const begun = [await resumed.weights(), await resumed.state()] as const;
  const whenBegun = await course(resumed, 2);
  await resumed.loadWeights(kept[0]);
  await resumed.loadState(kept[1]);
  assert.equal(await course(resumed, 3), rest);
  assert.equal(backwardOf(resumed, 'conv1'), []);
  await resumed.loadWeights(begun[0]);
  await resumed.loadState(begun[1]);
  assert.ok(backwardOf(resumed, 'conv1').length > 0);
  assert.equal(await course(resumed, 2), whenBegun);
  for (const trainer of [whole, resumed]) trainer.destroy();
});

test.run();
