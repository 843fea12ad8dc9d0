import { onlyOptions, type Known } from '../engine/check.ts';
import type { LayerFacts } from '../engine/built-layer.ts';
import type { Graph, Layer } from '../engine/graph.ts';
import type { Param, Tensor } from '../engine/tensor.ts';
import { product } from '../shaders/kernel/shape.ts';
import { patches } from '../shaders/conv/patches.ts';
import { matmul } from '../shaders/product/matmul.ts';
import { cat } from './compose.ts';
import { torchDefault } from './init.ts';
import { biasGradient, weightedForm, weightGradient, type UsedWeight, type WeightTransform } from './weight.ts';

const ONE = [1, 1] as const;

/** As of torch.nn.Linear: with a bias by itself. */
export interface DenseOptions {
  bias?: boolean;
  /** What becomes of the weight before it is used: dropConnect, weightNoise. */
  through?: WeightTransform;
}

const OPTIONS: Known<DenseOptions> = { bias: 'boolean', through: 'function' };

/** y = x weight^T + bias, as torch.nn.Linear on the flattened input. [n, ...] -> [n, out]; weight [out, in], bias [out]. */
export const dense =
  (out: number, options: DenseOptions = {}): Layer =>
  (g, x) => {
    onlyOptions(g.who('dense'), options, OPTIONS);
    return tooLarge(g, x, out) && !options.through
      ? inRows(g, x, [out, product(x.shape.slice(1))], options.bias ?? true)
      : weighted(g, x, out, options).y;
  };

/** Bytes of a weight that is computed in parts at most: what is larger than a buffer may be is refused where it gets its place. */
const MOST = 2 ** 32;

/** Whether one binding cannot span the weight, and can a few of its rows. */
const tooLarge = ({ profile }: Graph, x: Tensor, out: number): boolean => {
  const row = 4 * product(x.shape.slice(1));
  return out * row > profile.maxBinding && out * row <= MOST && 8 * row <= profile.maxBinding;
};

/**
 * y = x weight^T + bias where one binding cannot span the weight: each output is computed from the rows that it takes, and the gradient of x
 * is the sum over parts. Weights that something becomes of are not split.
 */
function inRows(g: Graph, x: Tensor, [out, c]: readonly [out: number, c: number], bias: boolean): Tensor {
  const fitting = 4 * Math.floor(g.profile.maxBinding / 16 / c); // fours of rows
  const count = Math.ceil(out / fitting);
  const most = 4 * Math.ceil(out / count / 4);
  const weights = g.paramRows('weight', [out, c], g.weights ?? torchDefault(c), most);
  const biases = bias ? g.paramRows('bias', [out], g.biases?.(c) ?? torchDefault(c), most) : [];
  return cat(
    g,
    weights.map((weight, i) => linear(g, x, { weight, bias: biases[i] })),
  );
}

/** A dense layer, and its weight. */
export function weighted(g: Graph, x: Tensor, out: number, { bias = true, through }: DenseOptions = {}): { y: Tensor; weight: Param } {
  const c = product(x.shape.slice(1));
  const weight = g.param('weight', [out, c], g.weights ?? torchDefault(c));
  const b = bias ? g.param('bias', [out], g.biases?.(c) ?? torchDefault(c)) : undefined;
  return { y: linear(g, x, { weight, bias: b }, { changed: through?.(g, weight) }), weight };
}

/** x weight^T + bias of parameters that several products may share: their gradients add up. `facts` are what the layer says of itself. */
export function linear(
  g: Graph,
  x: Tensor,
  { weight, bias: b }: Pick<LayerFacts, 'bias'> & { readonly weight: Param },
  { changed, facts }: { changed?: UsedWeight | undefined; facts?: Pick<LayerFacts, 'weight' | 'bias'> } = {},
): Tensor {
  const n = x.shape[0]!;
  const [out, c] = weight.value.shape as [number, number];
  const used = changed?.value ?? weight.value;
  const y = g.tensor([n, out]);
  g.run(matmul, { m: n, n: out, k: c, tb: true, bias: Boolean(b) }, { a: x, b: used, bias: b?.value, y });
  const backward = (dy: Tensor) => {
    weightGradient(g, weight, changed, (dweight, gradient) =>
      g.run(matmul, { m: out, n: c, k: n, ta: true, gradient }, { a: dy, b: x, y: dweight }),
    );
    if (b) biasGradient(g, b, dy, { n, c: out, hw: 1 });
    return [g.gradientOf(x, dx => g.run(matmul, { m: n, n: c, k: out }, { a: dy, b: used, y: dx }))];
  };
  const onnx = weightedForm(weight, changed, (o, x0, weight) => {
    const flat = x.shape.length > 2 ? o.node('Flatten', [x0], { axis: 1 }) : x0;
    return o.node('Gemm', [flat, weight, b && o.weight(b.value)], { transB: 1 });
  });
  const multiplied = () => {
    const rows = g.tensor([n, c + (b ? 1 : 0)]);
    const pixel = { n, c, h: 1, w: 1, o: out, oh: 1, ow: 1, k: ONE, stride: ONE, pad: [0, 0], dilation: ONE, groups: 1 } as const;
    g.run(patches, { ...pixel, bias: Boolean(b) }, { x, y: rows });
    return rows;
  };
  const own = facts ?? { weight, bias: b, ...(!changed && { multiplied }) };
  return g.record([x], y, backward, { ...own, used, onnx });
}
