import { product, type Layer } from '../engine/graph.ts';
import { matmul } from '../shaders/product/matmul.ts';
import { channelSum } from '../shaders/norm/reduce.ts';
import { torchDefault } from './init.ts';
import type { WeightTransform } from './norm.ts';

export interface DenseOptions {
  bias?: boolean;
  /** What becomes of the weight before it is used: dropConnect, weightNoise. */
  through?: WeightTransform;
}

/** y = x weight^T + bias, as torch.nn.Linear on the flattened input. [n, ...] -> [n, out]; weight [out, in], bias [out]. */
export const dense =
  (out: number, { bias = true, through }: DenseOptions = {}): Layer =>
  (g, x) => {
    const n = x.shape[0]!;
    const c = product(x.shape.slice(1));
    const weight = g.param('weight', [out, c], g.weights ?? torchDefault(c));
    const b = bias ? g.param('bias', [out], torchDefault(c)) : undefined;
    const changed = through?.(g, weight);
    const used = changed?.value ?? weight.value;
    const y = g.tensor([n, out]);
    g.run(matmul, { m: n, n: out, k: c, tb: true, bias }, { a: x, b: used, bias: b?.value, y });
    return g.record([x], y, dy => {
      if (changed) {
        const dweight = g.tensor([out, c]);
        g.run(matmul, { m: out, n: c, k: n, ta: true }, { a: dy, b: x, y: dweight });
        changed.backward(dweight);
      } else {
        g.run(matmul, { m: out, n: c, k: n, ta: true, gradient: g.gradient(weight.grad) }, { a: dy, b: x, y: weight.grad });
      }
      if (b) g.run(channelSum, { n, c: out, hw: 1, gradient: g.gradient(b.grad) }, { x: dy, out: b.grad });
      if (!g.wantsGrad(x)) return [undefined];
      const dx = g.tensor(x.shape);
      g.run(matmul, { m: n, n: c, k: out }, { a: dy, b: used, y: dx });
      return [dx];
    });
  };
