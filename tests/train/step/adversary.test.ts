/** Adversarial training learns on the images that an attack finds, and on no others. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sequential } from '../../../layers/compose.ts';
import { dense } from '../../../layers/dense.ts';
import { rules } from '../../../optim/index.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { parseConfig } from '../../../train/config/config.ts';
import { recipeOf } from '../../../train/config/recipe-of.ts';
import { openData } from '../../../train/data/data.ts';
import { alone } from '../../../train/distribute/alone.ts';
import { openTrainer } from '../../../train/run/open.ts';
import { Trainer } from '../../../train/step/trainer.ts';
import { close, deviceFor, random } from '../../support/check.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('adversarial training');
const [D, N, LR, EPSILON] = [12, 4, 0.5, 0.2];

test('an update of a linear net is that on the corners of the balls, within the range of pixels', async () => {
  const device = await deviceFor();
  const images = Uint8Array.from(random(N * D, 1), v => 127.5 + 127.5 * v);
  const split = { images, labels: Uint16Array.of(0, 1, 1, 0), n: N };
  const data = await openData({ name: 'own', shape: [3, 2, 2], classes: ['a', 'b'], train: split, test: split }, { normalize: 'meanstd' });
  const { mean, std } = data.normalisation.moments;
  const trainer = await Trainer.create({
    device,
    model: sequential({ fc: dense(2) }),
    data,
    batchSize: N,
    accumulate: 2,
    optimizer: optimizer(rules.sgd!, { lr: LR }),
    adversarial: { epsilon: EPSILON, steps: 5, size: 0.1 },
  });
  const before = await trainer.weights();
  const clean = await trainer.evaluate('train');
  await trainer.step(true);
  const [line] = await trainer.settle();
  const after = await trainer.weights();
  trainer.destroy();
  const [w, b] = ['fc.weight', 'fc.bias'].map(name => Array.from(before[name]!.data)) as [number[], number[]];
  const [dw, db] = [w.map(() => 0), b.map(() => 0)];
  let loss = 0;
  for (let i = 0; i < N; i++) {
    const label = split.labels[i]!;
    const x = Array.from({ length: D }, (_, d) => {
      const towards = Math.sign(w[(1 - label) * D + d]! - w[label * D + d]!);
      const pixel = Math.min(1, Math.max(0, images[i * D + d]! / 255 + EPSILON * towards));
      const c = Math.floor(d / 4);
      return (pixel - mean[c]!) / std[c]!;
    });
    const z = b.map((bias, c) => bias + x.reduce((s, v, d) => s + v * w[c * D + d]!, 0));
    const e = z.map(v => Math.exp(v));
    const p = e.map(v => v / (e[0]! + e[1]!));
    loss -= Math.log(p[label]!) / N;
    for (const [c, share] of p.entries()) {
      const dz = (share - Number(c === label)) / N;
      db[c]! += dz;
      for (const [d, v] of x.entries()) dw[c * D + d]! += dz * v;
    }
  }
  close(
    'weight',
    after['fc.weight']!.data,
    w.map((v, k) => v - LR * dw[k]!),
    2e-5,
  );
  close(
    'bias',
    after['fc.bias']!.data,
    b.map((v, k) => v - LR * db[k]!),
    2e-5,
  );
  assert.ok(Math.abs(line!.loss - loss) < 1e-5, `the loss is that of attacked images, ${loss}: ${line!.loss}`);
  assert.ok(clean.loss < loss, 'evaluations see the images as they are');
});

test('what attacks cannot act on is refused in one line', async () => {
  const device = await deviceFor();
  const n = 16;
  const split = { images: new Uint8Array(n * 3 * 64), labels: new Uint16Array(n), n };
  const dataset = { name: 'own', shape: [3, 8, 8] as const, classes: ['a', 'b'], train: split, test: split };
  const given = { dataset: 'shapes', valSplit: '0', batchSize: '8', adversarial: 'pgd:steps=2' };
  const open = (more: Readonly<Record<string, string>>) =>
    refusal(
      async () =>
        void (await openTrainer(recipeOf(parseConfig('mlp:hidden=4', { ...given, ...more })), dataset, device, {
          ...(more.distribute && { exchange: alone() }),
        })),
    );
  for (const [more, why] of [
    [{ normalize: 'zca' }, /^adversarial: normalize zca does not go with attacks on the images of a batch; leave one of the two out$/],
    [{ augment: 'mixup' }, /^adversarial: mixing or several views of augment does not go/],
    [{ optimizer: 'lbfgs' }, /^adversarial: optimizer of second order does not go/],
    [{ optimizer: 'kfac' }, /^adversarial: optimizer kfac does not go/],
    [{ distribute: 'sync' }, /^adversarial: distribute does not go/],
    [{ adversarial: 'fgsm' }, /^unknown adversarial training 'fgsm'; .*pgd/],
    [{ adversarial: 'pgd:epsilon=0' }, /^adversarial: epsilon is 0; give a number above 0, as 8\/255$/],
  ] as const) {
    assert.match(await open(more), why);
  }
});

test.run();
