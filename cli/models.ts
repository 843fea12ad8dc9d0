/** `descent models`. */
import { datasets } from '../datasets/index.ts';
import { DescentError, lookUp } from '../engine/check.ts';
import { Graph, writes, type Op } from '../engine/graph.ts';
import { models as known } from '../models/index.ts';
import type { Profile } from '../shaders/kernel.ts';
import { print, table } from './output.ts';

export interface ModelsOptions { dataset: string; json?: boolean; quiet?: boolean }

/** One layer: what it gives for one image, how many numbers it learns, its multiplications and additions. */
interface Row { name: string; shape: readonly number[]; parameters: number; flops: number }

const PROFILE: Profile = { lanes: 0, subgroups: false, f16: false, maxWorkgroup: 256, maxBinding: 2 ** 27 }; // shapes are the same on every adapter

export function models(name: string | undefined, { dataset, json, quiet }: ModelsOptions): void {
  const { shape, classes } = lookUp('dataset', dataset, datasets), input = { shape, classes: classes.length };
  if (name !== undefined) {
    lookUp('model', name, known);
    const rows = layers(name, input), total = sum(name, rows);
    if (json) return print(JSON.stringify({ ...total, dataset, layers: rows }));
    const head = ['layer', 'output', 'parameters', 'MFLOPs'], cells = (r: Row) => [r.name, r.shape.join('x'), r.parameters.toLocaleString('en-US'), (r.flops / 1e6).toFixed(2)];
    return print(table([head, ['input', shape.join('x'), '0', '0.00'], ...rows.map(cells), [`${name}, in all`, '', ...cells(total).slice(2)]]));
  }
  const totals = Object.keys(known).map(model => {
    try {
      return sum(model, layers(model, input));
    } catch (error) {
      if (error instanceof DescentError) return { name: model, problem: error.message };
      throw error;
    }
  });
  if (json) return totals.forEach(total => print(JSON.stringify({ ...total, dataset })));
  if (quiet) return totals.forEach(total => print(total.name));
  print(table([['model', 'parameters', `MFLOPs on ${shape.join('x')}`], ...totals.map(t => 'problem' in t ? [t.name, '-', '-']
    : [t.name, t.parameters.toLocaleString('en-US'), (t.flops / 1e6).toFixed(2)])]));
  for (const t of totals) if ('problem' in t) print(`${t.name} on ${dataset}: ${t.problem}`);
}

const sum = (name: string, rows: readonly Row[]): Omit<Row, 'shape'> & { shape: readonly number[] } =>
  ({ name, shape: rows.at(-1)!.shape, parameters: rows.reduce((n, r) => n + r.parameters, 0), flops: rows.reduce((n, r) => n + r.flops, 0) });

/** Builds the model for one image and sums up its ops by layer. */
function layers(name: string, input: { shape: readonly [number, number, number]; classes: number }): Row[] {
  const g = new Graph({ training: false, profile: PROFILE });
  known[name]!(input)(g, g.tensor([1, ...input.shape], 'input', 'images'));
  const byLayer = new Map<string, Op[]>();
  for (const op of g.ops) {
    const path = op.node.split(' ')[0]!;
    byLayer.set(path, [...byLayer.get(path) ?? [], op]);
  }
  return [...byLayer].map(([path, ops]) => ({
    name: path,
    shape: writes(ops.at(-1)!)[0]!.shape.slice(1),
    parameters: [...g.params.values()].filter(p => p.value.name.slice(0, p.value.name.lastIndexOf('.')) === path).reduce((n, p) => n + p.value.size, 0),
    flops: ops.reduce((n, op) => n + (op.kernel.flops?.(op.params) ?? 0), 0),
  }));
}
