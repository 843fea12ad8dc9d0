import { suite } from 'uvu';
import { dense } from '../../layers/dense.ts';
import { checkLayer, close, random, runLayer, WAYS } from '../support/check.ts';
import { matmul } from '../reference/linear.ts';

const test = suite('dense');

const cases: readonly [n: number, c: number, out: number, why: string][] = [
  [64, 400, 120, 'LeNet fc1: everything divides by four'],
  [64, 84, 10, 'LeNet fc3: odd outputs'],
  [5, 7, 3, 'nothing divides'],
  [1, 1, 1, 'size one'],
  [3, 64, 65, 'one more than a tile'],
  [17, 33, 18, 'more rows than a subgroup holds'],
  [2, 130, 64, 'depth that fills no tile'],
];
for (const [n, c, out, why] of cases) {
  test(`[${n}, ${c}] -> ${out}: ${why}`, () =>
    checkLayer(
      dense(out),
      [n, c],
      (x, p) => {
        const y = matmul(x, p.weight!, { m: n, k: c, n: out, tb: true });
        return y.map((v, i) => v + p.bias![i % out]!);
      },
      { derivatives: 20, ways: n === 5 || n === 3 ? WAYS : ['own', 'plain'] },
    ));
}
test('flattens images; no bias', () =>
  checkLayer(dense(4, { bias: false }), [2, 3, 4, 4], (x, p) => matmul(x, p.weight!, { m: 2, k: 48, n: 4, tb: true })));

test('a sum over half a million rows keeps its digits on a software adapter, where a lane adds it up', async () => {
  const n = 2 ** 19;
  const x = random(n).map(v => Math.fround(1 + v));
  const { gradients } = await runLayer('own', dense(1, { bias: false }), [n, 1], { input: x, dy: x });
  close('gradient of weight', gradients.weight!, [x.reduce((sum, v) => sum + v * v, 0)], 2e-6);
});

test.run();
