/** Pooling in lanes finds what a thread for each value does, to the bit, wherever windows lie. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fitting } from '../../shaders/kernel/kernel.ts';
import type { Pair } from '../../shaders/kernel/pair.ts';
import { poolBackward, poolForward } from '../../shaders/pool/pool.ts';
import type { Pool } from '../../shaders/pool/shape.ts';
import { close, deviceFor, testWhere } from '../support/check.ts';
import { runCall } from '../support/variants.ts';

const test = suite('pooling in lanes');
const PLANES = 5;
const device = await deviceFor('own');
const testInLanes = testWhere(test, device.report.software, 'no software adapter');
/** Whether a call may be done in lanes. */
const fits = (kernel: typeof poolForward | typeof poolBackward, p: Pool) =>
  fitting(kernel, p, device.profile).some(v => v.name === 'lanes');

/** Windows k on images h x w over padding of `pad` before and `behind` after them. */
const windows = ([h, w]: Pair, k: Pair, stride: Pair, pad: Pair, behind = pad): Pool => {
  const out = (size: number, i: 0 | 1) => Math.floor((size + pad[i] + behind[i] - k[i]) / stride[i]) + 1;
  return { max: true, planes: PLANES, h, w, oh: out(h, 0), ow: out(w, 1), k, stride, pad };
};

const cases: readonly (readonly [why: string, p: Pool])[] = [
  ['a strip a row', windows([4, 4], [3, 3], [1, 1], [1, 1])],
  ['strips whose neighbours are in the lanes beside them', windows([6, 32], [3, 3], [1, 1], [1, 1])],
  ['strips whose neighbours are in other workgroups', windows([5, 24], [3, 3], [1, 1], [1, 1])],
  ['of stride 2', windows([8, 32], [3, 3], [2, 2], [1, 1])],
  ['of stride 2, a last row and column in no window', windows([8, 8], [3, 3], [2, 2], [0, 0])],
  ['of stride 2, over the end', windows([16, 16], [3, 3], [2, 2], [0, 0], [1, 1])],
  ['of odd rows', windows([7, 7], [3, 3], [1, 1], [1, 1])],
  ['of odd rows of several strips', windows([9, 31], [3, 3], [2, 2], [1, 1])],
  ['that reach beyond both edges at once', windows([2, 2], [5, 5], [1, 1], [2, 2])],
  ['a strip behind the image', windows([4, 4], [3, 3], [1, 1], [2, 2])],
  ['rows and columns that differ', windows([6, 20], [1, 5], [1, 3], [0, 2])],
  ['more rows than a round', windows([7, 8], [5, 2], [2, 1], [2, 1])],
  ['of signals', windows([1, 42], [1, 3], [1, 2], [0, 1])],
  ['of signals, over the end', windows([1, 21], [1, 2], [1, 2], [0, 0], [0, 1])],
  ['of signals, padded before them', windows([1, 11], [1, 3], [1, 1], [0, 1], [0, 0])],
  ['that end behind all strips', windows([12, 12], [5, 5], [1, 1], [0, 0])],
  ['larger ones', windows([12, 12], [5, 5], [2, 2], [2, 2])],
];

/** Few values, so that many are equal, with all that compares in a way of its own. */
const VALUES = [1, 0, -0, 1, -1, -Infinity, -Infinity, 2, Infinity, NaN];
const drawn = (i: number) => VALUES[Math.floor((((i * 2654435761) % 2 ** 32) / 2 ** 32) * (i % 3 ? 9 : 10))]!;
const bits = (values: ArrayLike<number>) => [...new Uint32Array(Float32Array.from(values).buffer)];

for (const [why, p] of cases)
  testInLanes(`${why}: maxima, their places and gradients`, async () => {
    const [inputs, outputs] = [PLANES * p.h * p.w, PLANES * p.oh * p.ow];
    const forward = {
      why,
      kernel: poolForward,
      params: p,
      tensors: () => ({ x: inputs, y: outputs, argmax: outputs }),
      values: { x: drawn },
    };
    const want = await runCall(device, forward, 'plain');
    const backward = {
      ...{ why, kernel: poolBackward, params: p, tensors: () => ({ dy: outputs, argmax: outputs, dx: inputs }) },
      values: { argmax: (i: number) => want.argmax![i]!, dy: (i: number) => 1 / (1 + (i % 7)) },
    };
    if (fits(poolForward, p)) {
      const got = await runCall(device, forward, 'lanes');
      assert.equal(bits(got.y!), bits(want.y!));
      assert.equal(Array.from(got.argmax!), Array.from(want.argmax!));
    }
    const [got, plain] = [await runCall(device, backward, 'lanes'), await runCall(device, backward, 'plain')];
    assert.equal(Array.from(got.dx!), Array.from(plain.dx!));
  });

for (const [why, p] of cases)
  testInLanes(`${why}: means and their gradients`, async () => {
    const [inputs, outputs] = [PLANES * p.h * p.w, PLANES * p.oh * p.ow];
    for (const counts of ['window', 'inside', { behind: [1, 1] }] as const) {
      const params: Pool = { ...p, max: false, counts };
      for (const call of [
        { why, kernel: poolForward, params, tensors: () => ({ x: inputs, y: outputs }) },
        { why, kernel: poolBackward, params, tensors: () => ({ dy: outputs, dx: inputs }) },
      ]) {
        if (call.kernel === poolForward && !fits(poolForward, params)) continue;
        const [got, want] = [await runCall(device, call, 'lanes'), await runCall(device, call, 'plain')];
        const output = call.kernel === poolForward ? 'y' : 'dx';
        close(`${output}, ${JSON.stringify(counts)}`, got[output]!, want[output]!, 1e-6);
      }
    }
  });

test.run();
