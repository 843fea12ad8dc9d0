/** Attacks on convolutional nets: PyTorch's, and those on nets with noise beside the figures of the long recipe. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { relu } from '../../../layers/activation.ts';
import { sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { batchNorm } from '../../../layers/norm.ts';
import { Net } from '../../../train/net/net.ts';
import { fgsm, iterated } from '../../../train/study/robust/attacks.ts';
import { victimOf } from '../../../train/study/robust/victim.ts';
import { close, deviceFor } from '../../support/check.ts';
import { outcomeOf } from '../../support/lab.ts';
import { readJson } from '../../vectors/read.ts';
import { vectorUniform, vectorWeights } from '../../vectors/weights.ts';

const test = suite('robust, long');

/** robust.json: tensors of the input's shape under the names of losses. */
type Made = Readonly<Record<'gradient' | 'fgsm' | 'pgd', number[]>>;
interface Vectors extends Readonly<Record<'cross-entropy' | 'margin', Made>> {
  readonly shape: readonly [n: number, c: number, h: number, w: number];
  readonly epsilon: number;
  readonly steps: number;
  readonly size: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly logits: number[];
}

test('gradients by the pixels of a conv net in evaluation and its adversarial examples are those of PyTorch', async () => {
  const device = await deviceFor();
  const v = readJson<Vectors>('robust.json');
  const [n, ...shape] = v.shape;
  const [, h, w] = shape;
  const model = sequential({
    conv1: conv2d(4, 3, { pad: 1 }),
    bn1: batchNorm(),
    act1: relu(),
    conv2: conv2d(5, 3, { stride: 2 }),
    bn2: batchNorm(),
    act2: relu(),
    fc: dense(3),
  });
  const made = await Net.build(device, model, { shape, batch: n });
  const own = Object.entries(await made.weights());
  made.destroy();
  const weights = Object.fromEntries(own.map(([name, { shape }]) => [name, { shape, data: vectorWeights(name, shape) }]));
  const ofChannel = (of: (c: number) => number) =>
    Float32Array.from({ length: v.mean.length * h * w }, (_, i) => of(Math.floor(i / (h * w))));
  const affine = { scale: ofChannel(c => 1 / v.std[c]!), shift: ofChannel(c => -v.mean[c]! / v.std[c]!) };
  const victim = victimOf(device, model, weights, { shape, batch: n, seed: 0, affine });
  const pixels = vectorUniform(
    'inputs',
    v.shape.reduce((a, b) => a * b),
  ).map(u => (u + 1) / 2);
  const of = Uint32Array.from({ length: n }, (_, i) => i % 3);
  close('logits', await victim.logits(pixels), v.logits, 1e-5);
  for (const loss of ['cross-entropy', 'margin'] as const) {
    const oracle = await victim.oracle(loss);
    close(`${loss}: gradient`, Array.from(await oracle.gradient(pixels, of)), v[loss].gradient, 1e-5);
    close(`${loss}: FGSM`, await fgsm(oracle, pixels, of, v), v[loss].fgsm, 1e-6);
    close(`${loss}: PGD`, await iterated(oracle, pixels, of, v), v[loss].pgd, 1e-6);
  }
  victim.destroy();
});

test('ensembles with noise are told by members and seeds beside the figures of the long recipe', async () => {
  const { rows, expected, values } = await outcomeOf('enresnet:seeds=1,images=50,test=50,epochs=1,train_steps=1,eot=2', {
    images: 'shapes',
  });
  assert.equal(
    rows.map(row => row.net),
    ['plain', '1 with noise', '2 with noise', '5 with noise'],
  );
  const [of] = (values as { accuracy: Record<string, number> }[]).map(run => run.accuracy);
  assert.equal(Object.keys(of!), ['natural', 'FGSM', 'IFGSM-20', 'PGD-10, mean of 2 draws']);
  assert.equal(
    expected!.map(e => e.expected),
    [0.0427, 0.0534, 0.0587, 0.0697, 0.0277, 0.0435],
  );
  assert.equal(expected![0]!.found, Number(rows[2]!.natural) - Number(rows[0]!.natural));
});

test.run();
