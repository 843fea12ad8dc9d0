/** Fine-tuning beside PyTorch's: a file of a net for other classes, its features, and steps with a new classifier (tests/vectors/finetune.py). */
import * as assert from 'uvu/assert';
import { datasetOf } from '../../datasets/memory.ts';
import type { ModelInput } from '../../models/model.ts';
import { modelFrom } from '../../models/index.ts';
import { parseSpec } from '../../engine/spec.ts';
import { relu } from '../../layers/activation.ts';
import { sequential } from '../../layers/compose.ts';
import { conv2d } from '../../layers/conv.ts';
import { dense } from '../../layers/dense.ts';
import { batchNorm } from '../../layers/norm.ts';
import { maxPool } from '../../layers/pool.ts';
import { parseConfig } from '../../train/config/config.ts';
import { recipeWith } from '../../train/config/recipe.ts';
import { built } from '../../train/evaluate/built.ts';
import { FeatureExtractor } from '../../train/fit/extractor.ts';
import { metadataOf } from '../../train/run/metadata.ts';
import { openTrainer } from '../../train/run/open.ts';
import { encodeSafetensors, type Tensors } from '../../train/run/safetensors.ts';
import { readJson } from '../vectors/read.ts';
import { vectorUniform, vectorWeights } from '../vectors/weights.ts';
import { close, deviceFor } from './check.ts';

interface Summed {
  readonly norm: number;
  readonly first: readonly number[];
}

/** finetune.json. */
export interface FinetuneCase {
  readonly name: string;
  readonly model: string;
  readonly side: number;
  readonly images: number;
  readonly classifier: string;
  readonly options: Readonly<Record<string, string | number>>;
  /** Tensors of the file that are none of the model, and their shapes. */
  readonly beside: Readonly<Record<string, readonly number[]>>;
  readonly features: readonly Summed[];
  readonly losses: readonly number[];
  readonly after: Readonly<Record<string, Summed>>;
}
export const finetuneCases = readJson<{ cases: FinetuneCase[] }>('finetune.json').cases;

const MOMENTS = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const CLASSES = 5;
const OF_FILE = 1000;

const unit = (o: number) => sequential({ conv: conv2d(o, 3, { pad: 1, bias: false }), bn: batchNorm(), relu: relu(), pool: maxPool(4) });
const small = {
  name: 'small',
  layer: ({ classes }: ModelInput) => sequential({ layer1: unit(4), layer2: unit(6), fc: dense(classes) }),
};

const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));

/** Values are those of PyTorch to `tolerance` of their norm. */
function matches(what: string, got: Float32Array, { norm: length, first }: Summed, tolerance: number): void {
  assert.ok(Math.abs(norm(got) - length) <= tolerance * Math.max(1, length), `${what}: its norm is ${norm(got)}, expected ${length}`);
  close(what, got.subarray(0, first.length), first, tolerance);
}

/** Throws where features, losses or weights after three steps are not PyTorch's. */
export async function finetunes(c: FinetuneCase): Promise<void> {
  const device = await deviceFor();
  const model = c.model === 'small' ? small : modelFrom(parseSpec('model', c.model));
  const shape = [3, c.side, c.side] as const;
  const own = built(model.layer({ classes: OF_FILE, shape }), shape).weights;
  const all = [...own.map(t => [t.name, t.shape] as const), ...Object.entries(c.beside)];
  const file: Tensors = Object.fromEntries(all.map(([name, shape]) => [name, { shape, data: vectorWeights(name, shape) }]));

  const bytes = Uint8Array.from(vectorUniform(`${c.name}/images`, c.images * 3 * c.side ** 2), u => Math.floor((u + 1) * 128));
  const labels = Array.from({ length: c.images }, (_, i) => i % CLASSES);
  const dataset = await datasetOf({ images: bytes, labels, shape, classes: Array.from({ length: CLASSES }, (_, i) => String(i)) });
  const { optimizer = 'sgd', lr = 1e-4, ...options } = c.options;
  const texts = Object.fromEntries(Object.entries({ ...options, optimizer, lr }).map(([key, value]) => [key, String(value)]));
  const config = parseConfig('own', {
    ...texts,
    head: 'new',
    normalize: 'imagenet',
    batchSize: String(c.images),
    valSplit: '0',
    shuffle: 'false',
    epochs: '3',
  });
  const { trainer } = await openTrainer(recipeWith(config, model), dataset, device, { start: { of: () => file } });
  const fresh = (name: string, shape: readonly number[]) => [name, { shape, data: vectorWeights(name, shape) }] as const;
  const [weight, bias] = [`${c.classifier}.weight`, `${c.classifier}.bias`];
  const first = await trainer.weights();
  const { dataset: trained } = trainer.data.run;
  const isCached = trained.shape[0] === first[weight]!.shape[1]; // the trunk is all before the classifier
  const weights = Object.fromEntries(own.map(t => [t.name, file[t.name]!]));
  const features = isCached ? (trained.train.images as Float32Array) : await extracted(c, bytes, weights);
  const size = features.length / c.images;
  c.features.forEach((row, i) => matches(`features ${i}`, features.subarray(i * size, (i + 1) * size), row, 1e-4));
  await trainer.loadWeights(Object.fromEntries([fresh(weight, first[weight]!.shape), fresh(bias, [CLASSES])]), { strict: false });
  for (let step = 0; step < 3; step++) await trainer.step(true);
  const losses = (await trainer.settle()).map(m => m.loss);
  const after = await trainer.weights();
  trainer.destroy();
  losses.forEach((loss, i) =>
    assert.ok(Math.abs(loss / c.losses[i]! - 1) < 1e-4, `loss of step ${i + 1}: ${loss}, expected ${c.losses[i]}`),
  );
  for (const [name, want] of Object.entries(c.after)) matches(name, after[name]!.data, want, 1e-4);
}

/** The features of images [images, 3, side, side] under a net of the weights of the file. */
async function extracted(c: FinetuneCase, bytes: Uint8Array, weights: Tensors): Promise<Float32Array> {
  const shape = [3, c.side, c.side] as const;
  const classes = Array.from({ length: OF_FILE }, (_, i) => String(i));
  const facts = { model: c.model, shape, classes, normalize: 'meanstd', moments: MOMENTS };
  const given = c.model === 'small' ? { model: small.layer } : {};
  const extractor = await FeatureExtractor.open(await deviceFor(), encodeSafetensors(weights, metadataOf(facts)), given);
  const size = bytes.length / c.images;
  const features = await extractor.features(Array.from({ length: c.images }, (_, i) => bytes.slice(i * size, (i + 1) * size)));
  extractor.destroy();
  return features;
}
