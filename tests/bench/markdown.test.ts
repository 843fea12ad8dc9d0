/** Results of the bench commands as tables for the documentation. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { tablesOf } from '../../bench/markdown.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('markdown');

const row = (name: string, median: number, ratio = 1) => ({ name, median, ratio, best: median, steps: 9 });

test('steps and answers have a line for each net and a column for each program, and say what was left out', () => {
  const peers = { lenet5: [row('descent', 7.83), row('pytorch-cpu', 8.8, 1.12)], resnet20: [row('descent', 194.2)] };
  const text = tablesOf({ peers, missing: { 'pytorch-cpu': 'it ended' } });
  assert.is(
    text,
    [
      '| net, batch | Descent | PyTorch, native CPU code |',
      '| --- | --- | --- |',
      '| LeNet-5, 64 | 7.8 | 8.8 (1.1x) |',
      '| ResNet-20, 32 | 194 | - |',
      '',
      'Left out: pytorch-cpu: it ended.',
    ].join('\n'),
  );
  const inference = { lenet5: { 1: [row('descent', 0.351), row('ort-wasm', 0.08, 0.23), row('ort-webgpu-js', 1238, 30.4)] } };
  assert.match(tablesOf({ inference }), /\| LeNet-5, 1 \| 0\.35 \| 0\.08 \(0\.23x\) \| 1,238 \(30x\) \|$/);
});

test('kernels have what they reach of what the adapter can do; a file without a table is refused', async () => {
  const timed = { kernel: 'matmul', variant: 'lanes', shape: '64x10x512', ms: 0.0312, median: 0.04, first: 9 };
  const reached = { gflops: 21.04, gbs: 5.2, ofFma: 0.351, ofCopy: 0.52, ofAvx2: 0.2 };
  assert.is(
    tablesOf({ kernels: [{ ...timed, ...reached }], ceiling: { gflopPerSecond: 60, gbPerSecond: 10, avx2: 105 } }),
    [
      '| kernel | shape | ms | GFLOP/s | of multiply-adds alone | of AVX2 | GB/s | of a copy |',
      '| --- | --- | --- | --- | --- | --- | --- | --- |',
      '| `matmul` lanes | 64x10x512 | 0.031 | 21.0 | 35 % | 20 % | 5.2 | 52 % |',
    ].join('\n'),
  );
  assert.match(await refusal(() => tablesOf({ missing: {} })), /^there are no results of bench kernels, .*; give a file that one of them/);
});

test('growth has the time of an image in each program, memory, and a verdict', () => {
  const numbers = { imagesPerSecond: 1, dispatches: 1, parameters: 1, activations: 2 ** 20, bound: 1, device: 2 ** 21 };
  const rows = [1, 4].map(at => ({ model: 'lenet5', at, batch: at, ms: at, idle: at, perImage: 1, ...numbers }));
  const peers = { 'tfjs-wasm': { ratio: 4.6, ms: 18.4, peak: 200 * 2 ** 20 } };
  const text = tablesOf({ scaling: { batch: [rows[0]!, { ...rows[1]!, peers }] } });
  assert.is(
    text,
    [
      '| net | images a batch | ms an image | activations MiB | device MiB | TensorFlow.js wasm: ms an image | its process MiB |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      '| LeNet-5 | 1 | 1 | 1 | 2 | - | - |',
      '| LeNet-5 | 4 | 1 | 1 | 2 | 4.6 (4.6x) | 200 |',
      '',
      'LeNet-5: the time of an image falls or stays from each point to the next.',
    ].join('\n'),
  );
});

test('a trace is told by kernel and pass, with the rate of those that multiply', () => {
  const dispatch = (kernel: string, ms: number, gflops: number) => ({
    op: 'conv1',
    pass: 'forward' as const,
    kernel,
    variant: 'lanes',
    ms,
    gflops,
  });
  const trace = [dispatch('conv_forward', 30, 40), dispatch('conv_forward', 10, 80), dispatch('relu', 0.5, 0), dispatch('pool', 10, 0)];
  assert.is(
    tablesOf({ trace, ceiling: { gflopPerSecond: 100, gbPerSecond: 10, avx2: undefined } }),
    [
      '| kernel, pass | calls | ms | of the step | GFLOP/s | of multiply-adds alone |',
      '| --- | --- | --- | --- | --- | --- |',
      '| `conv_forward` lanes, forward | 2 | 40 | 79 % | 50 | 50 % |',
      '| `pool` lanes, forward | 1 | 10 | 20 % | - | - |',
      '| others | 1 | 0.5 | 1 % | - | - |',
    ].join('\n'),
  );
});

test.run();
