/**
 * The safetensors format: 8 bytes of header length, a JSON header, then the tensors' bytes, one after the other. Here it is written;
 * read-safetensors.ts reads it.
 */
import { bytesOf } from '../../datasets/dataset.ts';
import { check, kindOf } from '../../engine/check.ts';
import { product } from '../../shaders/kernel/shape.ts';

/** Named tensors under PyTorch's names and layouts. */
export interface Tensors {
  [name: string]: { shape: readonly number[]; data: Float32Array };
}

/** Throws unless what is called `name` is a tensor; `who` takes it. */
export function checkTensor(who: string, name: string, tensor: Partial<Tensors[string]> | undefined): void {
  check(
    Array.isArray(tensor?.shape) && tensor.data instanceof Float32Array && tensor.data.length === product(tensor.shape),
    `${who}: '${name}' is no tensor of float32`,
    'give { shape, data: Float32Array } of as many values',
  );
}

/**
 * The bytes of a safetensors file, all tensors as F32 in the order given; `metadata`, strings by name, lands under `__metadata__`. Throws
 * where they hold what a file cannot.
 */
export function encodeSafetensors(tensors: Tensors, metadata: Readonly<Record<string, string>> = {}): Uint8Array<ArrayBuffer> {
  check(typeof tensors === 'object' && tensors !== null, `safetensors: got ${kindOf(tensors)}`, 'give tensors by name');
  let end = 0;
  const header: [string, unknown][] = Object.keys(metadata).length ? [['__metadata__', metadata]] : [];
  for (const [key, value] of Object.entries(metadata)) {
    check(typeof value === 'string', `metadata: ${key} is ${kindOf(value)}`, 'give a text, of what is none its JSON');
  }
  for (const [name, tensor] of Object.entries(tensors)) {
    checkTensor('safetensors', name, tensor);
    check(name !== '__metadata__', `safetensors: '${name}' is no name of a tensor`, 'give another');
    const { shape, data } = tensor;
    header.push([name, { dtype: 'F32', shape, data_offsets: [end, (end += data.byteLength)] }]);
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const start = 8 + Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(start + end).fill(0x20, 8, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(text, 8);
  let at = start;
  for (const { data } of Object.values(tensors)) {
    bytes.set(bytesOf(data), at);
    at += data.byteLength;
  }
  return bytes;
}
