/** Teach in the worker: features of samples, a head that learns to tell them apart, its answers, and what is kept of it. */
import { check } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import { product } from '../../shaders/kernel/shape.ts';
import { sharedDevice } from '../../engine/open.ts';
import { Predictor } from '../../train/evaluate/predictor.ts';
import { forget, read, save } from '../../train/run/store.ts';
import { FeatureExtractor } from '../../train/fit/extractor.ts';
import type { Head } from '../../train/fit/head.ts';
import { score } from '../../train/study/probabilities.ts';
import { netInPage } from '../standalone/page.ts';
import { exported, isSafetensors } from './exported.ts';
import { balanced, foldsOf } from './lots.ts';
import type { Learned, NetFormat, RunEvent, Samples, TaughtNet } from './protocol.ts';

/** Under which the net is kept in the browser. */
const KEPT = 'indexeddb://teach';
/** Passes over the samples, and steps at least, where these are few. */
const [EPOCHS, STEPS] = [30, 120];
/** Samples of a step of a head. */
const BATCH = 32;

interface Net {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly device: Device;
  readonly predictor: Predictor;
}

export class Teacher {
  #emit: (event: RunEvent) => void;
  #device: Device | undefined;
  #extractor: Promise<FeatureExtractor> | undefined;
  #net: Net | undefined;

  constructor(emit: (event: RunEvent) => void) {
    this.#emit = emit;
  }

  /** The shape of samples, and the net that was kept, if there is one. */
  async open(): Promise<{ shape: TaughtNet['shape']; net: TaughtNet | undefined }> {
    const { shape } = await this.#trunk();
    const kept = await read(KEPT).catch(() => undefined);
    const net = kept && (await this.#take(kept, 'the net that was kept').catch(() => undefined)); // of an older version, say
    return { shape, net };
  }

  async features(images: Uint8Array): Promise<Float32Array> {
    const trunk = await this.#trunk();
    const size = product(trunk.shape);
    return trunk.features(Array.from({ length: images.length / size }, (_, i) => images.subarray(i * size, (i + 1) * size)));
  }

  /** Trains a head on all samples; it answers from now on, and is kept. */
  async learn({ features, labels, classes }: Samples): Promise<Learned> {
    const trunk = await this.#trunk();
    const head = await trunk.head({ classes, dataset: 'taught' });
    try {
      await learnFrom(head, trunk.size, { features, labels }, (done, accuracy) => this.#emit({ kind: 'learning', done, accuracy }));
      const { accuracy } = score(await head.probabilities(features), labels, classes.length);
      const bytes = await head.bytes();
      return { accuracy, net: await this.#take(bytes, 'the net'), kept: await this.#keep(bytes) };
    } finally {
      head.destroy();
    }
  }

  /** What heads say of samples that they have not learned from: probabilities [n, classes], NaN of one that is the only one of its class. */
  async check({ features, labels, classes }: Samples): Promise<Float32Array> {
    const trunk = await this.#trunk();
    const folds = foldsOf(labels);
    const k = classes.length;
    const all = new Float32Array(labels.length * k).fill(NaN);
    const last = Math.max(...folds);
    for (let fold = 0; fold <= last; fold++) {
      const [held, learned]: [number[], number[]] = [[], []];
      for (const [i, own] of folds.entries()) (own === fold ? held : learned).push(i);
      const head = await trunk.head({ classes });
      try {
        const given = { features: rows(features, trunk.size, learned), labels: Uint16Array.from(learned, i => labels[i]!) };
        await learnFrom(head, trunk.size, given);
        const probabilities = await head.probabilities(rows(features, trunk.size, held));
        for (const [at, i] of held.entries()) all.set(probabilities.subarray(at * k, (at + 1) * k), i * k);
      } finally {
        head.destroy();
      }
      this.#emit({ kind: 'checking', done: (fold + 1) / (last + 1) });
    }
    return all;
  }

  /** Class probabilities [n, classes] of images given as bytes [n, c, h, w]. */
  async answer(images: Uint8Array): Promise<Float32Array> {
    return (await this.#answering()).predictor.probabilities(images);
  }

  async export(format: NetFormat, base: string): Promise<Uint8Array> {
    return exported((await this.#answering()).bytes, format, base);
  }

  /** Answers by a net that was exported before, and keeps it. */
  async load(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<Omit<Learned, 'accuracy'>> {
    const file = /\.html$/i.test(name) ? netInPage(new TextDecoder().decode(bytes)) : bytes;
    check(file, `${name}: has no net in it`, 'give a page that was exported here');
    return { net: await this.#take(file, name), kept: await this.#keep(file) };
  }

  async forget(): Promise<void> {
    this.#net?.predictor.destroy();
    this.#net = undefined;
    await forget(KEPT).catch(() => undefined); // where nothing can be kept, nothing is
  }

  /** The backbone; on a new device where the last one was lost. */
  async #trunk(): Promise<FeatureExtractor> {
    const device = await sharedDevice();
    if (device !== this.#device) this.#extractor = undefined;
    this.#device = device;
    const opening = (this.#extractor ??= FeatureExtractor.open(device));
    opening.catch(() => {
      if (this.#extractor === opening) this.#extractor = undefined; // the next call tries again
    });
    return opening;
  }

  async #answering(): Promise<Net> {
    check(this.#net, 'there is no net yet', 'train one');
    if (this.#net.device !== (await sharedDevice())) await this.#take(this.#net.bytes, 'the net');
    return this.#net;
  }

  /** Answers by the net in a file, in place of the one before. */
  async #take(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<TaughtNet> {
    const device = await sharedDevice();
    const { openOnnx } = await import('../../train/onnx/predictor.ts');
    const isOurs = isSafetensors(bytes) || /\.safetensors$/i.test(name); // a damaged one is told of as such
    const predictor = await (isOurs ? Predictor.open(device, new File([bytes], name)) : openOnnx(device, bytes, name));
    if (predictor.outputs) predictor.destroy();
    check(!predictor.outputs, `${name}: predicts numbers`, 'give a net of classes');
    this.#net?.predictor.destroy();
    this.#net = { bytes, device, predictor };
    return { shape: predictor.shape, classes: predictor.classes };
  }

  async #keep(bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    return save(KEPT, bytes).then(
      () => true,
      () => false,
    );
  }
}

/** The rows `at` of features [n, size]. */
function rows(features: Float32Array, size: number, at: readonly number[]): Float32Array {
  const out = new Float32Array(at.length * size);
  for (const [row, i] of at.entries()) out.set(features.subarray(i * size, (i + 1) * size), row * size);
  return out;
}

/** Trains a head on features [n, size], all classes alike. */
function learnFrom(
  head: Head,
  size: number,
  { features, labels }: Omit<Samples, 'classes'>,
  progress: (done: number, accuracy: number) => void = () => undefined,
): Promise<unknown> {
  const lots = balanced(labels);
  const epochs = Math.max(EPOCHS, Math.ceil(STEPS / Math.max(1, Math.floor(lots.length / BATCH))));
  const samples = { features: rows(features, size, lots), labels: lots.map(i => labels[i]!) };
  return head.train(samples, { epochs, onEpoch: ({ epoch, accuracy }) => progress(epoch / epochs, accuracy) });
}
