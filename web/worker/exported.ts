/** A net of Teach for other programs. */
import { check } from '../../engine/check.ts';
import { chosenModel } from '../../train/config/model.ts';
import { NORMALIZE } from '../../train/data/statistics.ts';
import { exportOnnx } from '../../train/onnx/open.ts';
import { factsIn } from '../../train/run/metadata.ts';
import { decodeSafetensors } from '../../train/run/read-safetensors.ts';
import { webpage } from '../standalone/page.ts';
import type { NetFormat } from './protocol.ts';

/** Classes that the title of a page names. */
const TITLED = 4;

/** Whether bytes are those of a safetensors file: its header is JSON. */
export const isSafetensors = (bytes: Uint8Array): boolean => bytes[8] === '{'.charCodeAt(0);

/** The bytes of a net, a safetensors or ONNX file, in a format. `base` is the address of the page, which has the script of web pages. */
export async function exported(bytes: Uint8Array<ArrayBuffer>, format: NetFormat, base: string): Promise<Uint8Array<ArrayBuffer>> {
  if (format === 'safetensors') {
    check(isSafetensors(bytes), 'the net was loaded from an ONNX file', 'export it as ONNX');
    return bytes;
  }
  const onnx = isSafetensors(bytes) ? await onnxOf(bytes) : bytes;
  if (format === 'onnx') return onnx;
  const answer = await fetch(new URL('page.min.js', base));
  check(answer.ok, `page.min.js: the server answers ${answer.status}`, 'reload the page');
  const { decodeOnnx } = await import('../../train/onnx/net.ts');
  const { shape, classes = [] } = factsIn((await decodeOnnx(onnx, 'the net')).metadata, 'the net');
  const title = classes.slice(0, TITLED).join(', ') + (classes.length > TITLED ? ' …' : '');
  return new TextEncoder().encode(webpage(title, onnx, await answer.text(), shape?.[0] === 1));
}

async function onnxOf(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const { tensors: weights, metadata } = decodeSafetensors(bytes, 'the net');
  const { model: name, shape, classes, moments, dataset, ...facts } = factsIn(metadata, 'the net');
  check(name && shape && classes, 'the net does not say what it is', 'train it here');
  const { layer } = await chosenModel(name);
  return exportOnnx({
    model: layer({ shape, classes: classes.length }),
    name,
    dataset,
    shape,
    classes,
    weights,
    normalize: NORMALIZE.find(how => how === facts.normalize),
    moments,
  });
}
