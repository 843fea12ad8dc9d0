/** A net in an ONNX file that answers: one that says its classes and how its images are normalised, as those of ours do. */
import { check } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import { NORMALIZE } from '../data/statistics.ts';
import { Predictor } from '../evaluate/predictor.ts';
import { onnxFile } from './file.ts';

/** A predictor of the bytes of a file, which is called `file` in messages; `batch` as in PredictorOptions. */
export async function openOnnx(device: Device, bytes: Uint8Array, file: string, batch?: number): Promise<Predictor> {
  const { model, weights, facts } = await onnxFile(bytes, file);
  const { shape, classes, outputs, moments, resize } = facts;
  const normalize = NORMALIZE.find(how => how === facts.normalize);
  check(!outputs, `${file}: predicts numbers`, 'give a net of classes');
  check(shape && classes, `${file}: does not say its ${shape ? 'classes' : 'shape'}`, 'give a file that was exported here');
  const own = { shape, classes, normalize, moments, resize };
  return Predictor.create({ device, model, weights: weights(shape), ...own, ...(batch !== undefined && { batch }) });
}
