/** A model of our layers as nodes of ONNX's operators, which its layers say that they are. */
import { check, show } from '../../engine/check.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { OnnxGraph } from '../../engine/onnx.ts';
import type { BuiltModel } from '../evaluate/built.ts';
import type { Constant, OnnxNode } from './net.ts';

/** Nodes and constants as they come. */
export interface Collected extends OnnxGraph {
  /** The layer that the next nodes belong to, by which they are named. */
  path: string;
  readonly nodes: OnnxNode[];
  /** Without the net's weights, which are `used` by name. */
  readonly constants: Map<string, Constant>;
  readonly used: Set<string>;
  readonly node: (...args: [...Parameters<OnnxGraph['node']>, output?: string]) => string;
}

export function collecting(): Collected {
  const nodes: OnnxNode[] = [];
  const constants = new Map<string, Constant>();
  const used = new Set<string>();
  const names = new Set<string>();
  /** A name under the present path that nothing has yet. */
  const named = (what: string): string => {
    let name = `${o.path}/${what}`;
    for (let n = 2; names.has(name); n++) name = `${o.path}/${what} ${n}`;
    names.add(name);
    return name;
  };
  const constant = (value: Constant): string => {
    const name = named('constant');
    constants.set(name, value);
    return name;
  };
  const o: Collected = {
    path: '',
    nodes,
    constants,
    used,
    node(op, given, attributes = {}, output) {
      const name = named(op);
      const inputs = given.slice(0, given.findLastIndex(value => value !== undefined) + 1).map(value => value ?? '');
      nodes.push({ name, op, inputs, outputs: [output ?? name], attributes });
      return output ?? name;
    },
    weight({ name }) {
      used.add(name);
      return name;
    },
    floats(values, shape) {
      const data = Float32Array.from(typeof values === 'number' ? [values] : values);
      return constant({ shape: shape ?? (typeof values === 'number' ? [] : [data.length]), data });
    },
    integers: values => constant({ shape: [values.length], data: [...values] }),
  };
  return o;
}

/** Adds the nodes of a model that was built, from the value `x` of its images; returns its output. Throws where a layer has no form. */
export function addNodes(o: Collected, { graph, images, output }: BuiltModel, x: string): string {
  const values = new Map([[images, x]]);
  /** The value of a tensor, in the shape that its reader sees. */
  const valueIn = (t: Tensor, reader: string): string => {
    const { base } = t;
    const value = values.get(base ?? t);
    check(value !== undefined, `onnx: ${reader} reads values that no layer says it gives`, 'have their layer call g.record');
    return base && show(base.shape) !== show(t.shape) ? o.node('Reshape', [value, o.integers([-1, ...t.shape.slice(1)])]) : value;
  };
  for (const { path, inputs, output, onnx } of graph.layers) {
    o.path = path || 'model';
    check(onnx, `onnx: the layer ${o.path} has no ONNX form`, 'leave it out, or have its g.record say { onnx }');
    const given = inputs.map(t => valueIn(t, o.path));
    values.set(output, onnx(o, ...given));
  }
  o.path = 'output';
  return valueIn(output, 'the output');
}
