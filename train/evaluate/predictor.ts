/** A trained model that answers: made once, for any number of images, from any number of callers at a time. */
import { outputsOf, type Dataset } from '../../datasets/dataset.ts';
import type { Picture } from '../../datasets/host.ts';
import { check, kindOf, onlyOptions, show, type Known } from '../../engine/check.ts';
import { Device } from '../../engine/device.ts';
import type { Layer } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { Memory } from '../../engine/memory.ts';
import { COUNT, isWithin } from '../../engine/range.ts';
import type { Model } from '../../models/model.ts';
import { chosenModel, nameOf } from '../config/model.ts';
import { isFileName, isNet } from '../../engine/spec.ts';
import { NORMALIZATIONS, withMoments, type NamedNormalize, type Normalize } from '../data/statistics.ts';
import type { OnnxOptions } from '../onnx/export.ts';
import type { OnnxFile } from '../onnx/file.ts';
import { exportOnnx, isOnnx, onnxIn } from '../onnx/open.ts';
import { factsIn, metadataOf, type WeightsFacts } from '../run/metadata.ts';
import { decodeSafetensors } from '../run/read-safetensors.ts';
import { encodeSafetensors, type Tensors } from '../run/safetensors.ts';
import { nameIn, read, save, type Source } from '../run/store.ts';
import { softmaxRows } from '../study/probabilities.ts';
import { Answers } from './answers.ts';
import { bytesOfPixels, kindFor, type KindOptions, type Pixels } from './pixels.ts';
import { logitsOf } from './evaluation-graph.ts';
import { bytesOfPictures } from './pixels.ts';
import { probeGraph, type ImageKind } from './probe.ts';
import { writeWeights, type Loaded, type LoadOptions } from './match.ts';
import { putOn, readTensors } from './weights.ts';

/** One class for an image, `index` being its number and `label` its name; probabilities over all classes add up to 1. */
export interface Answer {
  readonly label: string;
  readonly index: number;
  readonly probability: number;
}

/** What a predictor is made from. */
export interface PredictorOptions extends KindOptions {
  readonly device: Device;
  /** A name as the command line takes it (`lenet5`, `resnet20:shortcut=B`), or a function of { classes, shape } that returns a layer. */
  readonly model: string | Model;
  /** Parameters and running statistics: every tensor of the model with its shape. */
  readonly weights: Tensors;
  /** Most images that are computed at once, 64 without it: more takes more memory on the device. */
  readonly batch?: number;
  /** Pixels of the shorter side of a picture before the middle is cut out; without it as much as possible is shown. */
  readonly resize?: number | undefined;
  /** What it was trained on, for the file. */
  readonly dataset?: string;
}

const OPTIONS: Known<PredictorOptions> = {
  device: true,
  model: true,
  shape: true,
  classes: true,
  outputs: true,
  inputs: true,
  weights: true,
  dtype: true,
  normalize: true,
  moments: true,
  batch: COUNT,
  resize: COUNT,
  dataset: true,
};

/** Most images at once where nobody says it. */
export const BATCH = 64;
/** Answers of an image where nobody says how many are wanted. */
const TOP = 5;
/** The weights of a predictor that has some of its own, and what a file of them says. */
interface Own {
  readonly net: Layer;
  readonly weights: readonly Tensor[];
  readonly facts: WeightsFacts;
}

/** What a caller may say of a file of weights, in place of what it says itself. */
export type GivenFacts = Partial<Omit<PredictorOptions, 'device' | 'weights'>>;

/** A file of weights with what it says of itself, or else is `given`. Throws where something is said nowhere. */
export async function openWeights(source: Source, given: GivenFacts): Promise<Omit<PredictorOptions, 'device'>> {
  const file = nameIn(source);
  const bytes = await read(source);
  const net = isOnnx(bytes, file) ? await onnxIn(source, bytes) : undefined;
  const weights = net ? undefined : decodeSafetensors(bytes, file);
  const facts = net?.facts ?? factsIn(weights!.metadata, file);
  const { model = net?.model ?? facts.model, shape = facts.shape, classes = facts.classes, normalize = facts.normalize } = given;
  check(model !== undefined, `${file}: does not say which model it is of`, 'give { model }');
  check(
    typeof model !== 'string' || given.model !== undefined || !isFileName(model.split(':')[0]!),
    `${file}: is of the model in ${model}, whose code runs only where a program imports it`,
    'give its function as { model }',
  );
  check(shape, `${file}: does not say the shape of its images`, 'give { shape: [channels, height, width] }');
  const outputs = given.outputs ?? facts.outputs;
  check(classes || outputs, `${file}: does not say its classes`, 'give { classes }, or { outputs } of a regression');
  check(normalize, `${file}: does not say how its images were normalised`, `give { normalize } as one of ${NORMALIZATIONS.join(', ')}`);
  const all = withMoments({ ...facts, ...given, model, shape, classes, outputs, normalize: normalize as NamedNormalize });
  return { ...all, weights: weights?.tensors ?? (await weightsOf(net!, all, given.model)) };
}

/** The weights of an ONNX file: of its own net, or of a model that is the same. */
async function weightsOf(net: OnnxFile, { shape, classes, outputs }: Omit<PredictorOptions, 'device' | 'weights'>, model?: string | Model) {
  if (model === undefined) return net.weights(shape);
  const { layer } = await chosenModel(model);
  return net.weightsOf(layer({ shape, classes: (outputs ?? classes)!.length }), shape);
}

/** What is wanted of a prediction. */
export interface PredictOptions {
  /** Answers of an image, 5 without it. */
  readonly top?: number;
  /** Makes what is dark in a picture light; images that are given as values are taken as they are. */
  readonly invert?: boolean;
}

const WANTED: Known<PredictOptions> = { top: true, invert: 'boolean' };

/**
 * Calls may be made at any time and all at once: they are answered in order, and those that wait are computed together. Programs for 1, 4,
 * 16 … images and for the batch are compiled when they are first needed; after that a call allocates nothing on the device. After `destroy`
 * every call throws.
 */
export class Predictor {
  readonly shape: Dataset['shape'];
  readonly classes: readonly string[];
  /** What the values of an image are: bytes, or float32 on the scale of those that it was trained on. */
  readonly dtype: NonNullable<Dataset['dtype']>;
  /** The names of the numbers that it predicts, where it is of a regression, which has no classes; and those of its features. */
  readonly outputs: readonly string[] | undefined;
  readonly inputs: readonly string[] | undefined;
  #memory: Memory;
  #own: Own | undefined;
  #kind: ImageKind;
  #answers: Answers;

  private constructor(memory: Memory, own: Own | undefined, model: Layer, kind: ImageKind, batch: number) {
    this.shape = kind.dataset.shape;
    this.classes = kind.dataset.classes;
    this.dtype = kind.dataset.dtype ?? 'uint8';
    this.outputs = kind.dataset.outputs;
    this.inputs = kind.dataset.inputs;
    this.#memory = memory;
    this.#own = own;
    this.#kind = kind;
    this.#answers = new Answers(memory, model, kind, batch);
  }

  /** Puts weights on a device. Throws where they are not those of the model, or the model does not take the images. */
  static async create(o: PredictorOptions): Promise<Predictor> {
    onlyOptions('Predictor.create', o, OPTIONS);
    const { device, weights, batch = BATCH } = o;
    check(device instanceof Device, `device: ${kindOf(device)} is none`, 'give what openDevice() returned');
    const kind = kindFor(o);
    const { layer } = await chosenModel(o.model);
    const net = layer({ shape: o.shape, classes: outputsOf(kind.dataset).length });
    const model: Layer = (g, x) => logitsOf(net, g, x, kind.dataset);
    const memory = new Memory(device);
    try {
      const own = putOn(memory, probeGraph(memory, model, kind, 1).graph);
      writeWeights(memory, own, weights);
      return new Predictor(memory, { net, weights: own, facts: { ...withMoments(o), model: nameOf(o.model) } }, model, kind, batch);
    } catch (error) {
      memory.destroy();
      throw error;
    }
  }

  /**
   * One of a safetensors file that says what it is of (docs/checkpoints.md), or of an ONNX file, from its bytes or where it is: an address,
   * under Node a path, or `indexeddb://name`. Of a model that has no name its function must be given, and of a file from elsewhere what it
   * does not say. An ONNX file is a model itself; with `model` its weights become those of that, which must be the same net.
   */
  static async open(device: Device, source: Source, given: GivenFacts = {}): Promise<Predictor> {
    return Predictor.create({ device, ...(await openWeights(source, given)) });
  }

  /** One that answers by the weights that `memory` holds at the time, those of a model in training. */
  static over(memory: Memory, model: Layer, kind: ImageKind, batch = BATCH): Predictor {
    return new Predictor(memory, undefined, model, kind, batch);
  }

  /** Logits [count, classes] of the images whose values [count, c, h, w] are given. */
  logits(values: Pixels): Promise<Float32Array> {
    const expected = `expected a multiple of those of ${show(this.shape)}`;
    return this.#answers.ask(bytesOfPixels(this.#kind, values, expected, n => n > 0 && n % 1 === 0, 'the images'));
  }

  /** What a regression predicts, [count, outputs], of the samples whose values [count, c, h, w] are given. */
  async values(samples: Pixels): Promise<Float32Array> {
    check(this.outputs, 'values: the model predicts classes', 'ask predict() or probabilities()');
    const values = await this.logits(samples);
    check(!values.some(Number.isNaN), 'values: one is NaN', 'what was given or the weights hold NaN or infinities');
    return values;
  }

  /** Class probabilities [count, classes] of the images whose values [count, c, h, w] are given. */
  async probabilities(values: Pixels): Promise<Float32Array> {
    this.#checkClasses('probabilities');
    return softmaxRows(await this.logits(values), this.classes.length);
  }

  /**
   * The likeliest classes of an image, or of each of several; the first `top` of them (5). An image is its values [c, h, w] or a picture,
   * which is cropped about the middle and resized.
   */
  predict(image: Pixels | Picture, o?: PredictOptions): Promise<Answer[]>;
  predict(images: readonly (Pixels | Picture)[], o?: PredictOptions): Promise<Answer[][]>;
  async predict(given: Pixels | Picture | readonly (Pixels | Picture)[], o: PredictOptions = {}): Promise<unknown> {
    this.#checkClasses('predict');
    onlyOptions('predict', o, WANTED);
    const { top = TOP, invert } = o;
    check(isWithin(top, COUNT), `top: it is ${kindOf(top)}`, `give 1 to ${this.classes.length}`);
    const images = bytesOfPictures(this.#kind, given, { invert, resize: this.#own?.facts.resize });
    const bytes = images.bytes instanceof Promise ? await images.bytes : images.bytes; // values take their turn at once
    if (!images.count) return [];
    const k = this.classes.length;
    const probabilities = softmaxRows(await this.#answers.ask(bytes), k);
    const rowOf = (i: number) => probabilities.subarray(i * k, (i + 1) * k);
    const answers = Array.from({ length: images.count }, (_, i) => this.#rank(rowOf(i), top, images.who(i)));
    return images.isMany ? answers : answers[0]!;
  }

  /**
   * Answers by other weights of the same model from now on; calls made before it are answered by the old ones, those on pictures where these
   * have been read.
   */
  async swap(weights: Tensors, options?: LoadOptions): Promise<Loaded> {
    const own = this.#ownWeights('swap');
    return this.#answers.between(() => writeWeights(this.#memory, own.weights, weights, options));
  }

  /** Parameters and running statistics under their names. */
  weights(): Promise<Tensors> {
    const own = this.#ownWeights('weights');
    return this.#answers.between(() => readTensors(this.#memory, own.weights));
  }

  /** A safetensors file of the model, which `open`, `descent predict`, `descent eval` and PyTorch read (docs/checkpoints.md). */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const { facts } = this.#ownWeights('bytes');
    return encodeSafetensors(await this.weights(), metadataOf(facts));
  }

  /**
   * An ONNX file of the model (opset 17): pixels from 0 to 1, or the values of a row, [batch, c, h, w] -> `logits` [batch, classes], or
   * `values` of a regression. Throws where a layer has no form in ONNX.
   */
  async onnx(options?: OnnxOptions): Promise<Uint8Array<ArrayBuffer>> {
    const { net, facts } = this.#ownWeights('onnx');
    const { shape, classes, outputs, inputs, dtype } = this;
    const { model: name, normalize, moments, resize, dataset } = facts;
    const told = { name, dataset, resize, normalize: normalize as Normalize, moments };
    return exportOnnx({ model: net, shape, weights: await this.weights(), classes, outputs, inputs, dtype, ...told }, options);
  }

  /**
   * Keeps a file under a name: `indexeddb://name` in the browser, else a download; under Node the file of that path. It is safetensors, or
   * ONNX where the name ends in `.onnx`.
   */
  async save(name = 'model.safetensors'): Promise<void> {
    await save(name, isNet(name) ? await this.onnx() : await this.bytes());
  }

  #checkClasses(who: string): void {
    check(!this.outputs, `${who}: the model predicts numbers (${this.outputs?.join(', ')})`, 'ask values()');
  }

  #ownWeights(who: string): Own {
    check(this.#own, `${who}: the weights are those of a model in training`, 'ask its trainer');
    return this.#own;
  }

  /** Frees all that it holds on the device. Calls that wait are refused. */
  destroy(): void {
    this.#answers.destroy();
    if (this.#own) this.#memory.destroy();
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
}
