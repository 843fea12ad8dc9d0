/** The weights of an ONNX file as those of a model of ours that is the same net: by their names, else by their places in it. */
import { check, show } from '../../engine/check.ts';
import type { Layer } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { Tensors } from '../run/safetensors.ts';
import { built } from '../evaluate/built.ts';
import { addNodes, collecting } from './form.ts';
import type { Constant, OnnxNet, OnnxNode } from './net.ts';
import { giversOf, transposed, whole, type Followed } from './patterns.ts';

/**
 * The weights of `net` under the names of `model`, for images [c, h, w]. A file that keeps our names is taken by them; else both nets are
 * followed from their outputs back to the images. Batch norm may be folded into the convolutions of the file: ours then passes on what they
 * give. Throws where the nets differ, and says where.
 */
export function weightsOf(net: OnnxNet, file: string, model: Layer, shape: readonly number[]): Tensors {
  const ours = built(model, shape);
  const named = byName(net, ours.weights);
  if (named) return named;
  const o = collecting();
  const output = addNodes(o, ours, 'image');
  const weights = new Map(ours.weights.map(t => [t.name, t] as const));
  const giver = giversOf(o.nodes);
  const nets: Nets = {
    mine: {
      giver,
      images: new Set(['image']),
      constants: o.constants,
      isConstant: name => weights.has(asWeight(giver, name)) || o.constants.has(name),
      known: knownIn(o.nodes, [...weights.keys(), ...o.constants.keys()]),
    },
    theirs: {
      giver: giversOf(net.nodes),
      images: new Set(net.inputs.map(v => v.name)),
      constants: net.constants,
      isConstant: name => net.constants.has(name),
      known: knownIn(net.nodes, net.constants.keys()),
    },
    weights,
    known: new Map(),
    furthest: { problem: 'it has no output', steps: -1 },
  };
  const found = follow(nets, [output, net.outputs[0]?.name ?? '', 0]);
  const advice = 'name the model that it is of, or give the file itself as the model';
  check(found, `${file}: is another net than the model, ${nets.furthest.problem}`, advice);
  const tensors = Object.assign({}, ...[...everyOf(found)].map(({ own }) => own)) as Tensors;
  const missing = ours.weights.find(t => !Object.hasOwn(tensors, t.name));
  check(!missing, `${file}: has nothing for the model's ${missing?.name}`, advice);
  return tensors;
}

/** The tensors that have the names and shapes of `own`, if all are there. */
function byName({ constants }: OnnxNet, own: readonly Tensor[]): Tensors | undefined {
  const fits = own.every(t => constants.has(t.name) && show(constants.get(t.name)!.shape) === show(t.shape));
  return fits ? Object.fromEntries(own.map(t => [t.name, tensorOf(constants.get(t.name)!)])) : undefined;
}

/** What is known before any image: `given`, sizes, and what nodes make of these. */
function knownIn(nodes: readonly OnnxNode[], given: Iterable<string>): Set<string> {
  const known = new Set(given);
  for (const { op, inputs, outputs } of nodes) {
    if (op === 'Shape' || inputs.every(name => !name || known.has(name))) for (const name of outputs) known.add(name);
  }
  return known;
}

/** The weight that is given another shape, else the value itself. */
const asWeight = (giver: ReadonlyMap<string, OnnxNode>, name: string): string => {
  const node = giver.get(name);
  return node?.op === 'Reshape' ? node.inputs[0]! : name;
};

const tensorOf = ({ shape, data }: Constant): Tensors[string] => ({ shape, data: Float32Array.from(data) });

/** One of two nets, to be followed from values to the nodes that give them. */
interface Side extends Followed {
  readonly images: ReadonlySet<string>;
  /** Values that do not depend on what the images show: constants, and what exporters compute sizes with. */
  readonly known: ReadonlySet<string>;
}

interface Nets {
  readonly mine: Side;
  readonly theirs: Side;
  /** Ours. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Pairs of values that were followed already: a net of many shortcuts has as many ways back. */
  readonly known: Map<string, Found | undefined>;
  /** The difference that was met after most steps. */
  furthest: { readonly problem: string; readonly steps: number };
}

/** The weights of two nodes that are the same, and of those before them. */
interface Found {
  readonly own: Tensors;
  readonly before: readonly Found[];
}

function everyOf(found: Found): Set<Found> {
  const all = new Set([found]);
  for (const { before } of all) for (const one of before) all.add(one); // a set goes through what is added meanwhile too
  return all;
}

/** A node, and the batch norm of what it gives. */
interface Unit {
  readonly node: OnnxNode;
  readonly norm?: OnnxNode;
}

/** The path of the layer of ours that a node is of. */
const layerOf = ({ node }: Unit): string => node.name.replace(/\/[^/]*$/, '');

/** What gives the same values in some shape, or at inference. */
const SILENT = new Set(['Identity', 'Dropout', 'Flatten', 'Reshape', 'Squeeze', 'Unsqueeze', 'Cast']);
const LINEAR = new Set(['Conv', 'ConvTranspose', 'Gemm']);
/** Nodes with weights, and of which inputs. */
const WEIGHTED: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [1, 2],
  BatchNormalization: [1, 2, 3, 4],
  LayerNormalization: [1, 2],
  PRelu: [1],
};
/** Attributes that must agree where both nodes have them; pads of pools are those of PyTorch or what rounding up amounts to. */
const TOLD = ['kernel_shape', 'strides', 'dilations', 'group', 'axis', 'epsilon', 'alpha', 'beta', 'bias', 'size', 'pads', 'approximate'];

/** What gives a value; `images` where that are the images, undefined where it is a constant. */
function unitOf(side: Side, value: string): Unit | 'images' | undefined {
  let at = value;
  for (;;) {
    if (side.images.has(at)) return 'images';
    const node = side.giver.get(at);
    if (!node) return undefined;
    if (!SILENT.has(node.op)) break;
    at = node.inputs[0]!;
  }
  const node = whole(side, side.giver.get(at)!);
  if (node.op !== 'BatchNormalization') return { node };
  const before = unitOf(side, node.inputs[0]!);
  return before && before !== 'images' && !before.norm && LINEAR.has(before.node.op) ? { node: before.node, norm: node } : { node };
}

/** A value of ours and one of the file's, and how many steps they are from the outputs. */
type Pair = readonly [mine: string, theirs: string, steps: number];

/** Yields the pairs whose weights it needs, and is given them. Nets are deeper than calls may nest. */
type Following<T> = Generator<Pair, T | undefined, Found | undefined>;

/** The weights that two values have before them; undefined where the nets differ there. */
function follow(nets: Nets, outputs: Pair): Found | undefined {
  const open = [pair(nets, outputs)];
  let found: Found | undefined;
  for (let last = open.at(-1); last; last = open.at(-1)) {
    const { done, value } = last.next(found);
    found = undefined;
    if (!done) open.push(pair(nets, value));
    else {
      open.pop();
      found = value;
    }
  }
  return found;
}

function* pair(nets: Nets, [a, b, steps]: Pair): Following<Found> {
  const differ = (problem: string): undefined => {
    if (steps > nets.furthest.steps) nets.furthest = { problem, steps };
    return undefined;
  };
  const mine = unitOf(nets.mine, a);
  const theirs = unitOf(nets.theirs, b);
  if (mine === 'images' || theirs === 'images' || !mine || !theirs)
    return mine && mine === theirs ? { own: {}, before: [] } : differ('which has other layers');
  const layer = layerOf(mine);
  if (mine.node.op !== theirs.node.op) return differ(`whose ${layer} is ${mine.node.op}, not ${theirs.node.op}`);
  for (const key of TOLD) {
    const [ours, given] = [mine.node, theirs.node].map(({ op, attributes }) => {
      if (key === 'approximate') return String(attributes[key] ?? 'none'); // of Gelu
      // axes are counted from either end, and the shape of the weights says the same
      return (key === 'pads' && /Pool/.test(op)) || (key === 'axis' && op === 'LayerNormalization') ? '' : inWords(attributes[key]);
    });
    if (ours && given && ours !== given) return differ(`whose ${layer} has ${key} ${ours}, not ${given}`);
  }
  const own = weightsOfUnit(nets, mine, theirs);
  if (typeof own === 'string') return differ(own);

  const values = (side: Side, { node }: Unit) =>
    node.inputs.filter((name, i) => name && !WEIGHTED[node.op]?.includes(i) && !side.known.has(name));
  const [ours, given] = [nets.mine, nets.theirs].map((side, i) => numbersOf(side, (i ? theirs : mine).node));
  if (ours && given && ours !== given) return differ(`whose ${layer} has ${ours}, not ${given}`);
  const inputs = values(nets.mine, mine);
  const others = values(nets.theirs, theirs);
  if (inputs.length !== others.length) return differ(`whose ${layer} takes ${inputs.length} values, not ${others.length}`);
  const commutes = inputs.length === 2 && ['Add', 'Mul'].includes(mine.node.op);
  const before =
    (yield* allOf(nets, inputs, others, steps + 1)) ??
    (commutes ? yield* allOf(nets, inputs, [...others].reverse(), steps + 1) : undefined);
  return before && { own, before };
}

function* allOf(nets: Nets, mine: readonly string[], theirs: readonly string[], steps: number): Following<Found[]> {
  const all: Found[] = [];
  for (const [i, a] of mine.entries()) {
    const key = `${a}\n${theirs[i]}`;
    if (!nets.known.has(key)) nets.known.set(key, yield [a, theirs[i]!, steps]);
    const found = nets.known.get(key);
    if (!found) return undefined;
    all.push(found);
  }
  return all;
}

/** The weights of a unit by our names, or what differs. */
function weightsOfUnit(nets: Nets, mine: Unit, theirs: Unit): Tensors | string {
  const own = weightsOfNode(nets, mine.node, theirs.node, mine.norm !== undefined && theirs.norm === undefined);
  if (typeof own === 'string') return own;
  if (!mine.norm) return theirs.norm ? `whose ${layerOf(mine)} has no batch norm` : own;
  if (theirs.norm) {
    const norm = weightsOfNode(nets, mine.norm, theirs.norm, false);
    return typeof norm === 'string' ? norm : { ...own, ...norm };
  }
  // the file's node holds the norm: ours passes on what comes, and adds what is the bias there
  const [, weight, bias, mean, variance] = mine.norm.inputs as [string, string, string, string, string];
  const {
    weights,
    theirs: { constants },
  } = nets;
  if (!weights.has(weight)) return `whose ${mean.replace(/\.[^.]*$/, '')} cannot pass on what is folded`;
  const { size, shape } = weights.get(mean)!;
  const filled = (value: number) => ({ shape, data: new Float32Array(size).fill(value) });
  const given = constants.get(theirs.node.inputs[2] ?? '');
  const { epsilon } = mine.norm.attributes;
  const eps = typeof epsilon === 'object' && 'float' in epsilon ? epsilon.float : 1e-5;
  const added = mine.node.inputs[2] ? filled(0) : given ? tensorOf(given) : filled(0);
  return { ...own, [weight]: filled(Math.sqrt(1 + eps)), [bias]: added, [mean]: filled(0), [variance]: filled(1) };
}

/** `absorbed` is whether what the file's node adds is taken by a norm of ours. */
function weightsOfNode(
  { weights, mine: side, theirs: { constants } }: Nets,
  mine: OnnxNode,
  theirs: OnnxNode,
  absorbed: boolean,
): Tensors | string {
  const own: Tensors = {};
  const sums = ['Add', 'Mul'].includes(mine.op);
  for (const i of sums ? mine.inputs.keys() : (WEIGHTED[mine.op] ?? [])) {
    const weight = weights.get(asWeight(side.giver, mine.inputs[i] ?? ''));
    const given = sums ? theirs.inputs.flatMap(name => constants.get(name) ?? [])[0] : constants.get(theirs.inputs[i] ?? '');
    if (!weight) {
      if (given && i === 2 && LINEAR.has(mine.op) && !absorbed) return `whose ${layerOf({ node: mine })} has no bias`;
      continue;
    }
    const { name, shape, size } = weight;
    if (!given && i !== 2) return `which has ${name}`;
    const tensor = given && (mine.op === 'Gemm' && i === 1 && !theirs.attributes.transB ? transposed(given) : tensorOf(given));
    if (tensor && bare(tensor.shape) !== bare(shape)) return `whose ${name} is ${show(shape)}, not ${show(tensor.shape)}`;
    own[name] = { shape, data: tensor?.data ?? new Float32Array(size) };
  }
  return own;
}

/** A shape without its ones. */
const bare = (shape: readonly number[]): string => show(shape.filter(size => size !== 1));

/** The number that a node adds or multiplies by, in words. */
function numbersOf({ constants }: Side, { op, inputs }: OnnxNode): string {
  const given = ['Add', 'Mul', 'Sub', 'Div'].includes(op) ? inputs.flatMap(name => constants.get(name) ?? []) : [];
  return given.length === 1 && given[0]!.data.length === 1 ? String(Number(given[0]!.data[0]!.toPrecision(5))) : '';
}

/** An attribute of numbers in words. */
function inWords(value: OnnxNode['attributes'][string] | undefined): string {
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.join('x');
  return typeof value === 'object' && 'float' in value ? String(Number(value.float.toPrecision(5))) : '';
}
