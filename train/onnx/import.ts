/** An ONNX file as a model of our layers: it trains, is evaluated and exported as any other. Its weights are the first ones. */
import { check, DescentError, named, say, suggestion } from '../../engine/check.ts';
import type { Layer } from '../../engine/graph.ts';
import { product } from '../../shaders/kernel/shape.ts';
import { reshape } from '../../layers/geometry.ts';
import type { Model } from '../../models/model.ts';
import type { Tensors } from '../run/safetensors.ts';
import { built } from '../evaluate/built.ts';
import type { OnnxNet, OnnxNode } from './net.ts';
import { readers } from './operators.ts';
import { giversOf, whole } from './patterns.ts';
import { isConstant, readingOf, type Value } from './reading.ts';

/** The model of a file; `file` is its name in messages. Throws where an operator has no layer here. */
export function modelOf(net: OnnxNet, file: string): Model {
  const image = net.inputs[0];
  const accepted = 'a net of one input is accepted: images [batch, c, h, w], signals [batch, c, l] or rows [batch, values]';
  check(image && net.inputs.length === 1, `${file}: takes ${net.inputs.length} inputs`, accepted);
  const rank = image.shape.length;
  check(rank > 1 && rank < 5, `${file}: its input ${image.name} ${rank ? `is [${image.shape.join(', ')}]` : 'has no shape'}`, accepted);
  const nodes = neededNodes(net);
  const unknown = nodes.find(({ op }) => !Object.hasOwn(readers, op));
  if (unknown) {
    const near = suggestion(unknown.op, Object.keys(readers));
    throw new DescentError(
      `${file}: the operator ${unknown.op} of ${unknown.name || unknown.outputs[0]} has no layer here`,
      `${near}known: ${Object.keys(readers).join(', ')}`,
    );
  }
  const paths = pathsOf(nodes, net);
  const model: Model = ({ shape }) => {
    const asked = image.shape.slice(1);
    const size = product(shape);
    // rows and signals: the values of a table's row, or of an image, one after another
    const isFlat = asked.length === 1 || asked.length === 2;
    const known = product(asked.filter(side => typeof side === 'number'));
    const sides = asked.map(side => (typeof side === 'number' ? side : Math.floor(size / known)));
    const fits = isFlat ? product(sides) === size : asked.every((side, i) => typeof side === 'string' || side === shape[i]);
    check(
      fits,
      `${file}: takes ${['images', 'rows', 'signals'][isFlat ? asked.length : 0]} of ${asked.join('x')}, these are ${shape.join('x')}`,
      say`give ${named('imageSize')}, or other data`,
    );
    return (g, x) => {
      const values = new Map<string, Value>([...net.constants, [image.name, isFlat ? reshape(g, x, [x.shape[0]!, ...sides]) : x]]);
      for (const node of nodes) {
        const given = readers[node.op]!(readingOf(g, node, paths.get(node)!, values, file, net.opset));
        for (const [i, value] of (Array.isArray(given) ? (given as readonly Value[]) : [given as Value]).entries())
          values.set(node.outputs[i]!, value);
      }
      const y = values.get(net.outputs[0]!.name);
      check(y && !isConstant(y), `${file}: its output does not depend on the image`);
      const [n, k, ...rest] = y.shape;
      return rest.length && rest.every(size => size === 1) ? reshape(g, y, [n!, k!]) : y; // a last convolution leaves its places
    };
  };
  return Object.assign(model, { about: `the net in ${file}` });
}

/** The weights that a model begins with, for images [c, h, w]. */
export function weightsIn(layer: Layer, shape: readonly number[]): Tensors {
  const { graph } = built(layer, shape);
  return Object.fromEntries(Array.from(graph.init, ([t, init]) => [t.name, { shape: t.shape, data: init(t.shape, t.name, graph.seed) }]));
}

/** The nodes on which the output depends, in order; a product by a matrix and what is added to it are one. */
function neededNodes(net: OnnxNet): OnnxNode[] {
  const { constants } = net;
  const side = { giver: giversOf(net.nodes), constants, isConstant: (name: string) => constants.has(name) };
  const wholes = new Map(net.nodes.map(node => [node, whole(side, node)] as const));
  const needed = new Set<OnnxNode>();
  const open = [net.outputs[0]?.name ?? ''];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = side.giver.get(name);
    if (!node || needed.has(node)) continue;
    needed.add(node);
    open.push(...wholes.get(node)!.inputs);
  }
  return net.nodes.filter(node => needed.has(node)).map(node => wholes.get(node)!);
}

/** A scope for each node: of a weight `conv1.weight` it is `conv1`, else the node's own name, else its operator and number. */
function pathsOf(nodes: readonly OnnxNode[], { constants }: OnnxNet): Map<OnnxNode, string> {
  const taken = new Map<string, string>();
  return new Map(
    nodes.map((node, i) => {
      const weight = node.inputs
        .slice(1)
        .find(name => constants.has(name) && /^[\w-]+(\.[\w-]+)*\.(weight|bias|running_mean|running_var)$/.test(name));
      const own = weight?.replace(/\.\w+$/, '') ?? (node.name.replace(/[^\w-]+/g, '_').replace(/^_|_$/g, '') || `${node.op}_${i}`);
      const key = weight ?? node.outputs[0]!;
      const clash = taken.has(own) && taken.get(own) !== key;
      const path = clash ? `${own}_${i}` : own;
      taken.set(path, key);
      return [node, path];
    }),
  );
}
