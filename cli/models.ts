/** `descent models`. */
import { datasets } from '../datasets/index.ts';
import { check, DescentError, lookUp } from '../engine/check.ts';
import { Graph, writes, type Op } from '../engine/graph.ts';
import { models as known, openModel } from '../models/index.ts';
import type { ModelInput } from '../models/model.ts';
import type { Profile } from '../shaders/kernel.ts';
import { parseNumber, parseSpec } from '../train/spec.ts';
import { loadOwnModel } from './own-model.ts';
import { print, table } from './output.ts';

export interface ModelsOptions {
  dataset: string;
  input?: string;
  classes?: string;
  json?: boolean;
  quiet?: boolean;
}

/** One layer: what it gives for one image, how many numbers it learns, its multiplications and additions. */
interface Row {
  name: string;
  shape: readonly number[];
  parameters: number;
  flops: number;
}

// shapes are the same on every adapter
const PROFILE: Profile = { lanes: 0, subgroups: false, f16: false, maxWorkgroup: 256, maxBinding: 2 ** 27 };

export async function models(text: string | undefined, options: ModelsOptions): Promise<void> {
  if (text !== undefined) await loadOwnModel(text);
  const input = inputOf(options);
  const { json, quiet } = options;
  if (text !== undefined) {
    const rows = layers(text, input);
    const total = sum(text, rows);
    if (json) return print(JSON.stringify({ ...total, input: input.shape, layers: rows }));
    const head = ['layer', 'output', 'parameters', 'MFLOPs'];
    const cells = (r: Row) => [
      r.name,
      r.shape.join('x'),
      r.parameters.toLocaleString('en-US'),
      (r.flops / 1e6).toFixed(2),
    ];
    print(
      table([
        head,
        ['input', input.shape.join('x'), '0', '0.00'],
        ...rows.map(cells),
        [`${text}, in all`, '', ...cells(total).slice(2)],
      ]),
    );
    const { about, options: own = {} } = known[total.name.split(':')[0]!] ?? {};
    if (!quiet) print(`${about ? `${about}. ` : ''}FLOPs of one image forward; a multiply-add counts as two.`);
    if (!quiet) {
      for (const [key, { default: value, accepts }] of Object.entries(own)) {
        print(`  ${key}=${Array.isArray(value) ? value.join('-') : value}: ${accepts}`);
      }
    }
    return;
  }
  const totals = Object.keys(known).map(model => {
    try {
      return { ...sum(model, layers(model, input)), about: known[model]!.about };
    } catch (error) {
      if (error instanceof DescentError) return { name: model, problem: error.message, about: known[model]!.about };
      throw error;
    }
  });
  if (json) return totals.forEach(total => print(JSON.stringify({ ...total, input: input.shape })));
  if (quiet) return totals.forEach(total => print(total.name));
  print(
    table([
      ['model', 'parameters', `MFLOPs on ${input.shape.join('x')}`, ''],
      ...totals.map(t => [
        t.name,
        ...('problem' in t ? ['-', '-'] : [t.parameters.toLocaleString('en-US'), (t.flops / 1e6).toFixed(2)]),
        t.about ?? '',
      ]),
    ]),
  );
  for (const t of totals) if ('problem' in t) print(`${t.name}: ${t.problem}`);
  print('FLOPs of one image forward; a multiply-add counts as two. descent models <name> shows layers and options.');
}

/** What the models are built for: a data set's images, or those that --input and --classes name. */
function inputOf({ dataset, input, classes }: ModelsOptions): ModelInput {
  const known = lookUp('dataset', dataset, datasets);
  const sizes = input?.split('x') ?? [];
  check(
    input === undefined || sizes.length === 3,
    `--input: '${input}' is no image size; write channels x height x width, as 3x224x224`,
  );
  const [c, h, w] = sizes.map(size => parseNumber('--input', size, { integer: true, min: 1 }));
  return {
    shape: input === undefined ? known.shape : [c!, h!, w!],
    classes:
      classes === undefined ? known.classes.length : parseNumber('--classes', classes, { integer: true, min: 1 }),
  };
}

const sum = (name: string, rows: readonly Row[]): Omit<Row, 'shape'> & { shape: readonly number[] } => ({
  name,
  shape: rows.at(-1)!.shape,
  parameters: rows.reduce((n, r) => n + r.parameters, 0),
  flops: rows.reduce((n, r) => n + r.flops, 0),
});

/** Builds the model for one image and sums up its ops by layer. */
function layers(text: string, input: ModelInput): Row[] {
  const g = new Graph({ training: false, profile: PROFILE });
  openModel(parseSpec('model', text), input)(g, g.tensor([1, ...input.shape], 'input', 'images'));
  const byLayer = new Map<string, Op[]>();
  for (const op of g.ops) {
    const path = op.node.split(' ')[0]!;
    byLayer.set(path, [...(byLayer.get(path) ?? []), op]);
  }
  return [...byLayer].map(([path, ops]) => ({
    name: path,
    shape: writes(ops.at(-1)!)[0]!.shape.slice(1),
    parameters: [...g.params.values()]
      .filter(p => p.value.name.slice(0, p.value.name.lastIndexOf('.')) === path)
      .reduce((n, p) => n + p.value.size, 0),
    flops: ops.reduce((n, op) => n + (op.kernel.flops?.(op.params) ?? 0), 0),
  }));
}
