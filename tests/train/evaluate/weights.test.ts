/** Weights that are not a model's own in every name and shape, and what a file of weights says of itself. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Graph } from '../../../engine/graph.ts';
import { Memory } from '../../../engine/memory.ts';
import { sequential } from '../../../layers/compose.ts';
import { dense } from '../../../layers/dense.ts';
import { writeWeights, type LoadOptions } from '../../../train/evaluate/match.ts';
import { readTensors, savedOf } from '../../../train/evaluate/weights.ts';
import { factsIn, metadataOf } from '../../../train/run/metadata.ts';
import type { Tensors } from '../../../train/run/safetensors.ts';
import { deviceFor } from '../../support/check.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('weights');
const device = await deviceFor();

const g = new Graph({ training: false, profile: device.profile });
sequential({ body: dense(3), fc: dense(2) })(g, g.persistent('input', 'x', [1, 4]));
const own = savedOf(g);
const tensor = (shape: readonly number[], value: number) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)).fill(value) });
const all = (prefix = ''): Tensors => ({
  [`${prefix}body.weight`]: tensor([3, 4], 7),
  [`${prefix}body.bias`]: tensor([3], 8),
  [`${prefix}fc.weight`]: tensor([2, 3], 9),
  [`${prefix}fc.bias`]: tensor([2], 10),
});
const { 'fc.weight': _, 'fc.bias': __, ...headless } = all();

/** What is said of weights, and which tensors of the model they became. */
async function load(tensors: Tensors, options?: LoadOptions) {
  const memory = new Memory(device);
  memory.reserve(g);
  memory.allocate(g);
  const loaded = writeWeights(memory, own, tensors, options);
  const now = await readTensors(memory, own);
  memory.destroy();
  return { ...loaded, set: Object.keys(now).filter(name => now[name]!.data.every(v => v >= 7)) };
}

const ALL = ['body.weight', 'body.bias', 'fc.weight', 'fc.bias'];
const nothing = { missing: [], unexpected: [], mismatched: [] };

test('all of a model, and what PyTorch counts beside it', async () => {
  assert.equal(await load({ ...all(), 'bn.num_batches_tracked': tensor([1], 0) }), { ...nothing, set: ALL });
});

test('a new head: the old one is skipped, in the file or not', async () => {
  const skip = /^fc\./;
  for (const tensors of [headless, all(), { ...all(), 'fc.weight': tensor([1000, 3], 9) }]) {
    assert.equal(await load(tensors, { skip }), { ...nothing, set: ['body.weight', 'body.bias'] });
  }
});

test('names of another program', async () => {
  const rename = (name: string) => name.replace('module.', '');
  assert.equal(await load(all('module.'), { rename }), { ...nothing, set: ALL });
  assert.match(await refusal(() => load({ ...all('module.'), ...all() }, { rename })), /^weights: two tensors are called 'body\.weight'/);
});

test('what does not fit is left out and told where that is allowed', async () => {
  const tensors = { ...headless, 'fc.weight': tensor([5, 3], 9), 'aux.weight': tensor([1], 1) };
  const said = { missing: ['fc.bias'], unexpected: ['aux.weight'], mismatched: ['fc.weight'] };
  assert.equal(await load(tensors, { strict: false }), { ...said, set: ['body.weight', 'body.bias'] });
});

test('else it is an error, and so is a file of which nothing fits', async () => {
  const said = (tensors: Tensors, options?: LoadOptions) => refusal(() => load(tensors, options));
  assert.match(await said(headless), /^weights: tensor 'fc\.weight' \[2, 3\] is missing; the file has body\.weight/);
  assert.match(await said({ ...all(), 'aux.weight': tensor([1], 1) }), /^weights: tensor 'aux\.weight' is not in this model/);
  assert.match(await said({ ...all(), 'fc.bias': tensor([5], 1) }), /'fc\.bias' has shape \[5\], the model has \[2\]/);
  assert.match(await said(all('module.'), { strict: false }), /^weights: none of module\.body\.weight, .* is of this model; it has body/);
  assert.match(await said({}), /^weights: tensor 'body\.weight' .* is missing; the file has none$/);
  assert.match(await said({}, { strict: false }), /^weights: there are none of this model; it has /);
  assert.match(await said(all(), { skip: 'fc' as unknown as RegExp }), /^skip: it is 'fc'; give a regular expression/);
});

test('what a file says of itself comes back, and nothing that was not said', () => {
  const facts = {
    model: 'lenet5',
    dataset: 'mine',
    shape: [1, 28, 28],
    classes: ['a', 'b "c"'],
    dtype: 'float32',
    normalize: 'meanstd',
    moments: { mean: [0.5], std: [0.25] },
  } as const;
  const metadata = metadataOf(facts);
  assert.equal(metadata, {
    format: 'pt',
    model: 'lenet5',
    dataset: 'mine',
    shape: '[1,28,28]',
    classes: '["a","b \\"c\\""]',
    dtype: 'float32',
    normalize: 'meanstd',
    moments: '{"mean":[0.5],"std":[0.25]}',
  });
  assert.equal(factsIn(metadata, 'f'), facts);
  assert.equal(metadataOf({ dtype: 'uint8', normalize: 'none', moments: facts.moments }), { format: 'pt', normalize: 'none' });
});

test('what a file says wrongly is told by key', async () => {
  const said = (metadata: Record<string, string>) => refusal(() => factsIn(metadata, 'f'));
  assert.match(await said({ shape: '[28,28]' }), /^f: its shape is \[28,28\]; write \[channels, height, width\]$/);
  assert.match(await said({ shape: '[1,0,28]' }), /^f: its shape is/);
  assert.match(await said({ classes: '"abc"' }), /^f: its classes is "abc"; write an array of names$/);
  assert.match(await said({ classes: '[]' }), /^f: its classes is/);
  assert.match(await said({ moments: '{"mean":[1]}' }), /^f: its moments is/);
  assert.match(await said({ moments: 'null' }), /^f: its moments is null; /);
  assert.match(await said({ moments: '{"mean":[1],"std":[1,2]}' }), /^f: its moments is/);
  assert.match(await said({ shape: '{' }), /^f: its shape is not valid JSON; /);
  assert.match(await said({ dtype: 'f16' }), /^f: its dtype is 'f16'; /);
});

test.run();
