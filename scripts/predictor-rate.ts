/**
 * How often a predictor answers beside a net or a trainer that is made anew for each request, on LeNet-5: `node --import tsx scripts/predictor-rate.ts`.
 * Both are measured in turns, since machines drift, and the least of all rounds counts: other work only adds to it.
 */
import { openDevice } from '../cli/run/device.ts';
import type { Dataset } from '../datasets/dataset.ts';
import { models } from '../models/index.ts';
import { optimizer } from '../optim/optimizer.ts';
import { rules } from '../optim/index.ts';
import { openData } from '../train/data/data.ts';
import { Inference } from '../train/evaluate/inference.ts';
import { Predictor } from '../train/evaluate/predictor.ts';
import { Trainer } from '../train/step/trainer.ts';

const ROUNDS = 15;
const SIDE = 28;
const device = await openDevice({ quiet: true });
const shape = [1, SIDE, SIDE] as const;
const classes = [...'0123456789'];
const model = models.lenet5!({ shape, classes: 10 });
const imagesOf = (n: number) => Uint8Array.from({ length: n * SIDE * SIDE }, (_, i) => (i * 31) % 256);
const datasetOf = (n: number): Dataset => {
  const split = { images: imagesOf(n), labels: new Uint16Array(n), n };
  return { name: 'made', shape, classes, train: split, test: split };
};

const trainerOf = async (n: number) =>
  Trainer.create({ device, data: await openData(datasetOf(n)), model, batchSize: n, optimizer: optimizer(rules.adam!) });
const trainer = await trainerOf(1);
const weights = await trainer.weights();
trainer.destroy();

/** Milliseconds of one answer: the least of `repeats`. */
async function ms(repeats: number, answer: () => Promise<unknown>): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    await answer();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

const predictor = await Predictor.create({ device, model: 'lenet5', shape, classes, weights });
for (const n of [1, 64]) {
  const trained = async () => {
    const trainer = await trainerOf(n);
    await trainer.loadWeights(weights);
    await trainer.logits('test');
    trainer.destroy();
  };
  const inferred = async () => {
    const inference = new Inference({ device, model, data: await openData(datasetOf(n)), batchSize: n }, weights);
    await inference.logits('test');
    inference.destroy();
  };
  const images = imagesOf(n);
  let [trainer, inference, now] = [Infinity, Infinity, Infinity];
  for (let round = 0; round < ROUNDS; round++) {
    trainer = Math.min(trainer, await ms(5, trained));
    inference = Math.min(inference, await ms(5, inferred));
    now = Math.min(now, await ms(100, () => predictor.logits(images)));
  }
  const rate = Math.round((1000 * n) / now);
  const times = (old: number) => `${old.toFixed(2)} ms (${(old / now).toFixed(1)} times)`;
  console.log(
    `${n} at a time: ${now.toFixed(3)} ms by a predictor, ${rate} images/s; a trainer each ${times(trainer)}, a net each ${times(inference)}`,
  );
}
device.close();
