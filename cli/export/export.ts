/** `descent export`. */
import { outputsOf } from '../../datasets/dataset.ts';
import { check } from '../../engine/check.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { parseChoice, parseSpec } from '../../engine/spec.ts';
import { writeFolder, writeWhole } from '../../train/run/node/files.ts';
import { inputOf, momentsOf, openCheckpoint, weightsFor } from '../run/checkpoint.ts';
import { once } from '../run/job.ts';
import { count, print } from '../output.ts';
import type { ExportOptions, Written } from './options.ts';
import { toTensorboard } from './tensorboard.ts';

/** The formats by name. */
const FORMATS: Readonly<Record<string, (path: string, options: ExportOptions) => Promise<Written>>> = {
  onnx: toOnnx,
  timm: toTimm,
  tensorboard: toTensorboard,
  webpage: toWebpage,
};

export async function exportNet(path: string, options: ExportOptions): Promise<void> {
  const format = parseChoice('--to', options.to, Object.keys(FORMATS));
  const own = options.softmax ? '--softmax' : options.normalizedInput ? '--normalized-input' : undefined;
  check(format === 'onnx' || own === undefined, `${own}: is for --to onnx, not for --to ${format}`, 'leave it out');
  await once([path, options], async () => {
    const { path: out, about } = await FORMATS[format]!(path, options);
    if (options.json) print(JSON.stringify({ path: out, format }));
    else print(options.quiet ? out : `${out}: ${about}`);
  });
}

/** A checkpoint with all that an export tells of it. */
async function opened(path: string, options: ExportOptions) {
  const checkpoint = await openCheckpoint(path, options);
  const input = await inputOf(checkpoint, options);
  const { shape, classes, outputs, inputs, dtype } = input;
  const { file, config, normalize } = checkpoint;
  check(
    !outputs || options.to === 'onnx',
    `${file}: predicts numbers (${outputs?.join(', ')}), and --to ${options.to} is of classes`,
    'export it --to onnx, or use it by descent predict or Predictor',
  );
  const moments = await momentsOf(checkpoint, shape[0], options);
  const weights = weightsFor(checkpoint, input);
  return { config, inputs, beside: file.replace(/\.\w+$/, ''), facts: { shape, classes, outputs, dtype, weights, moments, normalize } };
}

/** The bytes of an ONNX file, and whose they are. */
async function onnxOf(path: string, options: ExportOptions) {
  const { onnxBytes, inputOf: inputText } = await import('../../train/onnx/export.ts');
  const { config, inputs, beside, facts } = await opened(path, options);
  const { shape, dtype } = facts;
  const model = recipeOf(config).model.layer({ shape, classes: outputsOf(facts).length });
  const normalizedInput = options.normalizedInput ?? false;
  const told = { name: config.model, dataset: config.dataset, resize: config.resize, inputs };
  return {
    config,
    beside,
    shape,
    facts,
    dtype,
    input: inputText(dtype, normalizedInput),
    bytes: await onnxBytes({ ...facts, ...told, model }, { normalizedInput, softmax: options.softmax }),
  };
}

async function toOnnx(path: string, options: ExportOptions): Promise<Written> {
  const { config, beside, shape, facts, input, bytes } = await onnxOf(path, options);
  const out = options.out ?? `${beside}.onnx`;
  writeWhole(out, bytes);
  return {
    path: out,
    about: `${config.model} as ONNX, image [batch, ${shape.join(', ')}] of ${input} -> ${facts.outputs ? 'values' : 'logits'} [batch, ${outputsOf(facts).length}], ${count(bytes.length)} bytes`,
  };
}

async function toWebpage(path: string, options: ExportOptions): Promise<Written> {
  const { config, beside, shape, dtype, bytes } = await onnxOf(path, options);
  check(
    dtype !== 'float32' && shape[1] * shape[2] > 1,
    `${path}: takes numbers, and --to webpage is of pictures`,
    'use it by descent predict, or export it --to onnx',
  );
  const [{ pageScript }, { webpage }] = await Promise.all([import('./page-script.ts'), import('../../web/standalone/page.ts')]);
  const name = (text: string) => text.replace(/^.*[\\/](?=.)/, '');
  const page = webpage(`${name(config.model)} on ${name(config.dataset)}`, bytes, await pageScript(), shape[0] === 1);
  const out = options.out ?? `${beside}.html`;
  writeWhole(out, page);
  return {
    path: out,
    about: `a page with ${config.model} inside, ${count(Buffer.byteLength(page))} bytes; open it in a browser that has WebGPU`,
  };
}

async function toTimm(path: string, options: ExportOptions): Promise<Written> {
  const { timmFiles } = await import('../../train/export/timm.ts');
  const { config, beside, facts } = await opened(path, options);
  const files = timmFiles({ ...facts, resize: config.resize, model: parseSpec('model', config.model) });
  const out = options.out ?? `${beside}-timm`;
  writeFolder(out, files);
  return { path: out, about: `${config.model} for timm.create_model('local-dir:${out}', pretrained=True)` };
}
