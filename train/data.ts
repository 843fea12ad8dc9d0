/** A data set on the device: bytes in pages, the order in which batches are gathered, the numbers that normalise them. */
import type { Dataset, Split } from '../datasets/dataset.ts';
import { check } from '../engine/check.ts';
import type { Graph, Tensor } from '../engine/graph.ts';
import type { Memory } from '../engine/program.ts';
import { gather, MAX_PAGES, type Gather } from '../shaders/gather.ts';
import { permutation, STREAMS } from '../shaders/random.ts';

export type Normalize = 'none' | 'mean' | 'meanstd';
/** The images that a run learns from, is tuned on, and is judged by. */
export type Part = 'train' | 'val' | 'test';

/** Mean and standard deviation of each channel, of pixels in [0, 1]. */
export interface Moments { readonly mean: readonly number[]; readonly std: readonly number[] }

export interface DataOptions {
  readonly normalize?: Normalize;
  /** In place of those of the training images: a trained model keeps the ones it was trained with. */
  readonly moments?: Moments;
  /** Share of the training images held out for validation. */
  readonly valSplit?: number;
  readonly seed?: number;
  /** Bytes that one binding may span. */
  readonly maxBinding: number;
}

export interface BatchSource { readonly x: Tensor; readonly labels: Tensor }

export class DeviceData {
  readonly dataset: Dataset;
  #o: DataOptions;
  #indices: Record<Part, Uint32Array>;
  /** 32-bit words of one image. */
  #words: number;
  #uploaded = new Set<string>();

  constructor(dataset: Dataset, options: DataOptions) {
    this.dataset = dataset;
    this.#o = options;
    const { train, test } = dataset, held = Math.round((options.valSplit ?? 0) * train.n);
    check(held < train.n, `--val-split: ${options.valSplit} holds out all ${train.n} training images; give a smaller share`);
    const mixed = permutation(train.n, options.seed ?? 0, STREAMS.split);
    const all = Uint32Array.from({ length: train.n }, (_, i) => i);
    this.#indices = {
      train: held ? mixed.slice(held).sort() : all,
      val: mixed.slice(0, held).sort(),
      test: Uint32Array.from({ length: test.n }, (_, i) => i),
    };
    this.#words = Math.ceil(size(dataset) / 4);
  }

  size(part: Part): number { return this.#indices[part].length; }

  /** The gathered batch of a program on one part: normalised images [n, c, h, w] and labels [n]. */
  source(g: Graph, part: Part, n: number): BatchSource {
    const [c, h, w] = this.dataset.shape, { kind, split } = this.#split(part), { pages, perPage } = this.#pages(split);
    const x = g.tensor([n, c, h, w], 'activation', 'x'), labels = g.tensor([n], 'activation', 'labels');
    const p: Gather = { n, c, h, w, pages, perPage };
    g.run(gather, p, {
      order: g.lasting('input', `${part} order`, [this.#padded(part, n)]), norm: g.lasting('input', 'norm', [2, c, h, w]),
      labelsAll: g.lasting('input', `${kind} labels`, [split.n]), x, labels,
      ...Object.fromEntries(this.#pageNames(kind, split).map(({ name, images }, i) => [`page${i}`, g.lasting('input', name, [images * this.#words])])) as { page0: Tensor },
    });
    return { x, labels };
  }

  /** Writes what programs on `part` read and the device does not hold yet: images, labels, order, normalisation. */
  upload(memory: Memory, g: Graph, part: Part): void {
    const { kind, split } = this.#split(part);
    const write = (name: string, data: () => Uint8Array | Uint32Array | Float32Array) => {
      if (this.#uploaded.has(name)) return;
      this.#uploaded.add(name);
      memory.write(g.tensors.find(t => t.role === 'input' && t.name === name)!, data());
    };
    const bytes = size(this.dataset), stride = this.#words * 4;
    this.#pageNames(kind, split).forEach(({ name, images, first }) => write(name, () => {
      const from = split.images.subarray(first * bytes, (first + images) * bytes);
      if (bytes === stride) return from;
      const padded = new Uint8Array(images * stride); // each image starts at a word
      for (let i = 0; i < images; i++) padded.set(from.subarray(i * bytes, (i + 1) * bytes), i * stride);
      return padded;
    }));
    write(`${kind} labels`, () => Uint32Array.from(split.labels));
    write('norm', () => this.normalisation());
    if (part !== 'train') write(`${part} order`, () => this.#order(part, g));
  }

  /** Writes the order of the training images for one epoch: shuffled by (seed, epoch), or as in the file. */
  shuffle(memory: Memory, g: Graph, by?: { seed: number; epoch: number }): void {
    memory.write(g.tensors.find(t => t.name === 'train order')!, this.#order('train', g, by));
  }

  /** Scale and shift [2, c, h, w] with x = byte * scale + shift. Mean and deviation are those of the training images, per channel. */
  normalisation(): Float32Array {
    const { shape: [c, h, w] } = this.dataset, plane = h * w, out = new Float32Array(2 * c * plane), how = this.#o.normalize ?? 'none';
    const { mean, std } = how === 'none' ? { mean: Array<number>(c).fill(0), std: Array<number>(c).fill(1) } : this.moments();
    for (let k = 0; k < c; k++) {
      const scale = how === 'meanstd' ? 1 / std[k]! : 1;
      out.fill(scale / 255, k * plane, (k + 1) * plane);
      out.fill(-mean[k]! * scale, (c + k) * plane, (c + k + 1) * plane);
    }
    return out;
  }

  /** Those given, else of the training images, validation left out. */
  moments(): Moments {
    if (this.#o.moments) return this.#o.moments;
    const { shape: [c, h, w], train } = this.dataset, plane = h * w, mean: number[] = [], std: number[] = [];
    for (let k = 0; k < c; k++) {
      const histogram = new Float64Array(256); // exact sums, at one addition a byte
      for (const i of this.#indices.train) for (let at = (i * c + k) * plane, end = at + plane; at < end; at++) histogram[train.images[at]!]!++;
      const count = this.#indices.train.length * plane, sum = (f: (v: number) => number) => histogram.reduce((s, times, v) => s + times * f(v / 255), 0) / count;
      mean.push(sum(v => v));
      std.push(Math.sqrt(sum(v => (v - mean[k]!) ** 2)) || 1);
    }
    return { mean, std };
  }

  #split(part: Part): { kind: 'train' | 'test'; split: Split } {
    return part === 'test' ? { kind: 'test', split: this.dataset.test } : { kind: 'train', split: this.dataset.train };
  }

  /** Whole batches for evaluation: the last one is filled up with images that do not count. */
  #padded(part: Part, batch: number): number { return Math.ceil(this.size(part) / batch) * batch; }

  #order(part: Part, g: Graph, by?: { seed: number; epoch: number }): Uint32Array {
    const indices = this.#indices[part], out = new Uint32Array(g.tensors.find(t => t.name === `${part} order`)!.size);
    out.set(by ? permutation(indices.length, by.seed, STREAMS.shuffle, by.epoch).map(i => indices[i]!) : indices);
    return out;
  }

  #pages(split: Split): { pages: number; perPage: number } {
    const perPage = Math.min(split.n, Math.floor(this.#o.maxBinding / (this.#words * 4)));
    const pages = Math.ceil(split.n / perPage);
    check(pages <= MAX_PAGES, `${this.dataset.name}: ${split.n} images take ${pages} pages of device memory, at most ${MAX_PAGES} fit; give --limit-train ${perPage * MAX_PAGES}`);
    return { pages, perPage };
  }

  #pageNames(kind: string, split: Split): { name: string; first: number; images: number }[] {
    const { pages, perPage } = this.#pages(split);
    return Array.from({ length: pages }, (_, i) => ({ name: `${kind} images ${i}`, first: i * perPage, images: Math.min(perPage, split.n - i * perPage) }));
  }
}

const size = ({ shape: [c, h, w] }: Dataset) => c * h * w;
