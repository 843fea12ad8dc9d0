/** ONNX nets as plain values, and as files (onnx.proto). */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import * as onnx from 'onnx-buf';
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

const whole = (values: readonly number[]): bigint[] => values.map(BigInt);

/** The bytes of a file. */
export function encodeOnnx({ nodes, constants, inputs, outputs, metadata, opset = OPSET }: OnnxNet): Uint8Array<ArrayBuffer> {
  const model = create(onnx.ModelProtoSchema, {
    irVersion: IR,
    opsetImport: [create(onnx.OperatorSetIdProtoSchema, { domain: '', version: BigInt(opset) })],
    producerName: 'descent',
    graph: create(onnx.GraphProtoSchema, {
      name: metadata.model ?? 'net',
      input: inputs.map(valueMessage),
      output: outputs.map(valueMessage),
      initializer: Array.from(constants, ([name, constant]) => tensorMessage(name, constant)),
      node: nodes.map(({ name, op, inputs, outputs, attributes }) => {
        const attribute = Object.entries(attributes).map(([key, value]) => attributeMessage(key, value));
        return create(onnx.NodeProtoSchema, { name, opType: op, input: [...inputs], output: [...outputs], attribute });
      }),
    }),
    metadataProps: Object.entries(metadata).map(([key, value]) => create(onnx.StringStringEntryProtoSchema, { key, value })),
  });
  return toBinary(onnx.ModelProtoSchema, model);
}

function tensorMessage(name: string, { shape, data }: Constant): onnx.TensorProto {
  const { FLOAT, INT64 } = onnx.TensorProto_DataType;
  const floats = data instanceof Float32Array;
  const { buffer, byteOffset, byteLength } = floats ? data : BigInt64Array.from(whole(data));
  const rawData = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
  return create(onnx.TensorProtoSchema, { name, dims: whole(shape), dataType: floats ? FLOAT : INT64, rawData });
}

function valueMessage({ name, shape }: OnnxValue): onnx.ValueInfoProto {
  const dim = shape.map(size =>
    create(onnx.TensorShapeProto_DimensionSchema, {
      value: typeof size === 'string' ? { case: 'dimParam', value: size } : { case: 'dimValue', value: BigInt(size) },
    }),
  );
  const value = create(onnx.TypeProto_TensorSchema, {
    elemType: onnx.TensorProto_DataType.FLOAT,
    shape: create(onnx.TensorShapeProtoSchema, { dim }),
  });
  return create(onnx.ValueInfoProtoSchema, { name, type: create(onnx.TypeProtoSchema, { value: { case: 'tensorType', value } }) });
}

function attributeMessage(name: string, value: OnnxNode['attributes'][string]): onnx.AttributeProto {
  const { FLOAT, INT, INTS, STRING, TENSOR } = onnx.AttributeProto_AttributeType;
  const made = (fields: Parameters<typeof create<typeof onnx.AttributeProtoSchema>>[1]) =>
    create(onnx.AttributeProtoSchema, { ...fields, name } as typeof fields);
  if (typeof value === 'number') return made({ type: INT, i: BigInt(value) });
  if (typeof value === 'string') return made({ type: STRING, s: new TextEncoder().encode(value) });
  if ('float' in value) return made({ type: FLOAT, f: value.float });
  if ('data' in value) return made({ type: TENSOR, t: tensorMessage('', value) });
  return made({ type: INTS, ints: whole(value) });
}

/** Where a net comes from. */
interface Source {
  /** Its name in messages. */
  readonly file: string;
  /** Reads a file by its path from the folder that the net lies in; without it there is none. */
  readonly beside?: ((path: string) => Uint8Array) | undefined;
}

/**
 * Reads a file; `file` is its name in messages, and `beside` reads the files that it says its tensors lie in, by their paths from its folder,
 * which they do not leave. Throws where it is none, or holds what is not read here.
 */
export function decodeOnnx(bytes: Uint8Array, file: string, beside?: Source['beside']): OnnxNet {
  const source = { file, beside };
  let model: onnx.ModelProto;
  try {
    model = fromBinary(onnx.ModelProtoSchema, bytes);
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
      throw new DescentError(`${file}: its input ${name} is of type ${typeOf(elemType)}`, 'export the net in float32');
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
  const types = onnx.AttributeProto_AttributeType;
  if (type === types.FLOAT) return { float: f };
  if (type === types.INT) return Number(i);
  if (type === types.STRING) return new TextDecoder().decode(s);
  if (type === types.INTS) return ints.map(Number);
  if (type === types.FLOATS) return { shape: [floats.length], data: Float32Array.from(floats) };
  if (type === types.TENSOR && t) return constantOf(t, source);
  throw new DescentError(`${source.file}: the attribute ${name} is of a kind that is not read`, 'export the net without control flow');
}

/** A type of elements as onnx.proto calls it. */
const typeOf = (type: number): string => onnx.TensorProto_DataType[type] ?? String(type);

/** Types of what goes into nets that are computed in float32 here; a file need not say one. */
export const FLOATS: readonly number[] = (['UNDEFINED', 'FLOAT', 'FLOAT16', 'DOUBLE', 'BFLOAT16'] as const).map(
  t => onnx.TensorProto_DataType[t],
);

/** The value of a bfloat16. */
const brainValue = (bits: number): number => new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;

/** Of each type of element that is read: where its values stand, and how bytes become values. */
const ELEMENTS: Readonly<
  Record<number, { listed: (t: onnx.TensorProto) => readonly (number | bigint)[]; read: (b: ArrayBuffer) => Iterable<number | bigint> }>
> = {
  [onnx.TensorProto_DataType.FLOAT]: { listed: t => t.floatData, read: b => new Float32Array(b) },
  [onnx.TensorProto_DataType.DOUBLE]: { listed: t => t.doubleData, read: b => new Float64Array(b) },
  [onnx.TensorProto_DataType.FLOAT16]: { listed: t => t.int32Data.map(halfValue), read: b => Array.from(new Uint16Array(b), halfValue) },
  [onnx.TensorProto_DataType.BFLOAT16]: {
    listed: t => t.int32Data.map(brainValue),
    read: b => Array.from(new Uint16Array(b), brainValue),
  },
  [onnx.TensorProto_DataType.INT64]: { listed: t => t.int64Data, read: b => new BigInt64Array(b) },
  [onnx.TensorProto_DataType.INT32]: { listed: t => t.int32Data, read: b => new Int32Array(b) },
  [onnx.TensorProto_DataType.BOOL]: { listed: t => t.int32Data, read: b => new Uint8Array(b) },
};

type Fail = (problem: string, advice: string) => never;

function constantOf(t: onnx.TensorProto, source: Source): Constant {
  const fail: Fail = (problem, advice) => {
    throw new DescentError(`${source.file}: tensor '${t.name}' ${problem}`, advice);
  };
  const { listed, read } = ELEMENTS[t.dataType] ?? fail(`has elements of type ${typeOf(t.dataType)}`, 'export the net in float32');
  const shape = t.dims.map(Number);
  const count = shape.reduce((a, b) => a * b, 1);
  let values: Iterable<number | bigint> = listed(t);
  const raw = t.dataLocation === onnx.TensorProto_DataLocation.EXTERNAL ? outside(t, source, fail) : t.rawData;
  if (raw.length) {
    try {
      values = read(new Uint8Array(raw).buffer);
    } catch {
      fail(`has ${raw.length} bytes, which are no whole number of elements`, 'fetch or write the file again');
    }
  }
  const { INT64, INT32, BOOL } = onnx.TensorProto_DataType;
  const isWhole = [INT64, INT32, BOOL].includes(t.dataType);
  const data = isWhole
    ? Array.from(values, Number)
    : values instanceof Float32Array
      ? values
      : Float32Array.from(Array.from(values, Number));
  if (data.length !== count) fail(`${show(shape)} has ${data.length} values`, 'fetch or write the file again');
  return { shape, data };
}

/** The bytes of a tensor that lies in another file. */
function outside(t: onnx.TensorProto, { beside }: Source, fail: Fail): Uint8Array {
  if (!beside) return fail('lies in another file', 'export the net as one file, as torch.onnx.export does with external_data=False');
  const { location = '', offset = '0', length } = Object.fromEntries(t.externalData.map(({ key, value }) => [key, value]));
  const leaves = !location || /^([/\\]|\w:)/.test(location) || location.split(/[/\\]/).includes('..');
  if (leaves) fail(`lies in '${location}', which is no file beside the net`, 'export the net again');
  const all = beside(location);
  const from = Number(offset);
  const to = length === undefined ? all.length : from + Number(length);
  const isRange = [from, to].every(Number.isSafeInteger) && from >= 0 && from <= to && to <= all.length;
  if (!isRange) fail(`lies at bytes ${from} to ${to} of ${location}, which has ${all.length}`, 'fetch or write both files again');
  return all.subarray(from, to);
}
