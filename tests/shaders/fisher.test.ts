/** Gradients by targets that a net draws itself. */
import { suite } from 'uvu';
import { compute } from '../../engine/compute.ts';
import type { Graph } from '../../engine/graph.ts';
import { drawGradient, type Likelihood } from '../../shaders/update/fisher.ts';
import { softmax } from '../reference/activation.ts';
import { matmul } from '../reference/linear.ts';
import { close, deviceFor } from '../support/check.ts';

const test = suite('fisher');

test('drawn gradients have mean 0 and the covariance that is the Hessian of the loss', async () => {
  const rows = 4096;
  const logits = Float32Array.from([1, -0.5, 0.3, 2, -1]);
  const [classes, scale] = [logits.length, Math.SQRT1_2];
  const p = softmax(logits, classes);
  const share = logits.map(v => 1 / (1 + Math.exp(-v)));
  const hessian: Readonly<Record<Likelihood, (i: number, j: number) => number>> = {
    softmax: (i, j) => Number(i === j) * p[i]! - p[i]! * p[j]!,
    bernoulli: (i, j) => (Number(i === j) * share[i]! * (1 - share[i]!)) / classes,
    normal: (i, j) => (Number(i === j) * 2) / classes,
  };
  const of = Object.keys(hessian) as Likelihood[];
  const build = (g: Graph) => {
    const x = g.persistent('input', 'logits', [rows, classes]);
    return Object.fromEntries(
      of.map(of => {
        const dlogits = g.tensor(x.shape);
        g.run(drawGradient, { rows, classes, of, scale, head: 0 }, { logits: x, dlogits });
        return [of, dlogits];
      }),
    );
  };
  const all = Float32Array.from({ length: rows * classes }, (_, i) => logits[i % classes]!);
  const drawn = await compute(await deviceFor('own'), build, { logits: all }, { seed: 3, step: 1 });
  for (const kind of of) {
    const got = matmul(drawn[kind]!, drawn[kind]!, { m: classes, k: rows, n: classes, ta: true }).map(v => v / rows);
    const want = got.map((_, i) => scale ** 2 * hessian[kind](Math.floor(i / classes), i % classes));
    close(`covariance, ${kind}`, got, want, 0.02); // four deviations of 4,096 rows
    const mean = logits.map((_, c) => drawn[kind]!.reduce((sum, v, i) => sum + (i % classes === c ? v : 0), 0) / rows);
    close(`mean, ${kind}`, mean, Array(classes).fill(0), 0.03);
  }
});

test.run();
