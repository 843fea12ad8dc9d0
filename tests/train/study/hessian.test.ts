/** The Hessian of a net by products alone beside that of float64. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mlp } from '../../../models/mlp.ts';
import { normals, STREAMS } from '../../../shaders/kernel/random.ts';
import { eigenSymmetric } from '../../../train/data/eigen.ts';
import { lanczos, shareWhere } from '../../../train/linear/lanczos.ts';
import { Net } from '../../../train/net/net.ts';
import { hessianProduct } from '../../../train/study/surface/hessian-product.ts';
import { close, deviceFor } from '../../support/check.ts';

const test = suite('Hessian');
const drawn = (n: number, seed: number): Float64Array => Float64Array.from({ length: n }, normals(seed, STREAMS.sample));
const times =
  (matrix: Float64Array, n: number) =>
  async (v: Float64Array): Promise<Float64Array> =>
    Float64Array.from({ length: n }, (_, i) => v.reduce((sum, x, j) => sum + matrix[i * n + j]! * x, 0));

test('a whole space of Lanczos has all eigenvalues, a small one those at the ends, and equal ones once', async () => {
  const n = 40;
  const half = drawn(n * n, 1);
  const matrix = half.map((v, at) => v + half[(at % n) * n + Math.floor(at / n)]!);
  const { values } = eigenSymmetric(matrix, n);
  const whole = await lanczos(times(matrix, n), drawn(n, 2), n);
  close('all', whole.values, values, 1e-10);
  assert.ok(Math.abs(whole.weights.reduce((a, b) => a + b) - 1) < 1e-12);
  const part = await lanczos(times(matrix, n), drawn(n, 2), 25);
  for (const at of [0, -1]) assert.ok(Math.abs(part.values.at(at)! - values.at(at)!) < 1e-3 * values[0]!, `${part.values.at(at)}`);

  const twoValues = Float64Array.from({ length: 400 * 400 }, (_, at) => (at % 401 ? 0 : at / 401 < 100 ? -1 : 2));
  const starts = await Promise.all([3, 4, 5, 6].map(seed => lanczos(times(twoValues, 400), drawn(400, seed), 20)));
  close('two values', starts[0]!.values, [2, -1], 1e-12);
  assert.ok(Math.abs(shareWhere(starts, v => v < 0) - 0.25) < 0.04, 'a quarter is negative');
});

/** The mean cross-entropy of inputs [n, 3] of a net 3-4-3 with tanh, by its weights in one list. */
function lossOf(w: ArrayLike<number>, x: Float32Array, labels: Uint32Array): number {
  let sum = 0;
  labels.forEach((label, s) => {
    const unit = (from: number, bias: number, inputs: ArrayLike<number>) =>
      Array.from(inputs).reduce((total, v, i) => total + v * w[from + i]!, w[bias]!);
    const hidden = [0, 1, 2, 3].map(h => Math.tanh(unit(3 * h, 12 + h, x.subarray(3 * s, 3 * s + 3))));
    const logits = [0, 1, 2].map(c => unit(16 + 4 * c, 28 + c, hidden));
    sum += Math.log(logits.reduce((total, v) => total + Math.exp(v), 0)) - logits[label]!;
  });
  return sum / labels.length;
}

test('products with the Hessian of a net, and the eigenvalues by them, are those of float64', async () => {
  const n = 31;
  const [x, labels] = [Float32Array.from(drawn(24, 7)), Uint32Array.of(0, 1, 2, 0, 1, 2, 2, 1)];
  const net = await Net.build(await deviceFor(), mlp({ shape: [3, 1, 1], classes: 3 }, { hidden: [4], activation: 'tanh' }), {
    shape: [3, 1, 1],
    batch: 8,
  });
  const weights = await net.weights();
  const w = Object.values(weights).flatMap(({ data }) => [...data]);
  const h = 1e-3;
  const exact = Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    const moved = (a: number, b: number) =>
      lossOf(
        w.map((v, k) => v + (k === i ? a : 0) + (k === j ? b : 0)),
        x,
        labels,
      );
    return (moved(h, h) - moved(h, -h) - moved(-h, h) + moved(-h, -h)) / (4 * h * h);
  });
  const { size, times: product } = hessianProduct(net, weights, x, labels);
  assert.is(size, n);
  const v = drawn(n, 8);
  close('product', await product(v), await times(exact, n)(v), 2e-3);
  const { values } = eigenSymmetric(exact, n);
  const found = await lanczos(product, v, n);
  close('eigenvalues', found.values, values.slice(0, found.values.length), 2e-3);
  net.destroy();
});

test.run();
