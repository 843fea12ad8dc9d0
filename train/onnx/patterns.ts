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
export const whole = (side: Followed, node: OnnxNode): OnnxNode => asGelu(side, node) ?? asGemm(side, node) ?? node;

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

/** x (1 + erf(x / sqrt(2))) / 2, in any order of its two products. */
function asGelu({ giver, constants }: Followed, node: OnnxNode): OnnxNode | undefined {
  if (node.op !== 'Mul') return undefined;
  const isNumber = (name: string, value: number) => {
    const data = constants.get(name)?.data;
    return data?.length === 1 && Math.abs(data[0]! - value) < 1e-6;
  };
  for (const [i, name] of node.inputs.entries()) {
    const inner = giver.get(name);
    if (inner?.op !== 'Mul') continue;
    const factors = [node.inputs[1 - i]!, ...inner.inputs];
    const others = factors.filter(factor => !isNumber(factor, 0.5));
    const sum = others.find(factor => giver.get(factor)?.op === 'Add' && giver.get(factor)!.inputs.some(term => isNumber(term, 1)));
    const x = others.find(factor => factor !== sum);
    if (others.length !== 2 || !sum || !x) continue;
    const erf = giver.get(giver.get(sum)!.inputs.find(term => !isNumber(term, 1)) ?? '');
    const scaled = erf?.op === 'Erf' ? giver.get(erf.inputs[0]!) : undefined;
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
