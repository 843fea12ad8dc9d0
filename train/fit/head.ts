/** A classifier on the features of a net that stays as it is: it trains in moments, since the net computes each image once. */
import { check, kindOf, onlyOptions, type Known } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import type { Layer } from '../../engine/graph.ts';
import { isNet } from '../../engine/spec.ts';
import { product, type Shape } from '../../shaders/kernel/shape.ts';
import { Turns } from '../../engine/turns.ts';
import { adam } from '../../optim/adaptive.ts';
import { optimizer } from '../../optim/optimizer.ts';
import { weightDecay as decay } from '../../optim/pieces.ts';
import type { Dataset } from '../../datasets/dataset.ts';
import { checkClasses } from '../../datasets/labels.ts';
import { datasetOf } from '../../datasets/memory.ts';
import { openData } from '../data/data.ts';
import { nameOf } from '../config/model.ts';
import type { ModelInput } from '../../models/model.ts';
import { built } from '../evaluate/built.ts';
import { Predictor, type PredictorOptions } from '../evaluate/predictor.ts';
import { metadataOf } from '../run/metadata.ts';
import { encodeSafetensors, type Tensors } from '../run/safetensors.ts';
import { save } from '../run/store.ts';
import { Trainer } from '../step/trainer.ts';
import { cutAtClassifier } from '../tune/classifier.ts';
import { checkHandlers } from './handlers.ts';

/** Loss and accuracy, means over samples while they were trained on. */
export interface HeadScore {
  readonly loss: number;
  readonly accuracy: number;
}

/** What a new classifier is for. */
export interface HeadOptions {
  /** Names of the classes in the order of their numbers, two or more. */
  readonly classes: readonly string[];
  /** Draws its first weights and the order of samples. */
  readonly seed?: number;
  /** In place of first weights that are drawn: those of a classifier for as many classes. Of a whole net's the others are passed over. */
  readonly weights?: Tensors;
  /** What it is trained on, for the file. */
  readonly dataset?: string;
}

/** Features [n, size] of images, and the class number of each. */
export interface FeatureSamples {
  readonly features: Float32Array;
  readonly labels: ArrayLike<number>;
}

/** How a classifier is trained: by Adam. */
export interface HeadTraining {
  /** Passes over the samples, 30 without it. */
  readonly epochs?: number;
  /** The learning rate, 0.01 without it. */
  readonly lr?: number;
  readonly weightDecay?: number;
  /** Ends it after the step in flight: it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told after each pass. */
  readonly onEpoch?: ((event: HeadScore & { readonly epoch: number }) => void) | undefined;
}

/** What a head has of its extractor. */
export interface Extractor {
  readonly device: Device;
  readonly facts: Omit<PredictorOptions, 'device' | 'weights'>;
  readonly layer: (input: ModelInput) => Layer;
  readonly featureShape: Shape;
  readonly trunk: () => Promise<Tensors>;
}

const OPTIONS: Known<HeadOptions> = { classes: true, seed: true, weights: true, dataset: true };
const TRAINING: Known<HeadTraining> = { epochs: true, lr: true, weightDecay: true, signal: true, onEpoch: true };

/** Samples of one step: few enough that a handful of samples makes several. */
const BATCH = 32;

/** Calls wait for one another in the order in which they are made. After `destroy` every call throws. */
export class Head {
  readonly classes: readonly string[];
  #dataset: string | undefined;
  #seed: number;
  #extractor: Extractor;
  #layer: Layer;
  #shape: Dataset['shape'];
  #predictor: Predictor;
  /** Passes over samples so far: no two have the same order. */
  #epochs = 0;
  #turns = new Turns();

  private constructor(o: HeadOptions, extractor: Extractor, layer: Layer, shape: Dataset['shape'], predictor: Predictor) {
    this.classes = o.classes;
    this.#dataset = o.dataset;
    this.#seed = o.seed ?? 0;
    this.#extractor = extractor;
    this.#layer = layer;
    this.#shape = shape;
    this.#predictor = predictor;
  }

  /** Throws where the weights are not those of a classifier for so many classes. */
  static async create(o: HeadOptions, extractor: Extractor): Promise<Head> {
    onlyOptions('head', o, OPTIONS);
    const { classes, seed = 0, weights } = o;
    const { device, facts, featureShape } = extractor;
    checkClasses(classes);
    check(Number.isInteger(seed), `seed: it is ${kindOf(seed)}`, 'give a whole number');
    const { head } = cutAtClassifier(extractor.layer, { shape: facts.shape, classes: classes.length });
    const layer: Layer = (g, x) => head(g, g.view(x, [x.shape[0]!, ...featureShape]));
    const shape = [product(featureShape), 1, 1] as const;
    const values = Array.from(built(layer, shape).graph.init, ([{ name, shape }, init]) => {
      return [name, weights?.[name] ?? { shape, data: init(shape, name, seed) }] as const;
    });
    const model = () => layer;
    const predictor = await Predictor.create({ device, model, shape, classes, dtype: 'float32', weights: Object.fromEntries(values) });
    return new Head(o, extractor, layer, shape, predictor);
  }

  /**
   * Goes on from the weights that it has. Resolves with loss and accuracy over the last pass. Throws where a label is none of the classes,
   * or features are not those of the extractor, or the signal is aborted; then nothing has changed.
   */
  train(samples: FeatureSamples, o: HeadTraining = {}): Promise<HeadScore> {
    onlyOptions('head.train', o, TRAINING);
    check(typeof samples === 'object' && samples !== null, `head.train: got ${kindOf(samples)}`, 'give { features, labels }');
    return this.#turns.take(() => this.#train(samples, o));
  }

  async #train({ features, labels }: FeatureSamples, o: HeadTraining): Promise<HeadScore> {
    const { epochs = 30, lr = 0.01, weightDecay = 0, signal, onEpoch } = o;
    check(Number.isInteger(epochs) && epochs > 0, `epochs: it is ${kindOf(epochs)}`, 'give a whole number from 1 on');
    check(Number.isFinite(weightDecay) && weightDecay >= 0, `weightDecay: it is ${kindOf(weightDecay)}`, 'give a number of at least 0');
    checkHandlers(o, ['onEpoch']);
    const [size] = this.#shape;
    const n = labels?.length ?? 0;
    check(features instanceof Float32Array, `features: it is ${kindOf(features)}`, 'give what features() of the extractor gives');
    check(n > 0 && features.length === n * size, `features: ${features.length} values for ${n} labels`, `give ${size} for each label`);
    const wrong = features.findIndex(v => !Number.isFinite(v));
    check(wrong < 0, `features: value ${wrong} is ${features[wrong]}`, 'give finite numbers');
    const dataset = await datasetOf({ images: features, labels, shape: [size], classes: this.classes });
    const { device } = this.#extractor;
    const batchSize = Math.min(BATCH, dataset.train.n);
    const trainer = await Trainer.create({
      device,
      data: await openData(dataset),
      model: this.#layer,
      batchSize,
      optimizer: optimizer(adam, { lr }, weightDecay ? [decay(weightDecay)] : []),
      seed: this.#seed + this.#epochs,
    });
    try {
      await trainer.loadWeights(await this.#predictor.weights());
      let last: HeadScore = { loss: NaN, accuracy: NaN };
      for (let epoch = 1; epoch <= epochs; epoch++) {
        for (let step = 1; step <= trainer.stepsPerEpoch; step++) {
          signal?.throwIfAborted();
          await trainer.step(step === trainer.stepsPerEpoch);
        }
        const { loss, accuracy = 0 } = (await trainer.settle()).at(-1) ?? last;
        last = { loss, accuracy };
        onEpoch?.({ epoch, loss, accuracy });
        this.#epochs++;
      }
      signal?.throwIfAborted();
      await this.#predictor.swap(await trainer.weights());
      return last;
    } finally {
      trainer.destroy();
    }
  }

  /** Logits [n, classes] of features [n, size]. */
  logits(features: Float32Array): Promise<Float32Array> {
    return this.#inTurn(predictor => predictor.logits(features));
  }

  /** Class probabilities [n, classes] of features [n, size]. */
  probabilities(features: Float32Array): Promise<Float32Array> {
    return this.#inTurn(predictor => predictor.probabilities(features));
  }

  /** Of the classifier alone. */
  weights(): Promise<Tensors> {
    return this.#inTurn(predictor => predictor.weights());
  }

  /** Asks the predictor, which answers in order too, once what it was trained on by calls before is in its weights. */
  async #inTurn<T>(ask: (predictor: Predictor) => Promise<T>): Promise<T> {
    await this.#turns.done;
    return ask(this.#predictor);
  }

  /** Extractor and classifier as one net, images to classes. It is yours to destroy. */
  async predictor(): Promise<Predictor> {
    const { device, facts } = this.#extractor;
    return Predictor.create({ ...facts, device, outputs: undefined, classes: this.classes, weights: await this.#whole() });
  }

  /** A safetensors file of extractor and classifier as one net, as Predictor.bytes gives it. */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const { model, shape, dtype, normalize, moments, resize } = this.#extractor.facts;
    const own = { model: nameOf(model), shape, dtype, normalize, moments, resize, classes: this.classes, dataset: this.#dataset };
    return encodeSafetensors(await this.#whole(), metadataOf(own));
  }

  /** Keeps that file under a name, as Predictor.save does, of one that ends in `.onnx` an ONNX file. */
  async save(name = 'model.safetensors'): Promise<void> {
    if (!isNet(name)) return save(name, await this.bytes());
    const predictor = await this.predictor();
    await predictor.save(name).finally(() => predictor.destroy());
  }

  async #whole(): Promise<Tensors> {
    return { ...(await this.#extractor.trunk()), ...(await this.weights()) };
  }

  /** Frees all that it holds on the device. */
  destroy(): void {
    this.#predictor.destroy();
  }
}
