/** The layers of a model before it has a device: what each gives, learns and costs, and where its input comes from. */
import { Graph } from '../../engine/graph.ts';
import { parseSpec } from '../../engine/spec.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { openModel } from '../../models/index.ts';
import type { ModelInput } from '../../models/model.ts';
import { DEFAULT_PROFILE, isWritten } from '../../shaders/kernel/kernel.ts';
import { receptiveFields } from './receptive-field.ts';

/** One layer: what it gives for one image, how many numbers it learns, its multiplications and additions. */
export interface LayerSizes {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parameters: number;
  readonly flops: number;
  /** Bytes of its output for one image, and of its parameters, in f32. */
  readonly bytes: number;
  /** Rows and columns of the image that a value of its output depends on, beyond its border too; absent where that is all of it. */
  readonly receptiveField?: readonly [rows: number, columns: number];
  /** The layers whose values it takes. */
  readonly from: readonly string[];
}

const nameOf = (path: string): string => path || 'model';

/** The layers by whose values each path is computed. */
function sourcesOf(g: Graph): ReadonlyMap<string, ReadonlySet<string>> {
  const writers = new Map<Tensor, string>();
  const sources = new Map<string, Set<string>>();
  for (const { path, kernel, tensors } of g.ops) {
    const own = sources.get(path) ?? new Set();
    sources.set(path, own);
    const entries = Object.entries(tensors).map(([binding, t]) => ({ t: t.base ?? t, written: isWritten(kernel.bindings[binding]!) }));
    for (const { t, written } of entries) {
      const writer = written ? undefined : writers.get(t);
      if (writer !== undefined && writer !== path) own.add(nameOf(writer));
    }
    for (const { t, written } of entries) if (written) writers.set(t, path);
  }
  return sources;
}

/** Builds the model for one image and sums up its ops by layer. */
export function layerSizes(text: string, input: ModelInput): LayerSizes[] {
  const g = new Graph({ training: false, profile: { ...DEFAULT_PROFILE, maxBinding: Infinity } });
  const image = g.tensor([1, ...input.shape], 'input', 'images');
  openModel(parseSpec('model', text), input)(g, image);
  const fields = receptiveFields(g, image);
  const sources = sourcesOf(g);
  const outputs = new Map<string, Tensor | undefined>();
  for (const { path, output } of g.layers) {
    outputs.delete(path); // of joins under one name the last is its output, and stands where that is computed
    outputs.set(path, output);
  }
  for (const { path } of g.params.values()) if (!outputs.has(path)) outputs.set(path, undefined); // a head that only training has
  return Array.from(outputs, ([path, output]) => {
    const params = [...g.params.values()].filter(p => p.path === path);
    const ops = g.ops.filter(op => op.path === path);
    const learned = params.reduce((n, p) => n + p.value.size, 0);
    const field = fields.get(path);
    return {
      name: nameOf(path),
      shape: output?.shape.slice(1) ?? [],
      parameters: learned,
      flops: ops.reduce((n, op) => n + (op.kernel.flops?.(op.params) ?? 0), 0),
      bytes: 4 * ((output?.size ?? 0) + learned),
      ...(field !== undefined && field !== 'all' && { receptiveField: field.size }),
      from: [...(sources.get(path) ?? [])],
    };
  });
}
