/** What can be seen of a net at work: its answers, confusions, and what its layers hold and compute. */
import { bytesOf, imagesOf, type Dataset } from '../../datasets/dataset.ts';
import { layerStats, weightsNow, type LayerStats } from '../../train/study/layer-stats.ts';
import { bytesOfImage } from '../../train/data/data.ts';
import { report, verdictsOf } from '../../train/evaluate/report.ts';
import type { Opened } from '../../train/run/open.ts';
import type { Predictor } from '../../train/evaluate/predictor.ts';
import { Probe } from '../../train/evaluate/probe.ts';
import { softmaxRows } from '../../train/study/probabilities.ts';
import type { Explainer, Explanation } from '../../train/study/explain.ts';
import { channelsOf, histogramOf, weightPictures, type Filters, type Planes } from '../../train/study/looks.ts';
import type { Judged, LayerLook, Prediction } from './protocol.ts';

/** Images whose layers are looked at together. */
const FEW = 16;
/** Images that are answered together. */
const MANY = 256;

export class Inspector {
  #opened: Opened;
  #dataset: Dataset;
  #predictor: Predictor | undefined;
  #explainer: Promise<Explainer> | undefined;
  /** The weights at the last look, and how far they had gone a step by then. */
  #last: { steps: number; weights: ReadonlyMap<string, Float32Array>; updates: ReadonlyMap<string, number> } | undefined;
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

  /** What the layers do on the first test images; updates are a step's on average since the last look, and absent before there was one. */
  async layers(count: number): Promise<LayerStats[]> {
    const { trainer } = this.#opened;
    const n = Math.min(count, FEW);
    const { steps } = trainer;
    const past = steps - (this.#last?.steps ?? steps);
    const found = await layerStats(trainer, await this.#probe(FEW, true), this.testImages(n), n, this.#last?.weights);
    if (past !== 0 || !this.#last) {
      const updates = new Map(found.flatMap(l => (l.update === undefined || past <= 0 ? [] : [[l.name, l.update / past] as const])));
      this.#last = { steps, weights: await weightsNow(trainer), updates };
    }
    const { updates } = this.#last;
    return found.map(({ update: _, ...rest }) => {
      const update = updates.get(rest.name);
      return { ...rest, ...(update !== undefined && { update }) };
    });
  }

  /** What layer `name` holds, and what it makes of a test image. */
  async layer(name: string, index: number): Promise<LayerLook> {
    const { trainer } = this.#opened;
    const { memory, graph } = trainer;
    const size = bytesOfImage(this.#dataset);
    const histograms: LayerLook['histograms'][number][] = [];
    const param = graph.layers.find(l => l.path === name && l.weight)?.weight;
    let weight: Filters | undefined;
    if (param) {
      const values = await memory.read(param.value);
      weight = weightPictures(param.value, values);
      histograms.push({ of: 'weights', histogram: histogramOf(values) });
      const scale = await trainer.gradientScale();
      const gradient = await memory.read(param.grad);
      histograms.push({ of: 'gradients', histogram: histogramOf(gradient.map(v => v * scale)) });
    }
    const probe = await this.#probe(1, true);
    const output = probe.outputs.find(([path]) => path === name)?.[1];
    let activations: Planes | undefined;
    if (output) {
      probe.run(bytesOf(this.#dataset.test.images).subarray(index * size, (index + 1) * size));
      const values = await probe.read(output);
      activations = channelsOf(name, output.shape, values);
      histograms.push({ of: 'activations', histogram: histogramOf(values) });
    }
    return { step: trainer.steps, weight, activations, histograms };
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
