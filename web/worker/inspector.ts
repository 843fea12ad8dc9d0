/** What can be seen of a net at work: its answers, confusions, and what its layers hold and compute. */
import { bytesOf, imagesOf, type Dataset } from '../../datasets/dataset.ts';
import { layerStats, weightsNow, type LayerStats } from '../../train/study/layer-stats.ts';
import { bytesOfImage } from '../../train/data/data.ts';
import { report, verdictsOf } from '../../train/evaluate/report.ts';
import type { Opened } from '../../train/run/open.ts';
import type { Predictor } from '../../train/evaluate/predictor.ts';
import { Probe } from '../../train/evaluate/probe.ts';
import type { Explainer, Explanation } from '../../train/study/explain.ts';
import { channelsOf, histogramOf, weightPictures, type Filters, type Planes } from '../../train/study/looks.ts';
import { LOOKED_AT, type Judged, type LayerLook } from './protocol.ts';

/** Images that are answered together. */
const MANY = 256;

export class Inspector {
  #opened: Opened;
  #dataset: Dataset;
  #predictor: Predictor | undefined;
  #explainer: Promise<Explainer> | undefined;
  /** The weights at the last look, and how far they had gone a step by then. */
  #last: { steps: number; weights: ReadonlyMap<string, Float32Array>; updates: ReadonlyMap<string, number> } | undefined;
  #probes = new Map<number, Promise<Probe>>();

  /** Into a run that is open, on its data. */
  constructor(opened: Opened, dataset: Dataset) {
    this.#opened = opened;
    this.#dataset = dataset;
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
  async layers(): Promise<LayerStats[]> {
    const { trainer } = this.#opened;
    const { test } = this.#dataset;
    const n = Math.min(LOOKED_AT, test.n);
    const { steps } = trainer;
    const last = this.#last;
    const past = steps - (last?.steps ?? steps);
    const weights = await weightsNow(trainer);
    const images = bytesOf(test.images).subarray(0, n * bytesOfImage(this.#dataset));
    const found = await layerStats(trainer, await this.#probe(n), images, n, last?.weights, weights);
    const sizes = found.flatMap(l => (l.update === undefined || past <= 0 ? [] : [[l.name, l.update / past] as const]));
    const updates = past === 0 && last ? last.updates : new Map(sizes);
    this.#last = { steps, weights, updates };
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
      if (trainer.hasGradients) {
        const scale = await trainer.gradientScale();
        const gradient = await memory.read(param.grad);
        histograms.push({ of: 'gradients', histogram: histogramOf(gradient.map(v => v * scale)) });
      }
    }
    const probe = await this.#probe(1);
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

  /** Frees what is not the run's own. */
  destroy(): void {
    this.#predictor?.destroy();
    for (const made of [this.#explainer, ...this.#probes.values()]) {
      void made?.then(
        it => it.destroy(),
        () => undefined,
      );
    }
  }

  /** A probe of `n` images that keeps what each layer computes, built once. */
  #probe(n: number): Promise<Probe> {
    let probe = this.#probes.get(n);
    if (!probe) {
      const { trainer, model, data } = this.#opened;
      this.#probes.set(n, (probe = Probe.create(trainer.memory, model, data, n, true)));
    }
    return probe;
  }
}
