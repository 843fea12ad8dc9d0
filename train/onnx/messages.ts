/** ONNX's messages (onnx.proto) from plain values. */
import { create } from '@bufbuild/protobuf';
import * as onnx from 'onnx-buf';
import type { OnnxAttribute } from '../../engine/onnx.ts';

const whole = (values: readonly number[]): bigint[] => values.map(BigInt);
const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | BigInt64Array): Uint8Array<ArrayBuffer> =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

export const floatTensor = (name: string, dims: readonly number[], values: Float32Array): onnx.TensorProto =>
  create(onnx.TensorProtoSchema, { name, dims: whole(dims), dataType: onnx.TensorProto_DataType.FLOAT, rawData: bytesOf(values) });

export const integerTensor = (name: string, values: readonly number[]): onnx.TensorProto =>
  create(onnx.TensorProtoSchema, {
    name,
    dims: [BigInt(values.length)],
    dataType: onnx.TensorProto_DataType.INT64,
    rawData: bytesOf(BigInt64Array.from(whole(values))),
  });

/** A float32 input or output; a size that is a word may be any. */
export const floatValue = (name: string, sizes: readonly (number | string)[]): onnx.ValueInfoProto => {
  const dim = sizes.map(size =>
    create(onnx.TensorShapeProto_DimensionSchema, {
      value: typeof size === 'string' ? { case: 'dimParam', value: size } : { case: 'dimValue', value: BigInt(size) },
    }),
  );
  const value = create(onnx.TypeProto_TensorSchema, {
    elemType: onnx.TensorProto_DataType.FLOAT,
    shape: create(onnx.TensorShapeProtoSchema, { dim }),
  });
  return create(onnx.ValueInfoProtoSchema, { name, type: create(onnx.TypeProtoSchema, { value: { case: 'tensorType', value } }) });
};

export const attribute = (name: string, value: OnnxAttribute): onnx.AttributeProto => {
  const { FLOAT, INT, INTS, STRING } = onnx.AttributeProto_AttributeType;
  if (typeof value === 'number') return create(onnx.AttributeProtoSchema, { name, type: INT, i: BigInt(value) });
  if (typeof value === 'string') return create(onnx.AttributeProtoSchema, { name, type: STRING, s: new TextEncoder().encode(value) });
  if ('float' in value) return create(onnx.AttributeProtoSchema, { name, type: FLOAT, f: value.float });
  return create(onnx.AttributeProtoSchema, { name, type: INTS, ints: whole(value) });
};
