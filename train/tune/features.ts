/**
 * A trunk that stays as it is gives each image the same features at every step: they are computed once, and what comes after it trains on
 * them. The numbers are those of training with the trunk in place.
 */
import { numbers, targetsAt, type Dataset, type Split } from '../../datasets/dataset.ts';
import type { Device } from '../../engine/device.ts';
import { Graph, type Frozen, type Layer } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { product } from '../../shaders/kernel/shape.ts';
import { Memory } from '../../engine/memory.ts';
import { cutBefore, type Cut } from '../../layers/cut.ts';
import { BatchProgram } from '../data/batch-program.ts';
import { gatherBatch } from '../data/batch.ts';
import type { RunData } from '../data/data.ts';
import { DeviceData } from '../data/device-data.ts';
import { Normalisation } from '../data/normalise.ts';
import { partImages, type Part, type PartImages } from '../data/split.ts';
import { built } from '../evaluate/built.ts';
import { writeWeights } from '../evaluate/match.ts';
import { readTensors, savedOf } from '../evaluate/weights.ts';
import type { Tensors } from '../run/safetensors.ts';
import type { TrainerOptions } from '../step/trainer-options.ts';

/** Bytes of features up to which they are held. */
const MOST = 2 ** 30;
/** Images that a trunk computes at once. */
const BATCH = 32;

export interface FeatureOptions {
  readonly device: Device;
  readonly model: Layer;
  readonly frozen: Frozen;
  readonly data: RunData;
  /** Under the model's names; without them the trunk is as it is first drawn. */
  readonly weights: Tensors | undefined;
  /** How first weights are drawn, where a scheme says so. */
  readonly drawn: Pick<TrainerOptions, 'weights' | 'biases'>;
  readonly seed: number;
  readonly fuse: boolean;
  /** How often each training image is augmented anew; 0 where images are not augmented. */
  readonly views: number;
}

/** What trains in place of a model whose trunk is frozen. */
export interface Features {
  readonly head: Layer;
  /** Features in place of images, of the same parts; of several views of the training images all first ones come before all second ones. */
  readonly data: RunData;
  /** The weights of the trunk. */
  readonly trunk: Tensors;
  /** Values of an image's features. */
  readonly size: number;
}

/** The features of a run's images; undefined where no frozen trunk gives the same ones each time, or they are too many to be held. */
export async function featuresOf(o: FeatureOptions): Promise<Features | undefined> {
  const { device, model, frozen, data, views } = o;
  const { dataset, parts } = data;
  const cut = fixedCut(model, dataset.shape, frozen);
  if (!cut) return undefined;
  const shape = built(cut.trunk, dataset.shape, frozen).output.shape.slice(1);
  const size = product(shape);
  const extra = Math.max(0, views - 1) * parts.train.n;
  if ((dataset.train.n + dataset.test.n + extra) * size * 4 > MOST) return undefined;

  const memory = new Memory(device);
  try {
    const trunk = new Trunk(memory, cut.trunk, size, o);
    const train = new Float32Array((dataset.train.n + extra) * size);
    const test = new Float32Array(dataset.test.n * size);
    const place = async (part: Part, into: Float32Array, view?: number) => {
      const { indices, n } = parts[part];
      const values = n ? await trunk.features(part, view) : new Float32Array();
      const rowOf = (i: number) => (view ? dataset.train.n + (view - 1) * n + i : indices[i]!);
      for (let i = 0; i < n; i++) into.set(values.subarray(i * size, (i + 1) * size), rowOf(i) * size);
    };
    await place('train', train, views ? 0 : undefined);
    for (let view = 1; view < views; view++) await place('train', train, view);
    await place('val', train);
    await place('test', test);
    const weights = await trunk.weights();
    const head: Layer = (g, x) => cut.head(g, g.view(x, [x.shape[0]!, ...shape]));
    return { head, data: inPlace(data, size, { train, test }, views), trunk: weights, size };
  } finally {
    memory.destroy();
  }
}

/** The part of a model that gives the same at every step, as much of it as comes before all that is trained or draws; undefined where none does. */
function fixedCut(model: Layer, shape: readonly number[], frozen: Frozen): Cut | undefined {
  const isFixed = (trunk: Layer) => {
    const { graph } = built(trunk, shape, frozen);
    const draws = graph.ops.some(({ kernel, params }) => 'seed' in (kernel.step?.(params) ?? {}));
    const moves = graph.layers.some(layer => layer.running);
    return graph.params.size === 0 && graph.auxiliary.length === 0 && !draws && !moves;
  };
  const lastWithin = (layer: Layer, above: readonly string[]): Cut | undefined => {
    let best: Cut | undefined;
    let entered: (() => Cut | undefined) | undefined;
    for (const [name, stage] of Object.entries(layer.stages ?? {})) {
      const path = [...above, name];
      const cut = cutBefore(model, path.join('.'))!;
      if (!isFixed(cut.trunk)) break;
      best = cut;
      entered = () => lastWithin(stage, path);
    }
    return entered?.() ?? best;
  };
  const best = lastWithin(model, []);
  return best && built(best.trunk, shape, frozen).graph.frozenParams.size ? best : undefined;
}

/** A trunk on a device. */
class Trunk {
  #memory: Memory;
  #layer: Layer;
  #size: number;
  #o: FeatureOptions;
  #data: DeviceData;
  #own: readonly Tensor[] | undefined;

  constructor(memory: Memory, layer: Layer, size: number, o: FeatureOptions) {
    this.#memory = memory;
    this.#layer = layer;
    this.#size = size;
    this.#o = o;
    this.#data = new DeviceData(o.data, memory, BATCH);
  }

  /** Of the images of a part, [n, size]; as they are, or as a training step would augment them in view number `view`. */
  async features(part: Part, view: number | undefined): Promise<Float32Array> {
    const { device, frozen, seed, fuse, data, drawn } = this.#o;
    const { n } = data.parts[part];
    const graph = new Graph({
      training: view !== undefined,
      profile: device.profile,
      seed,
      ...drawn,
      ...(view !== undefined && { frozen }),
    });
    const batch = gatherBatch(graph, this.#data, part);
    const y = this.#layer(graph, batch.x);
    graph.kept.add(y);
    this.#memory.reserve(graph);
    const program = await BatchProgram.compile(batch, { fuse });
    this.#load(graph);
    const out = new Float32Array(n * this.#size);
    const batches = Math.ceil(n / BATCH);
    for (let i = 0; i < batches; i++) {
      await program.run({ offset: i * BATCH, valid: BATCH, seed, epoch: view ?? 0, step: (view ?? 0) * batches + i + 1 });
      const values = await program.read(y);
      out.set(values.subarray(0, Math.min(BATCH, n - i * BATCH) * this.#size), i * BATCH * this.#size);
    }
    program.destroy();
    return out;
  }

  #load(graph: Graph): void {
    if (this.#own) return;
    this.#own = savedOf(graph);
    const { weights } = this.#o;
    if (weights) writeWeights(this.#memory, this.#own, weights, { strict: false }); // those of the head are left aside
  }

  weights(): Promise<Tensors> {
    return readTensors(this.#memory, this.#own!);
  }
}

/** Data whose images are the rows given, of the same labels or targets, and parts. */
function inPlace(data: RunData, size: number, rows: Readonly<Record<PartImages['source'], Float32Array>>, views: number): RunData {
  const { dataset, parts, maxBinding } = data;
  const split = (source: PartImages['source'], again: readonly number[] = []): Split => {
    const { stored: _, ...own } = dataset[source];
    const all = [...numbers(0, own.n), ...again];
    const targets = targetsAt(own, all);
    const answers = targets ? { targets } : { labels: Uint16Array.from(all, i => own.labels[i]!) };
    return { ...own, images: rows[source], ...answers, n: all.length };
  };
  const again = Array.from({ length: Math.max(0, views - 1) }, () => [...parts.train.indices]).flat();
  const splits = { train: split('train', again), test: split('test') };
  const indices = Uint32Array.from([...parts.train.indices, ...numbers(dataset.train.n, splits.train.n)]);
  const features: Dataset = { ...dataset, shape: [size, 1, 1], dtype: 'float32', ...splits };
  return {
    dataset: features,
    parts: {
      train: partImages('train', splits.train, indices),
      val: partImages('val', splits.train, parts.val.indices),
      test: partImages('test', splits.test, parts.test.indices),
    },
    normalisation: new Normalisation('none', { dataset: features, indices }),
    augment: undefined,
    maxBinding,
  };
}
