import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readFileSync } from 'node:fs';
import { vectorWeights } from './vectors/weights.ts';

/** The float32 tensors of a safetensors file that the vector scripts wrote (trusted, unlike a user's: no checks). */
function tensors(file: string): Map<string, { shape: number[]; data: Float32Array }> {
  const raw = readFileSync(new URL(`./vectors/${file}`, import.meta.url));
  const start = 8 + Number(raw.readBigUInt64LE(0));
  const header = JSON.parse(raw.toString('utf8', 8, start)) as Record<string, { shape: number[]; data_offsets: [number, number] }>;
  return new Map(Object.entries(header).map(([name, { shape, data_offsets: [from, to] }]) => {
    return [name, { shape, data: new Float32Array(new Uint8Array(raw.subarray(start + from, start + to)).buffer) }];
  }));
}

test('the weight generators in TypeScript and Python give the same bits', () => {
  const file = tensors('lenet5-init.safetensors');
  assert.is(file.size, 10);
  for (const [name, { shape, data }] of file) assert.equal(vectorWeights(name, shape), data, name);
});

test.run();
