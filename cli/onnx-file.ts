/** ONNX files on the command line: as a model of their own, and as weights of another. */
import { dirname, join } from 'node:path';
import type { OnnxFile } from '../train/onnx/file.ts';
import { readWhole } from '../train/run/node/files.ts';
import { factsIn } from '../train/run/metadata.ts';
import { decodeSafetensors } from '../train/run/read-safetensors.ts';
import { backbone, BACKBONE } from '../train/tune/backbone.ts';
import type { GivenWeights } from '../train/tune/tuning.ts';
import { isNet } from '../engine/spec.ts';
import { readSafetensors } from '../train/run/node/sealed.ts';

export async function openOnnx(path: string): Promise<OnnxFile> {
  const bytes = readWhole(path, 'give an .onnx file');
  const { onnxFile } = await import('../train/onnx/file.ts');
  return onnxFile(bytes, path, name => readWhole(join(dirname(path), name), `it holds weights of ${path}: put both into one folder`));
}

/** The weights in a file that a model starts from: those of its names, or of an ONNX file by their places in the net. */
export async function openWeights(path: string, trusted: boolean | undefined): Promise<GivenWeights> {
  if (!isNet(path)) {
    const { tensors, metadata } = path === BACKBONE ? decodeSafetensors(await backbone(), path) : readSafetensors(path, trusted);
    return { of: () => tensors, facts: factsIn(metadata, path) };
  }
  const { weightsOf, size } = await openOnnx(path);
  return { of: weightsOf, classes: size };
}
