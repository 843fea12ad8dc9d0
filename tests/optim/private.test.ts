/** Private training clips and noises as Abadi et al. say, and tells the epsilon that others tell. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sequential } from '../../layers/compose.ts';
import { dense } from '../../layers/dense.ts';
import { epsilonOf, renyi, type Mechanism } from '../../optim/accountant.ts';
import { rules } from '../../optim/index.ts';
import { optimizer } from '../../optim/optimizer.ts';
import { dpSgd } from '../../optim/pieces.ts';
import { parseConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { openData } from '../../train/data/data.ts';
import { openTrainer } from '../../train/run/open.ts';
import { Trainer } from '../../train/step/trainer.ts';
import { close, deviceFor, random } from '../support/check.ts';
import { asRanks } from '../support/ranks/members.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('private training');

/** As told before the conversion of Balle et al. 2020: by Mironov's, over whole orders. */
const mironov = (mechanism: Mechanism, steps: number, delta: number): number =>
  Math.min(...Array.from({ length: 63 }, (_, i) => steps * renyi(i + 2, mechanism) + Math.log(1 / delta) / (i + 1)));

test('epsilon is what Opacus, TensorFlow Privacy and Abadi et al. tell', () => {
  const found = epsilonOf({ rate: 0.04, noise: 1.5 }, 2250, 1e-5);
  assert.ok(Math.abs(found - 7.32911117143) < 1e-7, `Opacus has 7.32911117143 in its tests: ${found}`);
  assert.is(mironov({ rate: 256 / 60000, noise: 1.12 }, 14063, 1e-5).toFixed(2), '2.92'); // compute_dp_sgd_privacy, 60 epochs of 60,000
  assert.is(mironov({ rate: 0.01, noise: 4 }, 10000, 1e-5).toFixed(2), '1.26'); // section 3.1 of Abadi et al.
  assert.is(epsilonOf({ rate: 0.01, noise: 4 }, 0, 1e-5), 0);
});

test('the integral over any order is the sum of binomials at whole ones', () => {
  for (const [rate, noise] of [
    [0.01, 4],
    [0.2, 0.7],
    [0.5, 1.3],
    [1, 2],
  ] as const) {
    for (const a of [2, 5, 16]) {
      let [sum, binomial] = [0, 1];
      for (let k = 0; k <= a; k++) {
        sum += binomial * (1 - rate) ** (a - k) * rate ** k * Math.exp((k * k - k) / (2 * noise ** 2));
        binomial *= (a - k) / (k + 1);
      }
      const want = Math.log(sum) / (a - 1);
      assert.ok(Math.abs(renyi(a, { rate, noise }) - want) < 1e-9 * Math.max(1, want), `${rate} ${noise} order ${a}`);
    }
  }
});

const [D, CLASSES, N, BATCH, LR, CLIP] = [256, 2, 6, 3, 0.5, 0.8];

test('an update takes the mean of clipped gradients of single images, and noise of the deviation that was asked for', async () => {
  const device = await deviceFor();
  const images = Uint8Array.from(random(N * D, 1), v => 127 + 127 * v);
  images.fill(3, 0, D); // the gradient of this image is short enough as it is
  const split = { images, labels: Uint16Array.from({ length: N }, (_, i) => i % CLASSES), n: N };
  const data = await openData({ name: 'own', shape: [1, 16, 16], classes: ['a', 'b'], train: split, test: split });
  const after = async (noise: number, steps: number) => {
    const trainer = await Trainer.create({
      device,
      model: sequential({ fc: dense(CLASSES) }),
      data,
      batchSize: BATCH,
      accumulate: BATCH,
      optimizer: optimizer(rules.sgd!, { lr: LR }, [dpSgd({ clip: CLIP, noise, delta: 0.01 })]),
      seed: 5,
    });
    const start = await trainer.weights();
    for (let t = 0; t < steps; t++) await trainer.step();
    await trainer.settle();
    const end = await trainer.weights();
    const spent = trainer.privacy;
    trainer.destroy();
    const flat = (weights: typeof start) => [...weights['fc.weight']!.data, ...weights['fc.bias']!.data];
    return { start: flat(start), end: flat(end), spent };
  };
  const exact = await after(0, 2); // an epoch: each image once, in one of twenty orders, all of which are followed
  const gradient = (w: readonly number[], i: number): number[] => {
    const x = Array.from(images.subarray(i * D, (i + 1) * D), v => v / 255);
    const z = Array.from({ length: CLASSES }, (_, c) => w[CLASSES * D + c]! + x.reduce((s, v, d) => s + v * w[c * D + d]!, 0));
    const e = z.map(v => Math.exp(v - Math.max(...z)));
    const dz = e.map((v, c) => v / e.reduce((a, b) => a + b) - Number(c === i % CLASSES));
    const g = [...dz.flatMap(d => x.map(v => d * v)), ...dz];
    const factor = Math.min(1, CLIP / (Math.hypot(...g) + 1e-6));
    return g.map(v => v * factor);
  };
  const step = (w: readonly number[], batch: readonly number[]) => {
    const all = batch.map(i => gradient(w, i));
    return w.map((v, k) => v - (LR / BATCH) * all.reduce((s, g) => s + g[k]!, 0));
  };
  const batches = [...Array(N).keys()].flatMap(a => [...Array(N).keys()].flatMap(b => [...Array(N).keys()].map(c => [a, b, c])));
  const ends = batches
    .filter(([a, b, c]) => a! < b! && b! < c!)
    .map(batch =>
      step(
        step(exact.start, batch),
        [...Array(N).keys()].filter(i => !batch.includes(i)),
      ),
    );
  const distance = (w: readonly number[]) => Math.max(...w.map((v, k) => Math.abs(v - exact.end[k]!)));
  assert.ok(Math.min(...ends.map(distance)) < 1e-6, `the nearest of all orders is ${Math.min(...ends.map(distance))} away`);

  const [plain, noisy, again] = [await after(0, 1), await after(2, 1), await after(2, 1)];
  assert.equal(noisy.end, again.end);
  const noise = noisy.end.map((v, k) => ((v - plain.end[k]!) * BATCH) / (LR * CLIP * 2));
  const n = noise.length;
  const mean = noise.reduce((a, b) => a + b) / n;
  const deviation = Math.sqrt(noise.reduce((s, v) => s + v * v, 0) / n);
  assert.ok(Math.abs(mean) < 4 / Math.sqrt(n) && Math.abs(deviation - 1) < 0.13, `mean ${mean}, deviation ${deviation}`);
  close('spent', [noisy.spent!.epsilon], [epsilonOf({ rate: BATCH / N, noise: 2 }, 1, 0.01)], 1e-12);
});

test('what cannot be private is refused in one line', async () => {
  const device = await deviceFor();
  const n = 64;
  const split = { images: new Uint8Array(n * 3 * 64), labels: new Uint16Array(n), n };
  const dataset = { name: 'own', shape: [3, 8, 8] as const, classes: ['a', 'b'], train: split, test: split };
  const given = { dataset: 'shapes', valSplit: '0', batchSize: '8', dp: 'clip=1' };
  const open = (model: string, more: Readonly<Record<string, string>>) =>
    refusal(async () => void (await openTrainer(recipeOf(parseConfig(model, { ...given, ...more })), dataset, device)));
  for (const [model, more, why] of [
    ['resnet20', {}, /^dp: batch norm \(bn1\) joins the images of a batch/],
    ['mlp', { accumulate: '2' }, /^dp .*: computes each image by itself; leave out accumulate 2/],
    ['mlp', { optimizer: 'adam:epochs=1,sgd' }, /^dp: is of one optimizer/],
    [
      'mlp',
      { optimizer: 'kfac' },
      /^dp: is of one optimizer that takes nothing but a gradient, and kfac looks at images in other ways too/,
    ],
    ['mlp', { optimizer: 'lbfgs' }, /^lbfgs: minimises a smooth function of all weights, dp is not for it/],
    ['mlp', { sample: 'balanced' }, /^dp: takes each image by itself, drawn by chance, which sample balanced does not go with/],
    ['mlp', { augment: 'mixup' }, /which augment mixup does not go with/],
    ['mlp', { dp: 'clip=1,delta=0.1' }, /^dp: delta 0.1 is no less than one in 64 images; give less than 0.016/],
    ['mlp', { dp: 'sigma=1' }, /unknown option of dp 'sigma'; .*clip, noise, delta/],
    ['mlp', { dp: 'clip=-1' }, /^dp: clip is -1; give a number above 0/],
    ['mlp', { dp: '1' }, /^dp: '1' is not key=value; write clip=1,noise=1.1,delta=1e-5/],
    ['mlp', { dp: '' }, /^dp: '' is not key=value; write clip=1/],
  ] as const) {
    assert.match(await open(model, more), why);
  }
  const recipe = recipeOf(parseConfig('mlp', { ...given, distribute: 'sync' }));
  for (const size of [1, 2]) {
    const jobs = await asRanks(size, exchange => refusal(async () => void (await openTrainer(recipe, dataset, device, { exchange }))));
    for (const said of jobs)
      assert.match(said, /^dp: takes each image by itself, drawn by chance, which distribute does not go with; leave/);
  }
});

test.run();
