/** Which node of an ONNX net gives a value, and layers that exporters write as several nodes. */
import type { Constant, OnnxNode } from './net.ts';

export interface Followed {
  readonly giver: ReadonlyMap<string, OnnxNode>;
  readonly constants: ReadonlyMap<string, Constant>;
  readonly isConstant: (name: string) => boolean;
}

export const giversOf = (nodes: readonly OnnxNode[]): Map<string, OnnxNode> =>
  new Map(nodes.flatMap(node => node.outputs.map(output => [output, node] as const)));

/** The layer that ends in a node, as one node. */
export const whole = (side: Followed, node: OnnxNode): OnnxNode =>
  asGelu(side, node) ?? asGemm(side, node) ?? asLayerNorm(side, node) ?? asLrn(side, node) ?? node;

/** A product with a constant matrix, and what is added to it. */
function asGemm({ giver, isConstant }: Followed, node: OnnxNode): OnnxNode | undefined {
  const isProduct = ({ op, inputs }: OnnxNode) => op === 'MatMul' && isConstant(inputs[1]!);
  if (isProduct(node)) return { ...node, op: 'Gemm' };
  if (node.op !== 'Add') return undefined;
  const bias = node.inputs.find(isConstant);
  const product = giver.get(node.inputs.find(name => !isConstant(name)) ?? '');
  if (!bias || !product || !isProduct(product)) return undefined;
  return { ...product, op: 'Gemm', inputs: [...product.inputs, bias], outputs: node.outputs };
}

/** The only number of a constant. */
const numberOf = ({ constants }: Followed, name = ''): number | undefined => {
  const data = constants.get(name)?.data;
  return data?.length === 1 ? data[0] : undefined;
};

/** A node `op` of a constant and a value that is computed, in either order. */
function withConstant(
  { giver, isConstant }: Followed,
  op: string,
  name: string | undefined,
): { readonly constant: string; readonly value: string } | undefined {
  const node = giver.get(name ?? '');
  const constant = node?.inputs.find(isConstant);
  const value = node?.inputs.find(input => !isConstant(input));
  return node?.op === op && constant !== undefined && value !== undefined ? { constant, value } : undefined;
}

/** Whether a value is the square of another. */
function isSquare(side: Followed, name: string, of: string): boolean {
  const node = side.giver.get(name);
  if (node?.op === 'Mul') return node.inputs.every(input => input === of);
  return node?.op === 'Pow' && node.inputs[0] === of && numberOf(side, node.inputs[1]) === 2;
}

/** Of the mean over the last dimensions what it is of, and how many these are. */
function meanOf({ giver, constants }: Followed, name: string): { readonly of: string; readonly count: number } | undefined {
  const node = giver.get(name);
  if (node?.op !== 'ReduceMean' || node.attributes.keepdims === 0) return undefined;
  const given = node.attributes.axes ?? constants.get(node.inputs[1] ?? '')?.data;
  const axes = Array.isArray(given) ? [...(given as readonly number[])].sort((a, b) => a - b) : [];
  const isLast = axes.length > 0 && axes.every((axis, i) => axis === i - axes.length);
  return isLast ? { of: node.inputs[0]!, count: axes.length } : undefined;
}

/** (x - mean) / sqrt(variance + eps) over the last dimensions, times and plus what is learned, as it is written before opset 17. */
function asLayerNorm(side: Followed, node: OnnxNode): OnnxNode | undefined {
  const { giver } = side;
  const shifted = withConstant(side, 'Add', node.outputs[0]);
  const scaled = withConstant(side, 'Mul', shifted?.value ?? node.outputs[0]);
  const last = scaled ? giver.get(scaled.value) : node;
  if (last?.op !== 'Div' || (shifted && !scaled)) return undefined;
  const [centred = '', deviation = ''] = last.inputs;
  const less = giver.get(centred);
  const [x = '', mean = ''] = less?.op === 'Sub' ? less.inputs : [];
  const root = giver.get(deviation);
  const sum = root?.op === 'Sqrt' ? withConstant(side, 'Add', root.inputs[0]) : undefined;
  const eps = numberOf(side, sum?.constant);
  const [first, second] = [meanOf(side, mean), meanOf(side, sum?.value ?? '')];
  if (eps === undefined || first?.of !== x || second?.count !== first.count || !isSquare(side, second.of, centred)) return undefined;
  return {
    ...node,
    op: 'LayerNormalization',
    inputs: [x, ...(scaled ? [scaled.constant] : []), ...(shifted ? [shifted.constant] : [])],
    attributes: { axis: -first.count, epsilon: { float: eps } },
  };
}

/** What gives the same values in some shape, or with zeros around them. */
const AROUND = new Set(['Reshape', 'Squeeze', 'Unsqueeze', 'Identity', 'Cast', 'Pad']);

/** x / (k + alpha mean of squares)^beta, the mean over channels side by side by a window of its own, as PyTorch writes LocalResponseNorm. */
function asLrn(side: Followed, node: OnnxNode): OnnxNode | undefined {
  const { giver } = side;
  const [x = '', base = ''] = node.inputs;
  const power = giver.get(base);
  if (node.op !== 'Div' || power?.op !== 'Pow') return undefined;
  const before = (name: string): OnnxNode | undefined => {
    let at = giver.get(name);
    while (at && AROUND.has(at.op)) at = giver.get(at.inputs[0]!);
    return at;
  };
  const sum = withConstant(side, 'Add', power.inputs[0]);
  const product = withConstant(side, 'Mul', sum?.value);
  const pool = before(product?.value ?? '');
  const window = pool?.op === 'AveragePool' ? pool.attributes.kernel_shape : undefined;
  const [size = 0, ...others] = Array.isArray(window) ? (window as readonly number[]) : [];
  const square = pool && before(pool.inputs[0]!);
  const numbers = [product?.constant, sum?.constant, power.inputs[1]].map(name => numberOf(side, name));
  const [alpha, k, beta] = numbers.map(float => ({ float: float! }));
  // windows of an even size begin at other channels in ONNX
  if (numbers.includes(undefined) || size % 2 === 0 || others.some(n => n !== 1) || !square || !isSquare(side, square.outputs[0]!, x))
    return undefined;
  return { ...node, op: 'LRN', inputs: [x], attributes: { size, alpha: alpha!, beta: beta!, bias: k! } };
}

/** Whether `name` is what the tanh of a GELU is of, sqrt(2 / pi) (x + 0.044715 x^3), however that is written. */
function isGeluCubic(side: Followed, name: string, x: string): boolean {
  const at = (name: string, value: number, depth: number): number => {
    if (name === x) return value;
    const number = numberOf(side, name);
    if (number !== undefined || depth === 0) return number ?? NaN;
    const node = side.giver.get(name);
    const [a = NaN, b = NaN] = node?.inputs.map(input => at(input, value, depth - 1)) ?? [];
    return ({ Add: a + b, Mul: a * b, Div: a / b, Pow: a ** b } as Readonly<Record<string, number>>)[node?.op ?? ''] ?? NaN;
  };
  return [-2, -0.5, 1, 3].every(v => Math.abs(at(name, v, 8) - Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)) < 1e-4);
}

/** x (1 + erf(x / sqrt(2))) / 2, or its form by tanh, in any order of the two products. */
function asGelu(side: Followed, node: OnnxNode): OnnxNode | undefined {
  const { giver } = side;
  if (node.op !== 'Mul') return undefined;
  const isNumber = (name: string, value: number) => Math.abs((numberOf(side, name) ?? NaN) - value) < 1e-6;
  for (const [i, name] of node.inputs.entries()) {
    const inner = giver.get(name);
    if (inner?.op !== 'Mul') continue;
    const factors = [node.inputs[1 - i]!, ...inner.inputs];
    const others = factors.filter(factor => !isNumber(factor, 0.5));
    const sum = others.find(factor => giver.get(factor)?.op === 'Add' && giver.get(factor)!.inputs.some(term => isNumber(term, 1)));
    const x = others.find(factor => factor !== sum);
    if (others.length !== 2 || !sum || !x) continue;
    const curve = giver.get(giver.get(sum)!.inputs.find(term => !isNumber(term, 1)) ?? '');
    if (curve?.op === 'Tanh' && isGeluCubic(side, curve.inputs[0]!, x))
      return { ...node, op: 'Gelu', inputs: [x], attributes: { approximate: 'tanh' } };
    const scaled = curve?.op === 'Erf' ? giver.get(curve.inputs[0]!) : undefined;
    const by = scaled && { Mul: Math.SQRT1_2, Div: Math.SQRT2 }[scaled.op];
    if (by && scaled.inputs.includes(x) && scaled.inputs.some(factor => isNumber(factor, by))) return { ...node, op: 'Gelu', inputs: [x] };
  }
  return undefined;
}

/** [rows, columns] -> [columns, rows]. */
export function transposed({ shape: [rows = 0, columns = 0], data }: Constant): { shape: readonly number[]; data: Float32Array } {
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = data[r * columns + c]!;
  return { shape: [columns, rows], data: out };
}
