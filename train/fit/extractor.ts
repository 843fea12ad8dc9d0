/** A trained net up to its classifier, whose outputs are features that a new classifier learns from. */
import { outputsOf, type Dataset } from '../../datasets/dataset.ts';
import type { Picture } from '../../datasets/host.ts';
import { check, kindOf } from '../../engine/check.ts';
import { Device } from '../../engine/device.ts';
import type { Layer } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { product, type Shape } from '../../shaders/kernel/shape.ts';
import { Memory } from '../../engine/memory.ts';
import { chosenModel } from '../config/model.ts';
import { Answers } from '../evaluate/answers.ts';
import { bytesOfPictures, kindFor, type Pixels } from '../evaluate/pixels.ts';
import { BATCH, openWeights, type GivenFacts, type PredictorOptions } from '../evaluate/predictor.ts';
import { probeGraph, type ImageKind } from '../evaluate/probe.ts';
import { writeWeights } from '../evaluate/match.ts';
import { inFiles, putOn, readTensors } from '../evaluate/weights.ts';
import type { Tensors } from '../run/safetensors.ts';
import type { Source } from '../run/store.ts';
import { BACKBONE } from '../tune/backbone.ts';
import { cutAtClassifier } from '../tune/classifier.ts';
import { Head, type HeadOptions } from './head.ts';

/** What an extractor is made from. */
interface Parts {
  readonly device: Device;
  readonly memory: Memory;
  readonly facts: Omit<PredictorOptions, 'device' | 'weights'>;
  readonly kind: ImageKind;
  readonly trunk: Layer;
  readonly own: readonly Tensor[];
  /** Of the features of one image. */
  readonly shape: Shape;
}

/**
 * Images to features. Calls may be made at any time and all at once, as those of a predictor. After `destroy` every call throws.
 *
 *     const extractor = await FeatureExtractor.open(await openDevice(), 'resnet18.safetensors');
 *     const head = await extractor.head({ classes: ['cat', 'dog'] });
 *     await head.train({ features: await extractor.features(pictures), labels });
 *     await head.save('pets.safetensors');
 */
export class FeatureExtractor {
  /** Of the images that it takes. */
  readonly shape: Dataset['shape'];
  /** Values of the features of an image. */
  readonly size: number;
  #parts: Parts;
  #answers: Answers;
  #heads: Head[] = [];

  private constructor(parts: Parts) {
    const { memory, trunk, kind, facts, shape } = parts;
    this.shape = kind.dataset.shape;
    this.size = product(shape);
    this.#parts = parts;
    this.#answers = new Answers(memory, trunk, kind, facts.batch ?? BATCH, this.size);
  }

  /**
   * One of a file of weights, as Predictor.open takes it; without one of the backbone that comes along. Throws where the file is of another
   * model, or that does not end in one classifier.
   */
  static async open(device: Device, source: Source = BACKBONE, given: GivenFacts = {}): Promise<FeatureExtractor> {
    check(device instanceof Device, `device: ${kindOf(device)} is none`, 'give what openDevice() returned');
    const { weights, ...facts } = await openWeights(source, given);
    const kind = kindFor(facts);
    const { layer } = await chosenModel(facts.model);
    const { trunk } = cutAtClassifier(layer, { shape: facts.shape, classes: outputsOf(kind.dataset).length });
    const memory = new Memory(device);
    try {
      const { graph, output } = probeGraph(memory, trunk, kind, 1);
      const own = putOn(memory, graph);
      const names = new Set(own.map(t => inFiles(t).name));
      writeWeights(memory, own, Object.fromEntries(Object.entries(weights).filter(([name]) => names.has(name))));
      return new FeatureExtractor({ device, memory, facts, kind, trunk, own, shape: output.shape.slice(1) });
    } catch (error) {
      memory.destroy();
      throw error;
    }
  }

  /** Features [n, size], a row for each image: a picture, which is cropped about the middle and resized, or values [c, h, w]. */
  async features(images: Pixels | Picture | readonly (Pixels | Picture)[]): Promise<Float32Array> {
    const { kind, facts } = this.#parts;
    const { bytes, count } = bytesOfPictures(kind, images, { resize: facts.resize });
    return count ? this.#answers.ask(bytes instanceof Promise ? await bytes : bytes) : new Float32Array();
  }

  /** A classifier for other classes on these features. It has drawn its first weights, or has those that are given. */
  async head(o: HeadOptions): Promise<Head> {
    const { device, memory, facts, shape } = this.#parts;
    memory.check();
    const { layer } = await chosenModel(facts.model);
    const head = await Head.create(o, { device, facts, layer, featureShape: shape, trunk: () => this.#weights() });
    this.#heads.push(head);
    return head;
  }

  #weights(): Promise<Tensors> {
    const { memory, own } = this.#parts;
    return this.#answers.between(() => readTensors(memory, own));
  }

  /** Frees all that it and its heads hold on the device. Calls that wait are refused. */
  destroy(): void {
    for (const head of this.#heads) head.destroy();
    this.#answers.destroy();
    this.#parts.memory.destroy();
  }
}
