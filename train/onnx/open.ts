/** Opens ONNX files and writes them; what reads the format is loaded when it is first needed. */
import { check, DescentError, kindOf } from '../../engine/check.ts';
import { nameIn, read, type Source } from '../run/store.ts';
import type { OnnxOptions, OnnxSource } from './export.ts';
import type { OnnxFile } from './file.ts';
import type { Beside } from './net.ts';

/** Whether bytes are those of an ONNX file, by how they begin, or by their name where they are not those of a safetensors file. */
export const isOnnx = (bytes: Uint8Array, name: string): boolean =>
  bytes[8] !== '{'.charCodeAt(0) && (bytes[0] === VERSION || /\.onnx$/i.test(name));
/** The field that stands first in them, the version of the format. */
const VERSION = 8;

/**
 * Reads an ONNX file: its bytes, a File, or where it is. Of an address or a path, weights in files beside it (`net.onnx.data`) are read too.
 * Throws where it is none, or a layer of ours is missing for one of its operators.
 *
 *     const net = await openOnnx('net.onnx');
 *     const run = fit(net.model, { images, labels, shape: [3, 32, 32] });
 */
export async function openOnnx(source: Source): Promise<OnnxFile> {
  return onnxIn(source, await read(source));
}

/** The net in the bytes that were read from a source, which is called `name` in messages. */
export async function onnxIn(source: Source, bytes: Uint8Array, name = nameIn(source)): Promise<OnnxFile> {
  const { onnxFile } = await import('./file.ts');
  return onnxFile(bytes, name, besideOf(source));
}

/** Reads files beside a source that is an address or a path. */
function besideOf(source: Source): Beside | undefined {
  if (typeof source !== 'string' && !(source instanceof URL)) return undefined;
  const place = String(source);
  if (place.startsWith('indexeddb:')) return undefined;
  const folder = place.replace(/[?#].*$/, '').replace(/[^/\\]*$/, '');
  return path =>
    read(folder + path).catch((error: unknown) => {
      throw error instanceof DescentError
        ? new DescentError(error.problem, `it holds weights of ${place}: put both into one folder`)
        : error;
    });
}

/**
 * The bytes of an ONNX file (opset 17) of a net: [batch, …shape] -> `logits` [batch, classes], or `values` [batch, outputs] of a regression,
 * the batch of any size. Throws where weights and model do not go together, and where a layer has no form in ONNX.
 *
 *     const bytes = await exportOnnx({ model, shape: [4], weights: await net.weights() }); // of a Net
 */
export async function exportOnnx(source: OnnxSource, options: OnnxOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  check(typeof source === 'object' && source !== null, `exportOnnx: got ${kindOf(source)}`, 'give { model, shape, weights }');
  const { onnxBytes } = await import('./export.ts');
  return onnxBytes(source, options);
}
