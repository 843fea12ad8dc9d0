/** `descent export`. */
import { recipeOf } from '../../train/config/recipe-of.ts';
import { parseChoice } from '../../train/config/spec.ts';
import { writeWhole } from '../../train/run/node/files.ts';
import { count, print } from '../output.ts';
import { inputOf, momentsOf, openCheckpoint, type Checkpoint, type CheckpointOptions } from './checkpoint.ts';

export interface ExportOptions extends CheckpointOptions {
  to: string;
  out?: string;
  normalizedInput?: boolean;
  softmax?: boolean;
  dataDir?: string;
  json?: boolean;
  quiet?: boolean;
}

/** What is written, in words, and where. */
interface Written {
  readonly path: string;
  readonly about: string;
}

/** The formats by name. */
const FORMATS: Readonly<Record<string, (checkpoint: Checkpoint, options: ExportOptions) => Promise<Written>>> = { onnx: toOnnx };

export async function exportNet(path: string, options: ExportOptions): Promise<void> {
  const format = parseChoice('--to', options.to, Object.keys(FORMATS));
  const { path: out, about } = await FORMATS[format]!(await openCheckpoint(path, options), options);
  if (options.json) print(JSON.stringify({ file: out, format }));
  else print(options.quiet ? out : `${out}: ${about}`);
}

async function toOnnx(checkpoint: Checkpoint, options: ExportOptions): Promise<Written> {
  const { file, config, weights } = checkpoint;
  const { exportOnnx } = await import('../../train/onnx/export.ts');
  const { shape, classes } = await inputOf(checkpoint, options);
  const moments = await momentsOf(checkpoint, options);
  const model = recipeOf(config).model.layer({ shape, classes: classes.length });
  const normalises = !options.normalizedInput;
  const facts = { model, shape, classes, weights, moments, normalize: config.normalize };
  const metadata = { model: config.model, dataset: config.dataset };
  const bytes = exportOnnx({ ...facts, metadata }, { normalises, softmax: options.softmax });
  const path = options.out ?? `${file.replace(/\.safetensors$/, '')}.onnx`;
  writeWhole(path, bytes);
  const input = `image [batch, ${shape.join(', ')}] of ${normalises ? 'pixels from 0 to 1' : 'normalised pixels'}`;
  return { path, about: `${config.model} as ONNX, ${input} -> logits [batch, ${classes.length}], ${count(bytes.length)} bytes` };
}
