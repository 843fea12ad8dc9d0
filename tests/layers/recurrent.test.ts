/** Recurrent layers and zoneout: masks of the host's generator, gradients by central differences, evaluation, errors. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dense } from '../../layers/dense.ts';
import { zonedOut } from '../../layers/noise.ts';
import { rnn } from '../../layers/recurrent.ts';
import { philox, streamOf } from '../../shaders/kernel/random.ts';
import { threshold } from '../../shaders/move/noise.ts';
import * as linear from '../reference/linear.ts';
import * as reference from '../reference/recurrent.ts';
import { checkLayer, runLayer, WAYS, type Way } from '../support/check.ts';
import { isLongRun } from '../support/long.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('recurrent');

/** Whether the device keeps value i at step 1 of seed 1, where the stream is called `name`. */
const kept = (i: number, p: number, name: string): boolean => philox([i >> 2, 1, streamOf(` ${name}`), 0], [1, 0])[i & 3]! >= threshold(p);
const hidden = 5;
const sequence = { n: 2, steps: 4, c: 3, hidden };
/** The variants of the products are held to these where dense layers are (dense.test.ts). */
const ways: readonly Way[] = isLongRun ? WAYS : ['own'];

test('a sequence, weights used at each step: gradients are the sums over the steps', () =>
  checkLayer(rnn(hidden), [2, 4, 3], (x, params) => reference.rnn(x, params, sequence), { ways }));

test('rows of images are steps, all channels of a row side by side', () => {
  const [n, c, h, w] = [2, 2, 3, 4];
  const rows = (x: Float64Array) =>
    Float64Array.from({ length: x.length }, (_, i) => {
      const [image, row, channel, column] = [Math.floor(i / (c * h * w)), Math.floor(i / (c * w)) % h, Math.floor(i / w) % c, i % w];
      return x[((image * c + channel) * h + row) * w + column]!;
    });
  return checkLayer(rnn(hidden), [n, c, h, w], (x, params) => reference.rnn(rows(x), params, { n, steps: h, c: c * w, hidden }), { ways });
});

test('zoneout keeps the state before, and what is dropped is gone for all steps to come', async () => {
  const change = (next: number, before: number, i: number, t: number): number => {
    const left = kept(i, 0.3, `dropout ${t}`) ? next / 0.7 : 0;
    return kept(i, 0.4, `zoneout ${t}`) ? left : before;
  };
  const layer = rnn(hidden, { zoneout: 0.4, dropout: 0.3 });
  await checkLayer(layer, [2, 4, 3], (x, params) => reference.rnn(x, params, { ...sequence, change }), { ways: ['own'] });
  const expected = (next: number, before: number) => 0.6 * next + 0.4 * before;
  await checkLayer(layer, [2, 4, 3], (x, params) => reference.rnn(x, params, { ...sequence, change: expected }), { ways, training: false });
});

test('units of a residual block keep their input; evaluation adds what is expected of the body', async () => {
  const body = (x: Float64Array, p: Record<string, Float64Array>) => {
    const y = linear.matmul(x, p.weight!, { m: 3, k: 6, n: 6, tb: true });
    return y.map((v, i) => v + p.bias![i % 6]!);
  };
  const layer = zonedOut(dense(6), 0.4);
  await checkLayer(layer, [3, 6], (x, p) => body(x, p).map((v, i) => x[i]! + (kept(i, 0.4, 'zoneout') ? v : 0)), { ways: ['own'] });
  await checkLayer(layer, [3, 6], (x, p) => body(x, p).map((v, i) => x[i]! + 0.6 * v), { ways, training: false });
});

test('says what it takes', async () => {
  assert.match(await refusal(() => runLayer('own', rnn(3), [2, 4])), /rnn: input is \[2, 4\]; give sequences/);
  assert.match(await refusal(() => runLayer('own', rnn(3, { zoneout: 1 }), [2, 4, 3])), /zoneout: p is 1, expected 0 <= p < 1/);
  assert.match(await refusal(() => runLayer('own', rnn(3, { dropout: -1 }), [2, 4, 3])), /dropout: p is -1, expected 0 <= p < 1/);
});

test.run();
