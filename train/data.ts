/** A data set on the device: bytes in pages, the order in which batches are gathered, the numbers that normalise them. */
import { imagesOf, numbers, type Dataset, type Split } from '../datasets/dataset.ts';
import type { Graph, Tensor } from '../engine/graph.ts';
import type { Memory } from '../engine/program.ts';
import { usesTables, type Transform } from '../shaders/augment.ts';
import { gather, type Gather } from '../shaders/gather.ts';
import { imageTables, TABLE } from '../shaders/image-tables.ts';
import { matmul } from '../shaders/matmul.ts';
import { MAX_PAGES, type Pages } from '../shaders/pages.ts';
import { permutation, STREAMS } from '../shaders/random.ts';
import { checkShape, mixValues, type Augmentation } from './augment.ts';
import type { Normalize } from './config.ts';
import { curriculum, splitIndices, type SplitOptions } from './splits.ts';
import { channelMoments, colourAxes, meanImage, whitening, type Moments } from './statistics.ts';
import { pack, Ring, RING_PAGES } from './stream.ts';

/** Images of a stored data set that are held in memory for its statistics, and bytes of them: its means are right to a thousandth. */
const SAMPLE = 16384;
const SAMPLE_BYTES = 256 * 2 ** 20;

/** The images that a run learns from, is tuned on, and is judged by. */
export type Part = 'train' | 'val' | 'test';

export interface DataOptions extends SplitOptions {
  readonly normalize?: Normalize;
  /** In place of those of the training images: a trained model keeps the ones it was trained with. */
  readonly moments?: Moments;
  /** What is done to the images of each training batch. */
  readonly augment?: Augmentation;
  /** Bytes that one binding may span. */
  readonly maxBinding: number;
}

/**
 * `x` holds `views` views of the images, all first ones first. `values` are the step values of the gather kernel besides offset, seed and
 * epoch; `step` decides how a batch is mixed.
 */
export interface BatchSource {
  readonly x: Tensor;
  readonly labels: Tensor;
  readonly views: number;
  values?(by: { seed: number; step: number }): Record<string, number>;
}

export class DeviceData {
  readonly dataset: Dataset;
  /** Difficulty of each training image, once known: the order is then from easy to hard. */
  scores: Float32Array | undefined;
  /** What the training images are shuffled by at present; undefined: they are in file order. */
  by: { seed: number; epoch: number } | undefined;
  #o: DataOptions;
  #indices: Record<Part, Uint32Array>;
  /** What statistics are taken of: the training images of `indices`, or of a stored data set some of them (see prepare). */
  #sample: { dataset: Dataset; indices: Uint32Array };
  /** 32-bit words of one image. */
  #words: number;
  #uploaded = new Set<string>();
  #moments: Moments | undefined;
  #rings = new Map<Part, Ring>();
  /** Images of a batch of each part. */
  #batch = new Map<Part, number>();

  constructor(dataset: Dataset, options: DataOptions) {
    this.dataset = dataset;
    this.#o = options;
    if (options.augment) checkShape(options.augment.transforms, dataset.shape);
    this.#indices = { ...splitIndices(dataset.train.n, options), test: numbers(0, dataset.test.n) };
    this.#sample = { dataset, indices: this.#indices.train };
    this.#words = Math.ceil(size(dataset) / 4);
  }

  /**
   * To be awaited before anything else of a data set whose images are stored: takes SAMPLE of the training images, spread evenly, into
   * memory for statistics.
   */
  async prepare(): Promise<void> {
    const { train } = this.dataset;
    const { normalize = 'none', augment } = this.#o;
    const all = this.#indices.train;
    const asked = normalize !== 'none' || augment?.transforms.some(t => t.fill === 'mean' || t.name === 'pca');
    if (!train.stored || !asked || this.#sample.dataset !== this.dataset) return;
    const n = Math.min(all.length, SAMPLE, Math.max(1, Math.floor(SAMPLE_BYTES / size(this.dataset))));
    const taken = numbers(0, n).map(i => all[Math.floor((i * all.length) / n)]!);
    const images = await imagesOf(train, size(this.dataset), taken);
    const split: Split = { images, labels: Uint16Array.from(taken, i => train.labels[i]!), n };
    this.#sample = { dataset: { ...this.dataset, train: split }, indices: numbers(0, n) };
  }

  /** Images of a part. */
  size(part: Part): number {
    return this.#indices[part].length;
  }

  /** Class numbers of a part, in its own order. */
  labels(part: Part): Uint16Array {
    const { labels } = this.#split(part).split;
    return Uint16Array.from(this.#indices[part], i => labels[i]!);
  }

  /**
   * The gathered batch of a program on one part: normalised images [n, c, h, w] and labels, [n] or where they are mixed [n, classes].
   * The images are augmented where the graph trains; `view` is done to them in place of that.
   */
  source(g: Graph, part: Part, n: number, view?: readonly Transform[]): BatchSource {
    const [c, h, w] = this.dataset.shape;
    const { kind, split } = this.#split(part);
    const classes = this.dataset.classes.length;
    const augment = view ?? (g.training ? this.#o.augment?.transforms : undefined);
    const mix = g.training && !view ? (this.#o.augment?.mix ?? []) : [];
    const views = g.training && !view ? (this.#o.augment?.views ?? 1) : 1;
    const bytes = g.tensor([n * views, c, h, w], 'activation', 'x');
    const labels = g.tensor(mix.length ? [n, classes] : [n], 'activation', 'labels');
    const { stream, pages, perPage } = this.#pages(split, n);
    this.#batch.set(part, n);
    const place: Pages = { c, h, w, pages, perPage, stream };
    const order = g.lasting('input', `${part} order`, [this.#padded(part, n)]);
    const images = Object.fromEntries(
      this.#pageNames(part, n).map(({ name, images }, i) => {
        const page = g.lasting('input', name, [images * this.#words]);
        return [`page${i}`, page];
      }),
    ) as { page0: Tensor };
    const tables = augment && usesTables(augment) ? g.tensor([n, c, TABLE], 'activation', 'tables') : undefined;
    if (tables) g.run(imageTables, { ...place, n }, { order, tables, ...images });
    const mean = augment?.some(t => t.fill === 'mean') ? this.moments().mean : undefined;
    const { dataset, indices } = this.#sample;
    const colour = augment?.some(t => t.name === 'pca') ? colourAxes(dataset, indices) : undefined;
    const p: Gather = { ...place, n, classes, mix: mix.length > 0, augment, views, mean, colour };
    g.run(gather, p, {
      order,
      norm: g.lasting('input', 'norm', [2, c, h, w]),
      labelsAll: g.lasting('input', `${kind} labels`, [split.n]),
      x: bytes,
      ...(mix.length ? { soft: labels } : { labels }),
      ...images,
      ...(tables && { tables }),
    });
    return {
      x: this.whiten(g, bytes),
      labels,
      views,
      ...(mix.length && { values: by => mixValues(mix, by.seed, by.step, n, h, w) }),
    };
  }

  /** Decorrelates normalised images where asked. The matrix is saved with the weights: a file of weights is enough to use them. */
  whiten(g: Graph, x: Tensor): Tensor {
    const { normalize, moments } = this.#o;
    const [n] = x.shape as [number];
    const d = size(this.dataset);
    if (normalize !== 'pca' && normalize !== 'zca') return x;
    const matrix = g.lasting('buffer', 'whitening.weight', [d, d], () => {
      if (moments) return new Float32Array(d * d); // it comes with the trained weights
      return whitening(this.#sample.dataset, this.#sample.indices, this.moments().image!, normalize);
    });
    const white = g.tensor(x.shape, 'activation', 'white');
    g.run(matmul, { m: n, n: d, k: d }, { a: x, b: matrix, y: white });
    return white;
  }

  /** Writes what programs on `part` read and the device does not hold yet: images, labels, order, normalisation. */
  upload(memory: Memory, g: Graph, part: Part): void {
    const { kind, split } = this.#split(part);
    const find = (name: string) => g.tensors.find(t => t.role === 'input' && t.name === name)!;
    const write = (name: string, data: () => Uint8Array | Uint32Array | Float32Array) => {
      if (this.#uploaded.has(name)) return;
      this.#uploaded.add(name);
      memory.write(find(name), data());
    };
    const n = this.#batch.get(part)!;
    const pages = this.#pageNames(part, n);
    const bytes = size(this.dataset);
    if (this.#pages(split, n).stream) {
      const ring = () => new Ring(split, bytes, pages.map(({ name }) => find(name)));
      if (!this.#rings.has(part)) this.#rings.set(part, ring());
    } else {
      for (const { name, images, first } of pages) {
        write(name, () => pack(split.images.subarray(first * bytes, (first + images) * bytes), bytes));
      }
    }
    write(`${kind} labels`, () => Uint32Array.from(split.labels));
    write('norm', () => this.normalisation());
    if (part !== 'train') write(`${part} order`, () => this.#order(part, g));
  }

  /** Writes the order of the training images for one epoch: shuffled by (seed, epoch), or as in the file. */
  shuffle(memory: Memory, g: Graph, by?: { seed: number; epoch: number }): void {
    this.by = by;
    const order = g.tensors.find(t => t.name === 'train order')!;
    memory.write(order, this.#order('train', g, by));
  }

  /** To be called before each batch: of a data set too large for the device it writes the images that are needed now, and the next ones. */
  feed(memory: Memory, part: Part, offset: number): Promise<void> | undefined {
    return this.#rings.get(part)?.feed(memory, offset);
  }

  /** Scale and shift [2, c, h, w] with x = byte * scale + shift, by the training images. */
  normalisation(): Float32Array {
    const [c, h, w] = this.dataset.shape;
    const plane = h * w;
    const out = new Float32Array(2 * c * plane);
    const how = this.#o.normalize ?? 'none';
    const unchanged: Moments = { mean: Array<number>(c).fill(0), std: Array<number>(c).fill(1) };
    const { mean, std, image } = how === 'none' ? unchanged : this.moments();
    for (let k = 0; k < c; k++) {
      const scale = how === 'meanstd' ? 1 / std[k]! : 1;
      out.fill(scale / 255, k * plane, (k + 1) * plane);
      out.fill(-mean[k]! * scale, (c + k) * plane, (c + k + 1) * plane);
    }
    if (image && how !== 'mean' && how !== 'meanstd') {
      for (let i = 0; i < image.length; i++) out[c * plane + i] = -image[i]!;
    }
    return out;
  }

  /** Those given, else of the training images, validation left out. */
  moments(): Moments {
    const { normalize = 'none', moments } = this.#o;
    const { dataset, indices } = this.#sample;
    return (this.#moments ??= moments ?? {
      ...channelMoments(dataset, indices),
      ...(['meanimage', 'pca', 'zca'].includes(normalize) && { image: meanImage(dataset, indices) }),
    });
  }

  #split(part: Part): { kind: 'train' | 'test'; split: Split } {
    return part === 'test' ? { kind: 'test', split: this.dataset.test } : { kind: 'train', split: this.dataset.train };
  }

  /** Whole batches for evaluation: the last one is filled up with images that do not count. */
  #padded(part: Part, batch: number): number {
    return Math.ceil(this.size(part) / batch) * batch;
  }

  #order(part: Part, g: Graph, by?: { seed: number; epoch: number }): Uint32Array {
    const indices = this.#indices[part];
    const out = new Uint32Array(g.tensors.find(t => t.name === `${part} order`)!.size);
    const places = () => {
      const { seed, epoch } = by!;
      if (part === 'train' && this.scores) return curriculum(this.scores, seed, epoch);
      return permutation(indices.length, seed, STREAMS.shuffle, epoch);
    };
    out.set(by ? places().map(i => indices[i]!) : indices);
    this.#rings.get(part)?.restart(out);
    return out;
  }

  /** All images in as few pages as may be; where they are too many for that, a ring of pages through which they pass. */
  #pages(split: Split, batch: number): { pages: number; perPage: number; stream: boolean } {
    const bytes = this.#words * 4;
    const perPage = Math.min(split.n, Math.floor(this.#o.maxBinding / bytes));
    const pages = Math.ceil(split.n / perPage);
    const reserved = usesTables(this.#o.augment?.transforms ?? []) ? 1 : 0; // a binding of the same kernel
    if (pages <= MAX_PAGES - reserved && !split.stored) return { pages, perPage, stream: false };
    return { pages: RING_PAGES, perPage: Ring.chunk(this.dataset.name, bytes, batch, this.#o.maxBinding), stream: true };
  }

  #pageNames(part: Part, n: number): { name: string; first: number; images: number }[] {
    const { kind, split } = this.#split(part);
    const { pages, perPage, stream } = this.#pages(split, n);
    return Array.from({ length: pages }, (_, i) => {
      if (stream) return { name: `${part} ring ${i}`, first: 0, images: perPage };
      const first = i * perPage;
      return { name: `${kind} images ${i}`, first, images: Math.min(perPage, split.n - first) };
    });
  }
}

const size = ({ shape: [c, h, w] }: Dataset) => c * h * w;
