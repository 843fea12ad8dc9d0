/** Every reader of bytes or texts from outside either succeeds or throws the project's error, whatever it is given. */
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import { readCifar } from '../../datasets/cifar.ts';
import { parseIdxImages, parseIdxLabels } from '../../datasets/idx.ts';
import { CIFAR_SHAPE } from '../../datasets/kinds.ts';
import { tarFiles } from '../../datasets/tar.ts';
import { DescentError } from '../../engine/check.ts';
import { Graph } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { DEFAULT_PROFILE } from '../../shaders/kernel/kernel.ts';
import { configFromJson, parseConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { parseSpecs } from '../../engine/spec.ts';
import { modelOf } from '../../train/onnx/import.ts';
import { decodeOnnx, encodeOnnx, type OnnxNet } from '../../train/onnx/net.ts';
import { trim } from '../../train/onnx/trim.ts';
import { factsIn, metadataOf } from '../../train/run/metadata.ts';
import { decodeSafetensors } from '../../train/run/read-safetensors.ts';
import { encodeSafetensors } from '../../train/run/safetensors.ts';
import { parseMetrics } from '../../train/step/metrics.ts';
import { mutate, numbersFrom } from './mutate.ts';
import { tarOf } from './tar-of.ts';

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytesOf = (value: string) => new TextEncoder().encode(value);
const config = { ...parseConfig('lenet5', {}), facts: { adapter: { description: 'x' } }, sha256: 'x' };
const tensors = { 'fc.weight': { shape: [2, 3], data: new Float32Array(6) }, b: { shape: [1], data: new Float32Array(1) } };
const small: OnnxNet = {
  nodes: [
    { name: 'a', op: 'Conv', inputs: ['image', 'w'], outputs: ['x'], attributes: { kernel_shape: [1, 1], pads: [0, 0, 0, 0], group: 1 } },
    { name: 'b', op: 'LeakyRelu', inputs: ['x'], outputs: ['y'], attributes: { alpha: { float: 0.1 } } },
    { name: 'c', op: 'Flatten', inputs: ['y'], outputs: ['z'], attributes: { axis: 1 } },
  ],
  constants: new Map([['w', { shape: [2, 1, 1, 1], data: new Float32Array(2) }]]),
  inputs: [{ name: 'image', shape: ['batch', 1, 2, 2] }],
  outputs: [{ name: 'z', shape: ['batch', 8] }],
  metadata: { classes: '["a","b"]' },
};
const IMAGE: Tensor = { name: 'image', shape: [1, 1, 2, 2], size: 4, role: 'input' };
const idx = (rank: number, sizes: readonly number[]) => {
  const out = Buffer.alloc(4 + 4 * rank + sizes.reduce((a, b) => a * b));
  out.writeUInt32BE(0x800 + rank);
  for (const [i, size] of sizes.entries()) out.writeUInt32BE(size, 4 + 4 * i);
  return out;
};

/** A valid example of each format, and what reads it. */
const READERS: Readonly<Record<string, readonly [example: Uint8Array, read: (bytes: Uint8Array) => unknown]>> = {
  safetensors: [encodeSafetensors(tensors, { model: 'lenet5', step: '3' }), bytes => decodeSafetensors(bytes, 'x')],
  'metadata of weights': [
    encodeSafetensors({}, metadataOf({ shape: [1, 2, 2], classes: ['a', 'b'], normalize: 'mean', moments: { mean: [0.5], std: [1] } })),
    bytes => factsIn(decodeSafetensors(bytes, 'x').metadata, 'x'),
  ],
  ONNX: [
    await encodeOnnx(small),
    async bytes => {
      const { net } = trim(await decodeOnnx(bytes, 'x'));
      modelOf(net, 'x')({ classes: 2, shape: [1, 2, 2] })(new Graph({ training: false, profile: DEFAULT_PROFILE }), IMAGE);
    },
  ],
  'IDX images': [idx(3, [2, 4, 5]), bytes => parseIdxImages('x', bytes)],
  'IDX labels': [idx(1, [9]), bytes => parseIdxLabels('x', bytes)],
  CIFAR: [new Uint8Array(3 * 3073), bytes => readCifar('x', bytes, 1, new Uint8Array(9 * CIFAR_SHAPE[0] * 1024), new Uint16Array(9), 0)],
  tar: [
    tarOf({ 'a/b.bin': new Uint8Array(700), 'c.txt': bytesOf('words') }),
    async bytes => {
      const stream = async function* () {
        yield bytes;
      };
      for await (const { bytes } of tarFiles(stream(), () => 1000)) assert.ok(bytes.length <= 1000);
    },
  ],
  'metrics.jsonl': [
    bytesOf('{"step":1,"epoch":0.1,"loss":2.3,"accuracy":0.1,"lr":0.1}\n{"split":"val","step":2,"loss":1,"accuracy":1}\n'),
    bytes => {
      for (const line of parseMetrics(text(bytes))) assert.type(line.step, 'number');
    },
  ],
  'config.json': [
    bytesOf(JSON.stringify(config)),
    bytes => {
      let json: unknown;
      try {
        json = JSON.parse(text(bytes));
      } catch {
        return; // told by the reader of the folder
      }
      recipeOf(configFromJson(json, 'x'));
    },
  ],
  specs: [bytesOf('crop:padding=4,flip:p=0.5,cutout:16,augmix:severity=2'), bytes => parseSpecs('augment', text(bytes))],
  optimizers: [
    bytesOf('adam:epochs=2,beta1=0.8,eps=1e-6,momentum:momentum=0.9'),
    bytes => recipeOf(parseConfig('lenet5', { optimizer: text(bytes) })),
  ],
  schedules: [bytesOf('cosine:warmup=500,eta_min=1e-5'), bytes => recipeOf(parseConfig('lenet5', { schedule: text(bytes) }))],
  models: [bytesOf('resnet20:shortcut=B,drop=0.1'), bytes => recipeOf(parseConfig(text(bytes), {}))],
};

/** Adds a test for each reader, of `cases` mutations. A case that fails is named by its seed. */
export function fuzz(test: Test, cases: number): void {
  for (const [name, [example, read]] of Object.entries(READERS)) {
    test(`${name}: ${cases} mutations`, async () => {
      await read(example);
      for (let seed = 0; seed < cases; seed++) {
        const bytes = mutate(example, numbersFrom(seed));
        try {
          await read(bytes);
        } catch (error) {
          if (error instanceof DescentError) assert.not.match(error.message, /undefined|\[object/, `seed ${seed}: ${error.message}`);
          else throw Object.assign(error as Error, { message: `seed ${seed}: ${(error as Error).message}` });
        }
      }
    });
  }
}
