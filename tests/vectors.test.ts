import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readFileSync } from 'node:fs';
import { decodeSafetensors } from '../train/safetensors.ts';
import { vectorWeights } from './vectors/weights.ts';

test('the weight generators in TypeScript and Python give the same bits', () => {
  const file = 'lenet5-init.safetensors';
  const { tensors } = decodeSafetensors(readFileSync(new URL(`./vectors/${file}`, import.meta.url)), file);
  assert.is(Object.keys(tensors).length, 10);
  for (const [name, { shape, data }] of Object.entries(tensors)) assert.equal(vectorWeights(name, shape), data, name);
});

test.run();
