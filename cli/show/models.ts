/** `descent models`. */
import { outputsOf } from '../../datasets/dataset.ts';
import { datasets, knownName } from '../../datasets/index.ts';
import { openDataset } from '../../datasets/node/open.ts';
import { check, DescentError } from '../../engine/check.ts';
import { product } from '../../shaders/kernel/shape.ts';
import { models as known } from '../../models/index.ts';
import type { ModelInput } from '../../models/model.ts';
import { isNet, parseNumber, parseSpec } from '../../engine/spec.ts';
import { OPTIONS } from '../../train/config/options.ts';
import { layerSizes, type LayerSizes } from '../../train/study/layer-sizes.ts';
import { messageOf } from '../flags.ts';
import { openOnnx } from '../onnx-file.ts';
import { loadOwnModel } from '../own-model.ts';
import { shapeOf } from '../run/checkpoint.ts';
import { print, table } from '../output.ts';

export interface ModelsOptions {
  dataset?: string;
  target?: string;
  input?: string;
  classes?: string;
  json?: boolean;
  quiet?: boolean;
}

export async function models(text: string | undefined, options: ModelsOptions): Promise<void> {
  if (text === undefined) return listModels(await inputOf(options), options);
  await loadOwnModel(text);
  const { name } = parseSpec('model', text);
  showModel(text, await (isNet(name) && options.dataset === undefined ? inputOfNet(name, options) : inputOf(options)), options);
}

const COUNTED = 'FLOPs of one image forward; a multiply-add counts as two.';
const mega = (flops: number): string => (flops / 1e6).toFixed(2);
const kib = (bytes: number): string => (bytes / 1024).toFixed(1);
const grouped = (n: number): string => n.toLocaleString('en-US');

/** One model, layer by layer, and its options. */
function showModel(text: string, input: ModelInput, { json, quiet }: ModelsOptions): void {
  const rows = layerSizes(text, input);
  const total = sum(text, rows);
  if (json) {
    print(JSON.stringify({ ...total, input: input.shape, layers: rows.map(({ from: _, ...row }) => row) }));
    return;
  }
  print(
    table([
      ['layer', 'output', 'receptive field', 'parameters', 'MFLOPs', 'KiB'],
      ['input', input.shape.join('x'), '1x1', '0', '0.00', kib(4 * product(input.shape))],
      ...rows.map(r => [
        r.name,
        r.shape.join('x'),
        r.receptiveField?.join('x') ?? 'all',
        grouped(r.parameters),
        mega(r.flops),
        kib(r.bytes),
      ]),
      [`${text}, in all`, '', '', grouped(total.parameters), mega(total.flops), kib(total.bytes)],
    ]),
  );
  if (quiet) return;
  const { about, options: own = {} } = known[total.name.split(':')[0]!] ?? {};
  print(`${about ? `${about}. ` : ''}${COUNTED}`);
  print(
    'Receptive field: rows x columns of the image that a value depends on, beyond the border too. KiB: parameters, and the output for one image.',
  );
  for (const [key, { example, about, accepts }] of Object.entries(own)) {
    print(`  ${key}=${example}: ${about ? `${about}; ` : ''}${accepts}`);
  }
}

/** All models that are known by name; those that do not take such images say why. */
function listModels(input: ModelInput, { json, quiet }: ModelsOptions): void {
  const totals = Object.keys(known).map(model => {
    const { about } = known[model]!;
    try {
      return { ...sum(model, layerSizes(model, input)), about };
    } catch (error) {
      if (error instanceof DescentError) return { name: model, problem: messageOf(error), about };
      throw error;
    }
  });
  if (json || quiet) {
    for (const total of totals) print(json ? JSON.stringify({ ...total, input: input.shape }) : total.name);
    return;
  }
  const rows = totals.map(t => {
    const size = 'problem' in t ? ['-', '-'] : [grouped(t.parameters), mega(t.flops)];
    return [t.name, ...size, t.about ?? ''];
  });
  print(table([['model', 'parameters', `MFLOPs on ${input.shape.join('x')}`, ''], ...rows]));
  for (const t of totals) if ('problem' in t) print(`${t.name}: ${t.problem}`);
  print(`${COUNTED} descent models <name> shows layers and options.`);
}

/** What the models are built for: a data set's images, or those that --input and --classes name. */
async function inputOf({ dataset = OPTIONS.dataset.default!, target, ...given }: ModelsOptions): Promise<ModelInput> {
  const known = datasets[knownName(dataset) ?? ''] ?? (await openDataset(dataset, { target, quiet: true, skipBroken: true, limitTest: 1 }));
  return { shape: shapeIn(given) ?? known.shape, classes: classesIn(given) ?? outputsOf(known).length };
}

/** What a net in a file is built for: the images that the file names, or --input. */
async function inputOfNet(file: string, given: ModelsOptions): Promise<ModelInput> {
  const net = await openOnnx(file);
  return {
    shape: shapeIn(given) ?? shapeOf(net, file, undefined, undefined, 'give --input, as 3x224x224'),
    classes: classesIn(given) ?? net.size,
  };
}

const whole = (who: string, text: string): number => parseNumber(who, text, { integer: true, min: 1 });

function shapeIn({ input }: ModelsOptions): ModelInput['shape'] | undefined {
  if (input === undefined) return undefined;
  const sizes = input.split('x');
  check(sizes.length === 3, `--input: '${input}' is no image size`, 'write channels x height x width, as 3x224x224');
  const [c, h, w] = sizes.map(size => whole('--input', size));
  return [c!, h!, w!];
}

const classesIn = ({ classes }: ModelsOptions): number | undefined => (classes === undefined ? undefined : whole('--classes', classes));

const sum = (name: string, rows: readonly LayerSizes[]): Omit<LayerSizes, 'from'> => ({
  name,
  shape: rows.findLast(r => r.shape.length)!.shape,
  parameters: rows.reduce((n, r) => n + r.parameters, 0),
  flops: rows.reduce((n, r) => n + r.flops, 0),
  bytes: rows.reduce((n, r) => n + r.bytes, 0),
});
