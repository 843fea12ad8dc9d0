/** What `descent bench inference` gives to ONNX Runtime, what counts as the same answer, and how runners are timed beside each other. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { difference, exported, SAME } from '../../bench/inference.ts';
import { compare, type Runner } from '../../bench/peers/compare.ts';
import { NETWORKS, pixels } from '../../bench/peers/networks.ts';
import { decodeOnnx } from '../../train/onnx/net.ts';
import { runOnnx } from '../support/onnx.ts';

const test = suite('inference');

test('the nets that are compared are exported for batches of any size, and take pixels', async () => {
  for (const [name, { shape }] of Object.entries(NETWORKS)) {
    const { metadata } = await decodeOnnx(await exported(name), name);
    assert.is(metadata.shape, JSON.stringify(shape));
    assert.is(metadata.input, 'pixels from 0 to 1');
  }
  const { shape } = NETWORKS.lenet5!;
  const images = pixels(shape, 2);
  assert.ok(Math.min(...images) === 0 && Math.max(...images) === 255);
  const data = Float32Array.from(images, v => v / 255);
  const { logits } = await runOnnx(await exported('lenet5'), data, [2, ...shape]);
  assert.equal(logits!.dims, [2, 10]);
});

test('how far answers are apart is a share of the largest, and what is missing or none is far', () => {
  const ours = Float32Array.of(1, -4, 2);
  assert.equal(
    [
      [1, -4, 2.001953125],
      [1, -4, 3],
      [1, -4],
      [1, Number.NaN, 2],
    ].map(theirs => difference(ours, theirs) <= SAME),
    [true, false, false, false],
  );
  assert.is(difference(ours, [1, -4, 3]), 0.25);
});

test('a runner whose steps are long is in the first round alone, and is not tried before where its time is known; each round is told of', async () => {
  const calls: string[] = [];
  const runner = (name: string, ms: number, usual?: number): Runner => ({
    name,
    ...(usual !== undefined && { usual }),
    step: async n => {
      calls.push(name);
      return Array.from({ length: n }, () => ms);
    },
  });
  const runners = [runner('own', 100), runner('short', 200, 200), runner('long', 900, 900)];
  const rows = await compare(runners, { rounds: 3, target: 100, longest: 500, onRound: ([own]) => calls.push(`${own!.steps} rounds`) });
  assert.equal(calls, ['own', 'own', 'short', 'long', '1 rounds', 'own', 'short', '2 rounds', 'own', 'short', '3 rounds']);
  assert.equal(
    rows.map(({ ratio, steps }) => [ratio, steps]),
    [
      [1, 3],
      [2, 3],
      [9, 1],
    ],
  );
});

test.run();
