/** A node of an ONNX file as whoever makes a layer of it reads it. */
import { DescentError, show } from '../../engine/check.ts';
import type { Graph } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { OPSET, type Constant, type OnnxNode } from './net.ts';

/** What a node makes of its inputs: a tensor, or where these are all known a constant. */
export type Value = Tensor | Constant;

export const isConstant = (value: Value): value is Constant => 'data' in value;

/** A node as the reader of its operator sees it. */
export interface Reading {
  readonly node: OnnxNode;
  /** The version of the operators. */
  readonly opset: number;
  /** Throws what is wrong with the node, in the words of its file. */
  fail(problem: string, advice?: string): never;
  /** An input as it is; undefined where it is left out. */
  value(i: number): Value | undefined;
  tensor(i: number): Tensor;
  constant(i: number): Constant;
  whole(name: string, otherwise: number): number;
  float(name: string, otherwise: number): number;
  list(name: string): readonly number[] | undefined;
  word(name: string, otherwise: string): string;
  /** A layer of its own on an input; its parameters and buffers begin with these values. */
  layer(layer: (g: Graph, x: Tensor) => Tensor, x: Tensor, weights?: Readonly<Record<string, Constant | undefined>>): Tensor;
}

/** `path` is the scope of the node's layer: where its weights have names, what these have in common. */
export function readingOf(
  g: Graph,
  node: OnnxNode,
  path: string,
  values: ReadonlyMap<string, Value>,
  file: string,
  opset = OPSET,
): Reading {
  const fail = (problem: string, advice = 'export it in another way'): never => {
    throw new DescentError(`${file}: ${node.op} ${node.name || node.outputs[0]}: ${problem}`, advice);
  };
  const value = (i: number) => (node.inputs[i] ? values.get(node.inputs[i]!) : undefined);
  const { attributes } = node;
  return {
    node,
    opset,
    fail,
    value,
    tensor(i) {
      const found = value(i);
      return found && !isConstant(found) ? found : fail(`its input ${i} is ${found ? 'a constant' : 'missing'}`);
    },
    constant(i) {
      const found = value(i);
      return found && isConstant(found) ? found : fail(`its input ${i} ${found ? 'is computed from the image' : 'is missing'}`);
    },
    whole(name, otherwise) {
      const found = attributes[name] ?? otherwise;
      return typeof found === 'number' ? found : fail(`${name} is no whole number`);
    },
    float(name, otherwise) {
      const found = attributes[name];
      return typeof found === 'object' && 'float' in found ? found.float : otherwise;
    },
    list(name) {
      const found = attributes[name];
      return found === undefined || Array.isArray(found) ? found : fail(`${name} is no list of whole numbers`);
    },
    word(name, otherwise) {
      const found = attributes[name] ?? otherwise;
      return typeof found === 'string' ? found : fail(`${name} is no word`);
    },
    layer(layer, x, weights = {}) {
      const before = new Set(g.init.keys());
      const y = g.scope(path, () => layer(g, x));
      for (const t of g.init.keys()) {
        const name = t.name.slice(t.name.lastIndexOf('.') + 1);
        const given = weights[name];
        if (before.has(t) || !given) continue;
        if (given.data.length !== t.size) fail(`its ${name} is ${show(given.shape)}, expected ${show(t.shape)}`);
        g.init.set(t, () => Float32Array.from(given.data));
      }
      return y;
    },
  };
}
