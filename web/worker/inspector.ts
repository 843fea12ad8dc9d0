/** What can be seen of a net at work: its answers, confusions, filters, layers and activations. */
import { bytesOf, imagesOf, type Dataset } from '../../datasets/dataset.ts';
import { layerStats, type LayerStats } from '../../train/study/layer-stats.ts';
import { bytesOfImage } from '../../train/data/data.ts';
import { report, verdictsOf } from '../../train/evaluate/report.ts';
import type { Opened } from '../../train/run/open.ts';
import type { Predictor } from '../../train/evaluate/predictor.ts';
import { Probe } from '../../train/evaluate/probe.ts';
import { softmaxRows } from '../../train/study/probabilities.ts';
import type { Explainer, Explanation } from '../../train/study/explain.ts';
import { activationsOf, filtersOf, firstFilters, type Filters, type Planes } from '../../train/study/looks.ts';
import type { Judged, Prediction } from './protocol.ts';

/** Images whose layers are looked at together. */
const FEW = 16;
/** Images that are answered together. */
const MANY = 256;

export class Inspector {
  #opened: Opened;
  #dataset: Dataset;
  #predictor: Predictor | undefined;
  #explainer: Promise<Explainer> | undefined;
  #probes = new Map<string, Promise<Probe>>();

  /** Into a run that is open, on its data. */
  constructor(opened: Opened, dataset: Dataset) {
    this.#opened = opened;
    this.#dataset = dataset;
  }

  /** The first test images and what the net says of them. */
  async predictions(count: number): Promise<Prediction[]> {
    const { test, classes } = this.#dataset;
    const n = Math.min(count, test.n);
    const k = classes.length;
    const all = softmaxRows(await this.#opened.trainer.logits('test', n), k);
    return Array.from({ length: n }, (_, index) => ({
      index,
      label: test.labels[index]!,
      probabilities: all.slice(index * k, (index + 1) * k),
    }));
  }

  /** Bytes of the first test images. */
  testImages(count: number): Uint8Array {
    const { test } = this.#dataset;
    return bytesOf(test.images).slice(0, (test.images.length / test.n) * Math.min(count, test.n));
  }

  /** What the net says of the first test images. */
  async judge(count: number): Promise<Judged> {
    const { test, classes } = this.#dataset;
    const n = Math.min(count, test.n);
    const labels = test.labels.subarray(0, n);
    const logits = await this.#opened.trainer.logits('test', n);
    const { confusion, classes: scores } = report(logits, labels, classes);
    return { verdicts: verdictsOf(logits, labels, classes.length), confusion, scores };
  }

  /** Bytes of the test images of these numbers. */
  async imagesAt(indices: Uint32Array): Promise<Uint8Array> {
    return imagesOf(this.#dataset.test, bytesOfImage(this.#dataset), indices);
  }

  /** The weights of the first layer, where they are pictures. */
  async filters(): Promise<Filters | undefined> {
    const { graph, memory } = this.#opened.trainer;
    const { shape, classes } = this.#dataset;
    const params = Array.from(graph.params.values(), p => p.value);
    const first = firstFilters(params, shape);
    return first && filtersOf(first, await memory.read(first), shape, classes.length);
  }

  /** Class probabilities of images given as bytes [n, c, h, w]. */
  async predict(bytes: Uint8Array): Promise<Float32Array> {
    const { Predictor } = await import('../../train/evaluate/predictor.ts');
    const { trainer, model, data } = this.#opened;
    this.#predictor ??= Predictor.over(trainer.memory, model, data, MANY);
    return this.#predictor.probabilities(bytes);
  }

  /** What speaks for a class in an image given as bytes [c, h, w], by the weights that are evaluated. */
  async explain(bytes: Uint8Array, target: number): Promise<Explanation> {
    const { Explainer } = await import('../../train/study/explain.ts');
    const { trainer, model, data } = this.#opened;
    this.#explainer ??= Explainer.create(trainer.memory.device, model, data);
    return (await this.#explainer).explain(await trainer.evaluatedWeights(), bytes, target);
  }

  async layers(count: number): Promise<LayerStats[]> {
    const n = Math.min(count, FEW);
    return layerStats(this.#opened.trainer, await this.#probe(FEW, true), this.testImages(n), n);
  }

  /** What each layer makes of a test image: its channels as pictures; a vector is one line of them. */
  async activations(index: number): Promise<Planes[]> {
    const { test } = this.#dataset;
    const size = test.images.length / test.n;
    return activationsOf(await this.#probe(1, true), bytesOf(test.images).subarray(index * size, (index + 1) * size));
  }

  /** A probe of `n` images, built once; with `kept` it has what each layer computes. */
  #probe(n: number, kept = false): Promise<Probe> {
    const key = `${n} ${kept}`;
    let probe = this.#probes.get(key);
    if (!probe) {
      const { trainer, model, data } = this.#opened;
      this.#probes.set(key, (probe = Probe.create(trainer.memory, model, data, n, kept)));
    }
    return probe;
  }
}
