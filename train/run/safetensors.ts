/**
 * The safetensors format: 8 bytes of header length, a JSON header, then the tensors' bytes, one after the other. Here it is written;
 * read-safetensors.ts reads it.
 */
import { show } from '../../engine/check.ts';
import { product } from '../../engine/tensor.ts';

/** Named tensors under PyTorch's names and layouts. */
export interface Tensors {
  [name: string]: { shape: readonly number[]; data: Float32Array };
}

/** The bytes of a safetensors file, all tensors as F32 in the order given; `metadata` lands under `__metadata__`. */
export function encodeSafetensors(tensors: Tensors, metadata: Readonly<Record<string, string>> = {}): Uint8Array<ArrayBuffer> {
  let end = 0;
  const header: [string, unknown][] = Object.keys(metadata).length ? [['__metadata__', metadata]] : [];
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    if (name === '__metadata__' || product(shape) !== data.length) {
      throw new Error(`safetensors: tensor '${name}' ${show(shape)} has ${data.length} values`);
    }
    header.push([name, { dtype: 'F32', shape, data_offsets: [end, (end += data.byteLength)] }]);
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const start = 8 + Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(start + end).fill(0x20, 8, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(text, 8);
  let at = start;
  for (const { data } of Object.values(tensors)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}
