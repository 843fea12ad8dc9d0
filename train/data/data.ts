/** A data set on the device: bytes in pages, the order in which batches are gathered, the numbers that normalise them. */
import { imagesOf, numbers, type Dataset, type Split } from '../../datasets/dataset.ts';
import type { Graph, Tensor } from '../../engine/graph.ts';
import type { Memory } from '../../engine/program.ts';
import { usesTables, type Transform } from '../../shaders/images/augment.ts';
import { gather, type Gather } from '../../shaders/images/gather.ts';
import { MOST_SUMMED } from '../../shaders/images/sums.ts';
import { imageTables, TABLE } from '../../shaders/images/tables.ts';
import { matmul } from '../../shaders/product/matmul.ts';
import { MAX_PAGES, type Pages } from '../../shaders/images/pages.ts';
import { permutation, STREAMS } from '../../shaders/kernel/random.ts';
import { checkShape, mixValues, type Augmentation } from '../config/augment.ts';
import type { Normalize } from '../config/config.ts';
import { measure } from './measure.ts';
import { curriculum, splitIndices, type SplitOptions } from './splits.ts';
import { channelMoments, colourAxes, meanImage, scaleAndShift, whitening, type Moments } from './statistics.ts';
import { pack, Ring, RING_PAGES } from './stream.ts';

/** Images of a stored data set that are held in memory for its statistics, and bytes of them: its means are right to a thousandth. */
const SAMPLE = 16384;
const SAMPLE_BYTES = 256 * 2 ** 20;
/** Bytes of images of which the host takes the moments sooner than a device compiles a kernel for it. */
const FEW_BYTES = 16 * 2 ** 20;

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
  /** Names of what was written, by where: a batch that does not fit is tried again with another memory. */
  #uploaded = new WeakMap<Memory, Set<string>>();
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
      this.#pageNames(part).map(({ name, images }, i) => {
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

  /** What the training images allow while the driver compiles: they go to the device, or give the host their moments. */
  begin(memory: Memory, g: Graph): void {
    if (this.#resident('train')) this.#uploadImages(memory, g, 'train');
    if (!this.#measurable()) this.normalisation();
  }

  /** To be awaited before `upload` and after `begin`: takes the moments of many training images on the device. */
  async measure(memory: Memory, g: Graph): Promise<void> {
    if (!this.#measurable()) return;
    const [c, h, w] = this.dataset.shape;
    const pages = this.#pageNames('train').map(({ name, images }) => ({ images: inputOf(g, name), n: images }));
    this.#moments = await measure(memory, pages, c, h * w, this.#indices.train);
  }

  /** Writes what programs on `part` read and the device does not hold yet: images, labels, order, normalisation. */
  upload(memory: Memory, g: Graph, part: Part): void {
    const { kind, split } = this.#split(part);
    if (this.#resident(part)) this.#uploadImages(memory, g, part);
    else if (!this.#rings.has(part)) {
      const pages = this.#pageNames(part).map(({ name }) => inputOf(g, name));
      this.#rings.set(part, new Ring(split, size(this.dataset), pages));
    }
    this.#write(memory, g, `${kind} labels`, () => Uint32Array.from(split.labels));
    this.#write(memory, g, 'norm', () => this.normalisation());
    if (part !== 'train') this.#write(memory, g, `${part} order`, () => this.#order(part, g));
  }

  #uploadImages(memory: Memory, g: Graph, part: Part): void {
    const { images: bytes } = this.#split(part).split;
    const one = size(this.dataset);
    for (const { name, images, first } of this.#pageNames(part)) {
      this.#write(memory, g, name, () => pack(bytes.subarray(first * one, (first + images) * one), one));
    }
  }

  #write(memory: Memory, g: Graph, name: string, data: () => Uint8Array | Uint32Array | Float32Array): void {
    const there = this.#uploaded.get(memory) ?? new Set();
    this.#uploaded.set(memory, there);
    if (there.has(name)) return;
    there.add(name);
    memory.write(inputOf(g, name), data());
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

  /** What scales and shifts images (see scaleAndShift), by the training images. */
  normalisation(): Float32Array {
    const { normalize = 'none' } = this.#o;
    return scaleAndShift(this.dataset.shape, normalize, normalize === 'none' ? undefined : this.moments());
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

  /** Whether the moments are to be taken on the device: they are unknown, its kernel can take them, and the host would take longer. */
  #measurable(): boolean {
    const { normalize = 'none', moments } = this.#o;
    const [, h, w] = this.dataset.shape;
    const asked = !this.#moments && !moments && (normalize === 'mean' || normalize === 'meanstd');
    return asked && this.#resident('train') && h * w <= MOST_SUMMED && this.size('train') * size(this.dataset) > FEW_BYTES;
  }

  /** Whether the device holds all images of a part. */
  #resident(part: Part): boolean {
    return !this.#pages(this.#split(part).split, this.#batch.get(part)!).stream;
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

  #pageNames(part: Part): { name: string; first: number; images: number }[] {
    const { kind, split } = this.#split(part);
    const { pages, perPage, stream } = this.#pages(split, this.#batch.get(part)!);
    return Array.from({ length: pages }, (_, i) => {
      if (stream) return { name: `${part} ring ${i}`, first: 0, images: perPage };
      const first = i * perPage;
      return { name: `${kind} images ${i}`, first, images: Math.min(perPage, split.n - first) };
    });
  }
}

const inputOf = (g: Graph, name: string): Tensor => g.tensors.find(t => t.role === 'input' && t.name === name)!;
const size = ({ shape: [c, h, w] }: Dataset) => c * h * w;
