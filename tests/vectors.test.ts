import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readTensors } from './vectors/read.ts';
import { vectorWeights } from './vectors/weights.ts';

test('the weight generators in TypeScript and Python give the same bits', () => {
  const tensors = Object.entries(readTensors('lenet5-init.safetensors'));
  assert.is(tensors.length, 10);
  for (const [name, { shape, data }] of tensors) assert.equal(vectorWeights(name, shape), data, name);
});

test.run();
