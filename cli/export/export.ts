/** `descent export`. */
import { recipeOf } from '../../train/config/recipe-of.ts';
import { parseChoice, parseSpec } from '../../train/config/spec.ts';
import { writeFolder, writeWhole } from '../../train/run/node/files.ts';
import { inputOf, momentsOf, openCheckpoint } from '../run/checkpoint.ts';
import { count, print } from '../output.ts';
import type { ExportOptions, Written } from './options.ts';
import { toTensorboard } from './tensorboard.ts';

/** The formats by name. */
const FORMATS: Readonly<Record<string, (path: string, options: ExportOptions) => Promise<Written>>> = {
  onnx: toOnnx,
  timm: toTimm,
  tensorboard: toTensorboard,
};

export async function exportNet(path: string, options: ExportOptions): Promise<void> {
  const format = parseChoice('--to', options.to, Object.keys(FORMATS));
  const { path: out, about } = await FORMATS[format]!(path, options);
  if (options.json) print(JSON.stringify({ path: out, format }));
  else print(options.quiet ? out : `${out}: ${about}`);
}

/** A checkpoint with all that an export tells of it. */
async function opened(path: string, options: ExportOptions) {
  const checkpoint = await openCheckpoint(path, options);
  const { shape, classes } = await inputOf(checkpoint, options);
  const { file, weights, config } = checkpoint;
  const moments = await momentsOf(checkpoint, options);
  return { config, beside: file.replace(/\.\w+$/, ''), facts: { shape, classes, weights, moments, normalize: config.normalize } };
}

async function toOnnx(path: string, options: ExportOptions): Promise<Written> {
  const { exportOnnx } = await import('../../train/onnx/export.ts');
  const { config, beside, facts } = await opened(path, options);
  const { shape, classes } = facts;
  const model = recipeOf(config).model.layer({ shape, classes: classes.length });
  const normalises = !options.normalizedInput;
  const metadata = { model: config.model, dataset: config.dataset };
  const bytes = exportOnnx({ ...facts, model, metadata }, { normalises, softmax: options.softmax });
  const out = options.out ?? `${beside}.onnx`;
  writeWhole(out, bytes);
  const input = `image [batch, ${shape.join(', ')}] of ${normalises ? 'pixels from 0 to 1' : 'normalised pixels'}`;
  return { path: out, about: `${config.model} as ONNX, ${input} -> logits [batch, ${classes.length}], ${count(bytes.length)} bytes` };
}

async function toTimm(path: string, options: ExportOptions): Promise<Written> {
  const { timmFiles } = await import('../../train/export/timm.ts');
  const { config, beside, facts } = await opened(path, options);
  const files = timmFiles({ ...facts, model: parseSpec('model', config.model) });
  const out = options.out ?? `${beside}-timm`;
  writeFolder(out, files);
  return { path: out, about: `${config.model} for timm.create_model('local-dir:${out}', pretrained=True)` };
}
