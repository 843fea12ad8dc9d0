/** ONNX nets as plain values, and as files (onnx.proto). */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type * as onnx from 'onnx-buf';
import { DescentError, show } from '../../engine/check.ts';
import type { OnnxAttribute } from '../../engine/onnx.ts';
import { halfValue } from '../run/read-safetensors.ts';

/** Constant values: float32, or whole numbers. */
export interface Constant {
  readonly shape: readonly number[];
  readonly data: Float32Array | readonly number[];
}

export interface OnnxNode {
  readonly name: string;
  readonly op: string;
  /** Names of values; an empty one is an input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute | Constant>>;
}

/** An input or output; a size that is a word may be any. */
export interface OnnxValue {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

export interface OnnxNet {
  /** In an order in which each comes after those whose values it takes. */
  readonly nodes: readonly OnnxNode[];
  readonly constants: ReadonlyMap<string, Constant>;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: Readonly<Record<string, string>>;
  /** The version of the operators that the file is written in; without it that of the files written here. */
  readonly opset?: number | undefined;
}

export const OPSET = 17;
/** The version of the file format that came with the opset. */
const IR = 8n;

type Proto = typeof import('./proto.ts');

/** The format's own reader and writer: whoever has nothing to do with ONNX does not load them. */
const loadProto = (): Promise<Proto> =>
  import('./proto.ts').catch(({ message }: Error) => {
    throw new DescentError(
      `the reader of ONNX files cannot be loaded (${message})`,
      'check the connection',
      'have train/onnx/proto.js of the package beside descent.min.js',
    );
  });

const whole = (values: readonly number[]): bigint[] => values.map(BigInt);

/** The bytes of a file. */
export async function encodeOnnx({
  nodes,
  constants,
  inputs,
  outputs,
  metadata,
  opset = OPSET,
}: OnnxNet): Promise<Uint8Array<ArrayBuffer>> {
  const onnx = await loadProto();
  const { create } = onnx;
  const model = create(onnx.ModelProtoSchema, {
    irVersion: IR,
    opsetImport: [create(onnx.OperatorSetIdProtoSchema, { domain: '', version: BigInt(opset) })],
    producerName: 'descent',
    graph: create(onnx.GraphProtoSchema, {
      name: metadata.model ?? 'net',
      input: inputs.map(value => valueMessage(onnx, value)),
      output: outputs.map(value => valueMessage(onnx, value)),
      initializer: Array.from(constants, ([name, constant]) => tensorMessage(onnx, name, constant)),
      node: nodes.map(({ name, op, inputs, outputs, attributes }) => {
        const attribute = Object.entries(attributes).map(([key, value]) => attributeMessage(onnx, key, value));
        return create(onnx.NodeProtoSchema, { name, opType: op, input: [...inputs], output: [...outputs], attribute });
      }),
    }),
    metadataProps: Object.entries(metadata).map(([key, value]) => create(onnx.StringStringEntryProtoSchema, { key, value })),
  });
  return onnx.toBinary(onnx.ModelProtoSchema, model);
}

function tensorMessage(proto: Proto, name: string, { shape, data }: Constant): onnx.TensorProto {
  const { FLOAT, INT64 } = proto.TensorProto_DataType;
  const floats = data instanceof Float32Array;
  const { buffer, byteOffset, byteLength } = floats ? data : BigInt64Array.from(whole(data));
  const rawData = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
  return proto.create(proto.TensorProtoSchema, { name, dims: whole(shape), dataType: floats ? FLOAT : INT64, rawData });
}

function valueMessage(proto: Proto, { name, shape }: OnnxValue): onnx.ValueInfoProto {
  const { create } = proto;
  const dim = shape.map(size =>
    create(proto.TensorShapeProto_DimensionSchema, {
      value: typeof size === 'string' ? { case: 'dimParam', value: size } : { case: 'dimValue', value: BigInt(size) },
    }),
  );
  const value = create(proto.TypeProto_TensorSchema, {
    elemType: proto.TensorProto_DataType.FLOAT,
    shape: create(proto.TensorShapeProtoSchema, { dim }),
  });
  return create(proto.ValueInfoProtoSchema, { name, type: create(proto.TypeProtoSchema, { value: { case: 'tensorType', value } }) });
}

function attributeMessage(proto: Proto, name: string, value: OnnxNode['attributes'][string]): onnx.AttributeProto {
  const { FLOAT, INT, INTS, STRING, TENSOR } = proto.AttributeProto_AttributeType;
  const made = (fields: MessageInitShape<typeof onnx.AttributeProtoSchema>) =>
    proto.create(proto.AttributeProtoSchema, { ...fields, name } as typeof fields);
  if (typeof value === 'number') return made({ type: INT, i: BigInt(value) });
  if (typeof value === 'string') return made({ type: STRING, s: new TextEncoder().encode(value) });
  if ('float' in value) return made({ type: FLOAT, f: value.float });
  if ('data' in value) return made({ type: TENSOR, t: tensorMessage(proto, '', value) });
  return made({ type: INTS, ints: whole(value) });
}

/** Reads a file by its path from the folder that a net lies in. */
export type Beside = (path: string) => Uint8Array | Promise<Uint8Array>;

/** Where a net comes from. */
interface Source {
  /** Its name in messages. */
  readonly file: string;
  /** The files that tensors lie in, by their paths. */
  readonly outside: ReadonlyMap<string, Uint8Array>;
  readonly proto: Proto;
}

/**
 * Reads a file; `file` is its name in messages, and `beside` reads the files that it says its tensors lie in, which do not leave its folder;
 * without it there is no folder. Throws where it is none, or holds what is not read here.
 */
export async function decodeOnnx(bytes: Uint8Array, file: string, beside?: Beside): Promise<OnnxNet> {
  const proto = await loadProto();
  let model: onnx.ModelProto;
  try {
    model = proto.fromBinary(proto.ModelProtoSchema, bytes);
  } catch {
    throw new DescentError(`${file}: is no ONNX file, or a damaged one`, 'fetch or write it again');
  }
  const { graph } = model;
  if (!graph?.node.length) throw new DescentError(`${file}: is no ONNX file with a graph in it`, 'fetch or write it again');
  const foreign = graph.node.find(({ domain }) => domain !== '' && domain !== 'ai.onnx');
  if (foreign) {
    const problem = `node ${foreign.name || foreign.opType} is of the operators of ${foreign.domain}`;
    throw new DescentError(`${file}: ${problem}`, 'export it with standard operators alone');
  }
  const source = { file, proto, outside: await outsideOf(graph, file, proto, beside) };
  const constants = new Map(graph.initializer.map(t => [t.name, constantOf(t, source)]));
  const nodes: OnnxNode[] = [];
  for (const { name, opType: op, input: inputs, output: outputs, attribute } of graph.node) {
    const attributes = Object.fromEntries(attribute.map(a => [a.name, attributeOf(a, source)] as const));
    const [value, shape] = inputs.map(input => constants.get(input));
    const known =
      op === 'Constant'
        ? heldBy(attributes)
        : op === 'Identity'
          ? value
          : op === 'Reshape' && value && shape
            ? reshaped(value, shape)
            : undefined;
    if (known) constants.set(outputs[0]!, known);
    else nodes.push({ name, op, inputs, outputs, attributes });
  }
  const inputs = graph.input.filter(({ name }) => !constants.has(name));
  for (const { name, type } of inputs) {
    const { elemType = 0 } = type?.value.case === 'tensorType' ? type.value.value : {};
    if (!FLOATS.includes(elemType))
      throw new DescentError(`${file}: its input ${name} is of type ${typeOf(proto, elemType)}`, 'export the net in float32');
  }
  return {
    nodes,
    constants,
    inputs: inputs.map(valueOfMessage),
    outputs: graph.output.map(valueOfMessage),
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
    opset: Number(model.opsetImport.find(({ domain }) => !domain || domain === 'ai.onnx')?.version ?? OPSET),
  };
}

/** What a node Constant holds. */
function heldBy({
  value,
  value_float: float,
  value_int: int,
  value_ints: ints,
  value_floats: floats,
}: OnnxNode['attributes']): Constant | undefined {
  if (typeof value === 'object' && 'data' in value) return value;
  if (typeof float === 'object' && 'float' in float) return { shape: [], data: Float32Array.of(float.float) };
  if (typeof int === 'number') return { shape: [], data: [int] };
  if (typeof floats === 'object' && 'data' in floats) return floats;
  return Array.isArray(ints) ? { shape: [ints.length], data: ints as readonly number[] } : undefined;
}

/** Constant values in the shape that a constant says. */
export function reshaped(value: Constant, shape: Constant): Constant {
  const sizes = Array.from(shape.data, (size, i) => (size === 0 ? value.shape[i]! : size));
  const known = sizes.reduce((all, size) => (size < 0 ? all : all * size), 1);
  return { ...value, shape: sizes.map(size => (size < 0 ? value.data.length / known : size)) };
}

const valueOfMessage = ({ name, type }: onnx.ValueInfoProto): OnnxValue => {
  const dims = type?.value.case === 'tensorType' ? (type.value.value.shape?.dim ?? []) : [];
  return { name, shape: dims.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : (value.value ?? 'any'))) };
};

function attributeOf({ name, type, f, i, s, t, ints, floats }: onnx.AttributeProto, source: Source): OnnxNode['attributes'][string] {
  const types = source.proto.AttributeProto_AttributeType;
  if (type === types.FLOAT) return { float: f };
  if (type === types.INT) return Number(i);
  if (type === types.STRING) return new TextDecoder().decode(s);
  if (type === types.INTS) return ints.map(Number);
  if (type === types.FLOATS) return { shape: [floats.length], data: Float32Array.from(floats) };
  if (type === types.TENSOR && t) return constantOf(t, source);
  throw new DescentError(`${source.file}: the attribute ${name} is of a kind that is not read`, 'export the net without control flow');
}

/** Types of elements by their numbers in onnx.proto. */
const TYPES = { UNDEFINED: 0, FLOAT: 1, INT32: 6, INT64: 7, BOOL: 9, FLOAT16: 10, DOUBLE: 11, BFLOAT16: 16 } as const;

/** A type of elements as onnx.proto calls it. */
const typeOf = (proto: Proto, type: number): string => proto.TensorProto_DataType[type] ?? String(type);

/** Types of what goes into nets that are computed in float32 here; a file need not say one. */
export const FLOATS: readonly number[] = [TYPES.UNDEFINED, TYPES.FLOAT, TYPES.FLOAT16, TYPES.DOUBLE, TYPES.BFLOAT16];

/** The value of a bfloat16. */
const brainValue = (bits: number): number => new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;

/** Of each type of element that is read: where its values stand, and how bytes become values. */
const ELEMENTS: Readonly<
  Record<number, { listed: (t: onnx.TensorProto) => readonly (number | bigint)[]; read: (b: ArrayBuffer) => Iterable<number | bigint> }>
> = {
  [TYPES.FLOAT]: { listed: t => t.floatData, read: b => new Float32Array(b) },
  [TYPES.DOUBLE]: { listed: t => t.doubleData, read: b => new Float64Array(b) },
  [TYPES.FLOAT16]: { listed: t => t.int32Data.map(halfValue), read: b => Array.from(new Uint16Array(b), halfValue) },
  [TYPES.BFLOAT16]: { listed: t => t.int32Data.map(brainValue), read: b => Array.from(new Uint16Array(b), brainValue) },
  [TYPES.INT64]: { listed: t => t.int64Data, read: b => new BigInt64Array(b) },
  [TYPES.INT32]: { listed: t => t.int32Data, read: b => new Int32Array(b) },
  [TYPES.BOOL]: { listed: t => t.int32Data, read: b => new Uint8Array(b) },
};

/** Throws what is wrong with a tensor. */
type Fail = (problem: string, advice: string) => never;

const failureOf =
  (file: string, { name }: onnx.TensorProto): Fail =>
  (problem, advice) => {
    throw new DescentError(`${file}: tensor '${name}' ${problem}`, advice);
  };

function constantOf(t: onnx.TensorProto, { file, outside, proto }: Source): Constant {
  const fail = failureOf(file, t);
  const { listed, read } = ELEMENTS[t.dataType] ?? fail(`has elements of type ${typeOf(proto, t.dataType)}`, 'export the net in float32');
  const shape = t.dims.map(Number);
  const count = shape.reduce((a, b) => a * b, 1);
  let values: Iterable<number | bigint> = listed(t);
  const raw = t.dataLocation === proto.TensorProto_DataLocation.EXTERNAL ? rangeOf(t, outside, fail) : t.rawData;
  if (raw.length) {
    try {
      values = read(new Uint8Array(raw).buffer);
    } catch {
      fail(`has ${raw.length} bytes, which are no whole number of elements`, 'fetch or write the file again');
    }
  }
  const isWhole = [TYPES.INT64, TYPES.INT32, TYPES.BOOL].some(type => type === t.dataType);
  const data = isWhole
    ? Array.from(values, Number)
    : values instanceof Float32Array
      ? values
      : Float32Array.from(Array.from(values, Number));
  if (data.length !== count) fail(`${show(shape)} has ${data.length} values`, 'fetch or write the file again');
  return { shape, data };
}

/** Where a tensor lies that lies in another file, as the format has it: in words. */
const placeOf = (t: onnx.TensorProto): Partial<Record<string, string>> =>
  Object.fromEntries(t.externalData.map(({ key, value }) => [key, value]));

/** The files in which tensors of a graph lie. Throws, before any is read, where one is not in the folder of the net. */
async function outsideOf(graph: onnx.GraphProto, file: string, proto: Proto, beside: Beside | undefined) {
  const held = graph.node.flatMap(({ attribute }) => attribute.flatMap(({ t }) => t ?? []));
  const apart = [...graph.initializer, ...held].filter(t => t.dataLocation === proto.TensorProto_DataLocation.EXTERNAL);
  const locations = apart.map(t => {
    const fail = failureOf(file, t);
    if (!beside) fail('lies in another file', 'export the net as one file, as torch.onnx.export does with external_data=False');
    const { location = '' } = placeOf(t);
    const leaves = !location || /^([/\\]|\w:)/.test(location) || location.split(/[/\\]/).includes('..');
    return leaves ? fail(`lies in '${location}', which is no file beside the net`, 'export the net again') : location;
  });
  const files = new Map<string, Uint8Array>();
  for (const location of new Set(locations)) files.set(location, await beside!(location));
  return files;
}

/** The bytes of a tensor that lies in another file. */
function rangeOf(t: onnx.TensorProto, outside: Source['outside'], fail: Fail): Uint8Array {
  const { location = '', offset = '0', length } = placeOf(t);
  const all = outside.get(location)!;
  const from = Number(offset);
  const to = length === undefined ? all.length : from + Number(length);
  const isRange = [from, to].every(Number.isSafeInteger) && from >= 0 && from <= to && to <= all.length;
  if (!isRange) fail(`lies at bytes ${from} to ${to} of ${location}, which has ${all.length}`, 'fetch or write both files again');
  return all.subarray(from, to);
}
