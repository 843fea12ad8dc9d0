/** What is wrong with a model, data or options given to fit is said in one line. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  dense,
  fit,
  rules,
  sequential,
  unflatten,
  type FitOptions,
  type Graph,
  type Model,
  type Samples,
  type Tensor,
} from '../../../index.ts';
import { useNode } from '../../../train/run/node/platform.ts';
import { refused } from '../../support/refusal.ts';
import { data, images, labels, net, quick } from '../../support/rows.ts';

const test = suite('mistakes in fit');
test.before(useNode);

const said = async (model: unknown, samples: unknown, options: unknown = {}) =>
  (await refused(async () => fit(model as Model, samples as Samples, options as FitOptions).done)).message;

test('an error of the program in a handler ends the run, and says itself', async () => {
  const run = fit(net, data, {
    ...quick,
    onEpoch() {
      throw new Error('mine');
    },
  });
  assert.is(((await run.done.catch((error: unknown) => error)) as Error).message, 'mine');
  assert.is((await refused(() => run.checkpoint())).message, 'checkpoint: the run failed; await run.done, which says why');
  await run.pause(); // of a run that failed nothing is left to hold
  const told: number[] = [];
  const later = fit(net, data, {
    ...quick,
    epochs: 50,
    async onEpoch({ epoch }) {
      told.push(epoch);
      if (epoch === 2) throw new Error('mine, from a promise');
    },
  });
  assert.is(((await later.done.catch((error: unknown) => error)) as Error).message, 'mine, from a promise');
  assert.ok(told.length < 10, `it went on for ${told.length} epochs`);
  const seen: unknown[] = [];
  try {
    for await (const event of fit(net, { images, labels: labels.slice(1) })) seen.push(event);
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).message, 'labels: 119 for 120 images; give one for each');
  }
});

const schedule = { at: () => ({ lr: 0.1 }) };
const mistakes: readonly [what: string, model: unknown, samples: unknown, options: unknown, message: RegExp][] = [
  [
    'two rates',
    net,
    data,
    { lr: 0.1, optimizer: { name: 'adam', lr: 0.01 } },
    /^lr 0\.1: there is optimizer adam:lr=0\.01 too; leave one of the two out$/,
  ],
  [
    'two weight decays',
    net,
    data,
    { weightDecay: 0.1, optimizer: 'adamw:weight_decay=0.01' },
    /^weightDecay 0\.1: there is optimizer adamw:weight_decay=0\.01 too; leave one of the two out$/,
  ],
  ['two lengths', net, data, { steps: 100, epochs: 5 }, /^steps: the run is of 100 steps, and of 5 epochs; leave one of the two out$/],
  [
    'a rate beside a schedule of its own',
    net,
    data,
    { lr: 0.1, schedule },
    /^lr: the schedule is one of your own, which gives the rate itself; /,
  ],
  [
    "an optimizer's rate beside a schedule of its own",
    net,
    data,
    { optimizer: { name: 'adam', lr: 0.1 }, schedule },
    /^optimizer: adam has lr: the schedule is one of your own, which gives the rate itself; /,
  ],
  [
    'drawn weights beside given ones',
    net,
    data,
    { initScheme: 'he-normal', init: {} },
    /^initScheme he-normal: init gives all first weights; leave it out, or make the classifier anew by head new$/,
  ],
  ['an unknown model', 'lenet6', data, {}, /^unknown model 'lenet6'; did you mean 'lenet5'\? known: mlp, /],
  [
    'no model',
    undefined,
    data,
    {},
    /^model: it is undefined; give a name as 'lenet5' .*, or a function of \{ classes, shape \} that returns a layer$/,
  ],
  [
    'a layer as the model',
    dense(3),
    data,
    {},
    /^model: its function fails: .*; give a name .*, or a function of \{ classes, shape \} that returns a layer$/,
  ],
  [
    'a module that is not there',
    new URL('nowhere.mjs', import.meta.url),
    data,
    {},
    /^model: file:.*\/nowhere\.mjs cannot be imported \(.*\); give the address of a module$/,
  ],
  ['a model that gives nothing', () => undefined, data, {}, /^model: its function returns undefined, which is no layer; give a name/],
  [
    'a model of too few outputs',
    () => dense(2),
    data,
    quick,
    /^model: its output is \[24, 2\], expected \[24, 3\] for 3 classes; end it with dense\(3\)$/,
  ],
  [
    'a layer that passes no gradient on',
    () => sequential({ a: dense(6), cut: (g: Graph, x: Tensor) => g.map('2 * v', x), b: dense(3) }),
    data,
    quick,
    /^a\.weight: the loss has no gradient by it; give reshape\(g, x, shape\) where g\.view\(\) stands, /,
  ],
  [
    'outputs that only want another shape',
    () => sequential({ a: dense(3), b: unflatten([3, 1, 1]) }),
    data,
    quick,
    /^model: its output is \[24, 3, 1, 1\], expected \[24, 3\] for 3 classes; end it with flatten\(\)$/,
  ],
  ['unknown data', net, 'no-such-set', {}, /^(unknown dataset|dataset) 'no-such-set'/],
  ['no data', net, undefined, {}, /^data: it is undefined; give \{ images, labels \} or \{ images, targets \}, or the name of a data set$/],
  [
    'a rule',
    net,
    data,
    { optimizer: rules.sgd },
    /^optimizer: it is the rule sgd; give optimizer\(rule, { lr }\), or its name, as 'adam'$/,
  ],
  [
    'a loss that tells no gradient',
    net,
    data,
    { loss: () => undefined },
    /^loss: it returned no gradient; return that of the outputs where/,
  ],
  ['an option that does not exist', net, data, { learningRate: 1 }, /^unknown option of fit 'learningRate'; known: optimizer, lr, /],
  ['an option that is misspelt', net, data, { epoch: 1 }, /^unknown option of fit 'epoch'; did you mean 'epochs'\?/],
  ['what a program does otherwise', net, data, { distribute: 'sync' }, /^unknown option of fit 'distribute'; /],
  ['options that are none', net, data, 5, /^fit: its options are 5; give an object, as \{ epochs: 5 \}$/],
  ['epochs of a half', net, data, { epochs: 0.5 }, /^epochs: 0\.5 is not a whole number; give a whole number/],
  ['NaN', net, data, { lr: NaN }, /^lr: 'NaN' is not a number; give /],
  ['a batch that is too large', net, data, { batchSize: 200 }, /^batchSize: 200 is more than the 108 training images; give 1 to 108$/],
  ['an optimizer that is a function', net, data, { optimizer: () => 0 }, /^optimizer: it is a function; give a name, as 'adam'/],
  [
    'an augmentation that is a function',
    net,
    data,
    { augment: ['crop', () => 0] },
    /^augment: it is a function; give a name, as 'crop', or an object, as { name: 'crop', padding: 4 }$/,
  ],
  ['an optimizer without a name', net, data, { optimizer: { lr: 1 } }, /^optimizer: it is an object of lr; give a name/],
  ['an unknown optimizer', net, data, { optimizer: 'adma' }, /^unknown optimizer 'adma'; /],
  ['a hyper-parameter that does not exist', net, data, { optimizer: { name: 'adam', beta3: 1 } }, /beta3/],
  [
    'a hyper-parameter that is no number',
    net,
    data,
    { optimizer: { name: 'adam', lr: [1] } },
    /^optimizer: adam: lr: it is of the class Array; /,
  ],
  ['an unknown loss', net, data, { loss: 'mes' }, /^loss: 'mes' is not known; /],
  ['an unknown normalisation', net, data, { normalize: 'mean-std' }, /^normalize: 'mean-std' is not known; did you mean 'meanstd'\?/],
  ['colours of a table', net, data, { augment: 'brightness' }, /^augment: /],
  [
    'early stopping on nothing',
    net,
    data,
    { earlyStop: '2', valSplit: 0 },
    /^earlyStop: no images are held out for validation; give a larger valSplit$/,
  ],
  ['an optimizer that never comes', net, data, { optimizer: 'adam:epochs=9,sgd', epochs: 3 }, /^optimizer: sgd begins after 9 epochs, /],
  ['a loss that overflows', net, data, { ...quick, optimizer: 'sgd:lr=1e30', epochs: 9 }, /^the loss is .*; lower lr, or run with debug, /],
  [
    'the same, debugged',
    net,
    data,
    { ...quick, optimizer: 'sgd:lr=1e30', epochs: 9, debug: true },
    /^NaN or infinity at step \d+, first in /,
  ],
  ['a checkpoint that is none', net, data, { resume: new Uint8Array(3) }, /^resume: 3 bytes are too few for a safetensors header; /],
  ['a signal that is none', net, data, { signal: {} }, /^signal: it is an object of nothing; give an AbortController's signal$/],
];
for (const [what, model, samples, options, message] of mistakes) {
  test(`${what}: an error that says so`, async () => assert.match(await said(model, samples, options), message));
}

test.run();
