/** A trained model that answers: made once, for any number of images, from any number of callers at a time. */
import { bytesOf, type Dataset, type Values } from '../../datasets/dataset.ts';
import { check, DescentError, kindOf, show } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import type { Layer, Tensor } from '../../engine/graph.ts';
import { Memory } from '../../engine/memory.ts';
import { bytesOfImage } from '../data/data.ts';
import { Normalisation } from '../data/normalise.ts';
import { NORMALIZE, type Moments, type Normalize } from '../data/statistics.ts';
import type { Tensors } from '../run/safetensors.ts';
import { softmaxRows } from '../study/probabilities.ts';
import { Probe, probeGraph, type ImageKind } from './probe.ts';
import { savedOf, writeWeights } from './weights.ts';

/** One class for an image, `index` being its number and `label` its name; probabilities over all classes add up to 1. */
export interface Answer {
  readonly label: string;
  readonly index: number;
  readonly probability: number;
}

/** Values of one image, or of several one after the other. */
export type Pixels = Uint8Array | Uint8ClampedArray | Float32Array | readonly number[];

/** What `Predictor.create` takes. */
export interface PredictorOptions {
  readonly device: Device;
  readonly model: Layer;
  /** Channels, height and width of an image; [features, 1, 1] of a table's row. */
  readonly shape: Dataset['shape'];
  readonly classes: readonly string[];
  /** Parameters and running statistics: every tensor of the model with its shape. */
  readonly weights: Tensors;
  /** What the values of images are: bytes that mean 0 to 1 (so it is without this), or float32 as they are. */
  readonly dtype?: Dataset['dtype'];
  /** How the images were normalised that it was trained on, and by which moments; `none` without it. */
  readonly normalize?: Normalize;
  readonly moments?: Moments;
  /** Most images that are computed at once, 64 without it: more takes more memory on the device. */
  readonly batch?: number;
}

const BATCH = 64;
/** Answers of an image where nobody says how many are wanted. */
const TOP = 5;
/** Chunks on the device at a time: the next is brought there while one is computed. */
const IN_FLIGHT = 2;

/** A call that waits for its logits. */
interface Request {
  /** The bytes of its images. */
  readonly images: Uint8Array;
  readonly count: number;
  readonly logits: Float32Array;
  readonly resolve: (logits: Float32Array) => void;
  readonly reject: (error: unknown) => void;
}

/** Images of one request in a chunk: `n` from number `from` on. */
interface Piece {
  readonly request: Request;
  readonly from: number;
  readonly n: number;
}

/**
 * Calls may be made at any time and all at once: they are answered in order, and those that wait are computed together. Programs for 1, 4,
 * 16 … images and for the batch are compiled when they are first needed; after that a call allocates nothing on the device. After `destroy`
 * every call throws.
 */
export class Predictor {
  readonly shape: Dataset['shape'];
  readonly classes: readonly string[];
  #memory: Memory;
  /** Its weights, where it has some of its own. */
  #own: readonly Tensor[] | undefined;
  #destroyed = false;
  #model: Layer;
  #kind: ImageKind;
  #sizes: readonly number[];
  #probes = new Map<number, Promise<Probe>>();
  /** The calls of the next turn. */
  #waiting: Request[] | undefined;

  private constructor(memory: Memory, own: readonly Tensor[] | undefined, model: Layer, kind: ImageKind, batch: number) {
    this.shape = kind.dataset.shape;
    this.classes = kind.dataset.classes;
    this.#memory = memory;
    this.#own = own;
    this.#model = model;
    this.#kind = kind;
    this.#sizes = sizesUpTo(batch);
  }

  /** Puts weights on a device. Throws where they are not those of the model, or the model does not take the images. */
  static create(o: PredictorOptions): Predictor {
    const { device, model, weights, batch = BATCH } = o;
    check(Number.isInteger(batch) && batch >= 1, `batch: it is ${kindOf(batch)}`, 'give a whole number from 1 on');
    const kind = kindFor(o);
    const memory = new Memory(device);
    try {
      const { graph } = probeGraph(memory, model, kind, 1);
      const own = savedOf(graph);
      memory.reserve(graph);
      memory.allocate(graph);
      writeWeights(memory, own, weights);
      return new Predictor(memory, own, model, kind, batch);
    } catch (error) {
      memory.destroy();
      throw error;
    }
  }

  /** One that answers by the weights that `memory` holds at the time, those of a model in training. */
  static over(memory: Memory, model: Layer, kind: ImageKind, batch = BATCH): Predictor {
    return new Predictor(memory, undefined, model, kind, batch);
  }

  /** Logits [count, classes] of the images whose values [count, c, h, w] are given. */
  logits(values: Pixels): Promise<Float32Array> {
    const size = show(this.shape);
    return this.#ask(this.#bytesOf(values, `expected a multiple of those of ${size}`, n => n > 0 && n % 1 === 0));
  }

  /** Class probabilities [count, classes] of the images whose values [count, c, h, w] are given. */
  async probabilities(values: Pixels): Promise<Float32Array> {
    return softmaxRows(await this.logits(values), this.classes.length);
  }

  /** The likeliest classes of an image, or of each of several; the first `top` of them (5). */
  predict(image: Pixels, o?: { readonly top?: number }): Promise<Answer[]>;
  predict(images: readonly Pixels[], o?: { readonly top?: number }): Promise<Answer[][]>;
  async predict(given: Pixels | readonly Pixels[], { top = TOP }: { readonly top?: number } = {}): Promise<Answer[] | Answer[][]> {
    check(Number.isInteger(top) && top >= 1, `top: it is ${kindOf(top)}`, `give 1 to ${this.classes.length}`);
    const isMany = Array.isArray(given) && typeof given[0] !== 'number';
    const images = (isMany ? given : [given]) as readonly Pixels[];
    if (!images.length) return [];
    const size = bytesOfImage(this.#kind.dataset);
    const all = new Uint8Array(images.length * size);
    for (const [i, image] of images.entries()) {
      const who = isMany ? `image ${i}: ` : '';
      all.set(
        this.#bytesOf(image, `expected those of ${show(this.shape)}`, n => n === 1, who),
        i * size,
      );
    }
    const k = this.classes.length;
    const probabilities = softmaxRows(await this.#ask(all), k);
    const answers = images.map((_, i) => this.#rank(probabilities.subarray(i * k, (i + 1) * k), top, isMany ? `image ${i}` : 'the image'));
    return isMany ? answers : answers[0]!;
  }

  /** Answers by other weights of the same model from now on; calls made before it are answered by the old ones. */
  async swap(weights: Tensors): Promise<void> {
    const own = this.#own;
    check(own, 'swap: the weights are those of a model in training', 'give them to its trainer');
    this.#waiting = undefined;
    await this.#memory.inTurn(() => writeWeights(this.#memory, own, weights));
  }

  /** Frees all that it holds on the device. Calls that wait are refused. */
  destroy(): void {
    for (const made of this.#probes.values()) {
      const ignore = () => undefined; // its failure was reported where it was asked for
      void made.then(probe => probe.destroy(), ignore);
    }
    this.#destroyed = true;
    if (this.#own) this.#memory.destroy();
  }

  /** The bytes of given values. `fits` says of how many images they may be. */
  #bytesOf(given: Pixels, expected: string, fits: (count: number) => boolean, who = ''): Uint8Array {
    const floats = this.#kind.dataset.dtype === 'float32';
    const size = this.shape.reduce((a, b) => a * b);
    const isList = ArrayBuffer.isView(given) || Array.isArray(given);
    check(
      isList && (floats || !(given instanceof Float32Array)),
      `${who}predict: got ${kindOf(given)}`,
      floats ? 'give numbers, as Float32Array' : 'give bytes from 0 to 255, as Uint8Array',
    );
    check(fits(given.length / size), `${who}predict: got ${given.length} values, ${expected}`, `which has ${size}`);
    const values: Values = floats ? new Float32Array(given) : new Uint8Array(given); // a copy: it may be written to while the call waits
    const wrong = Array.isArray(given) ? given.findIndex((v, i) => typeof v !== 'number' || (!floats && v !== values[i])) : -1;
    check(
      wrong < 0,
      `${who}predict: value ${wrong} is ${kindOf(given[wrong])}`,
      floats ? 'give numbers' : 'give whole numbers from 0 to 255',
    );
    return bytesOf(values);
  }

  #rank(probabilities: Float32Array, top: number, who: string): Answer[] {
    const ranked = Array.from(probabilities, (probability, index): Answer => ({ label: this.classes[index]!, index, probability }));
    check(
      probabilities.every(p => !Number.isNaN(p)),
      `predict: the answer to ${who} is NaN`,
      'its values or the weights hold NaN or infinities',
    );
    return ranked.sort((a, b) => b.probability - a.probability || a.index - b.index).slice(0, top);
  }

  /** The logits of images, when their turn has come. */
  #ask(images: Uint8Array): Promise<Float32Array> {
    check(!this.#destroyed, 'the model was destroyed', 'create it again');
    const count = images.length / bytesOfImage(this.#kind.dataset);
    return new Promise((resolve, reject) => {
      const logits = new Float32Array(count * this.classes.length);
      this.#turn().push({ images, count, logits, resolve, reject });
    });
  }

  /** The calls that are answered in the next turn. */
  #turn(): Request[] {
    if (this.#waiting) return this.#waiting;
    const requests: Request[] = (this.#waiting = []);
    const begins = () => {
      if (this.#waiting === requests) this.#waiting = undefined;
    };
    this.#memory
      .inTurn(() => {
        begins();
        return this.#answer(requests);
      })
      .catch((error: unknown) => {
        begins();
        for (const { reject } of requests) reject(error);
      });
    return requests;
  }

  /** Computes the images of requests in chunks of at most the batch, whosever they are. */
  async #answer(requests: readonly Request[]): Promise<void> {
    const under: Promise<void>[] = [];
    for (const chunk of chunksOf(requests, this.#sizes.at(-1)!)) {
      const n = chunk.reduce((sum, piece) => sum + piece.n, 0);
      const probe = await this.#probe(this.#sizes.find(size => size >= n)!);
      if (under.length >= IN_FLIGHT) await under.shift();
      const work = probe.logits(imagesOf(chunk, n)).then(logits => this.#deliver(chunk, logits));
      work.catch(() => undefined); // awaited below
      under.push(work);
    }
    await Promise.all(under);
  }

  #deliver(chunk: readonly Piece[], logits: Float32Array): void {
    const k = this.classes.length;
    let at = 0;
    for (const { request, from, n } of chunk) {
      request.logits.set(logits.subarray(at * k, (at + n) * k), from * k);
      at += n;
      if (from + n === request.count) request.resolve(request.logits);
    }
  }

  #probe(n: number): Promise<Probe> {
    let probe = this.#probes.get(n);
    if (!probe) this.#probes.set(n, (probe = Probe.create(this.#memory, this.#model, this.#kind, n)));
    return probe;
  }
}

/** 1, 4, 16 … and `batch`. */
function sizesUpTo(batch: number): number[] {
  const sizes: number[] = [];
  for (let n = 1; n < batch; n *= 4) sizes.push(n);
  return [...sizes, batch];
}

/** The images of requests in order, at most `most` together. */
function chunksOf(requests: readonly Request[], most: number): Piece[][] {
  const chunks: Piece[][] = [];
  let room = 0;
  for (const request of requests) {
    for (let from = 0; from < request.count; ) {
      if (!room) {
        chunks.push([]);
        room = most;
      }
      const n = Math.min(room, request.count - from);
      chunks.at(-1)!.push({ request, from, n });
      from += n;
      room -= n;
    }
  }
  return chunks;
}

/** The bytes of the images of a chunk, one after the other. */
function imagesOf(chunk: readonly Piece[], n: number): Uint8Array {
  const parts = chunk.map(({ request: { images, count }, from, n }) => {
    const size = images.length / count;
    return images.subarray(from * size, (from + n) * size);
  });
  if (parts.length === 1) return parts[0]!;
  const out = new Uint8Array((parts[0]!.length / chunk[0]!.n) * n);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** What the images are that a predictor takes. Throws where moments are needed and missing. */
function kindFor({ shape, classes, dtype, normalize = 'none', moments }: PredictorOptions): ImageKind {
  check(
    Array.isArray(shape) && shape.length === 3 && shape.every(side => Number.isInteger(side) && side > 0),
    `shape: it is ${Array.isArray(shape) ? show(shape) : kindOf(shape)}`,
    'give [channels, height, width]',
  );
  check(Array.isArray(classes) && classes.length, `classes: it is ${kindOf(classes)}`, 'give the names of the classes in their order');
  check(NORMALIZE.includes(normalize), `normalize: '${normalize}' is not known`, `give one of ${NORMALIZE.join(', ')}`);
  if (normalize !== 'none' && !moments) {
    throw new DescentError(
      `normalize: '${normalize}' goes by the moments of the training images, and there are none`,
      'give moments: { mean, std }',
    );
  }
  const nothing = { images: dtype === 'float32' ? new Float32Array() : new Uint8Array(), labels: new Uint16Array(), n: 0 };
  const dataset: Dataset = { name: 'images', shape, classes, train: nothing, test: nothing, ...(dtype && { dtype }) };
  return { dataset, normalisation: new Normalisation(normalize, { dataset, indices: new Uint32Array() }, moments) };
}
