/** Attacks reach what theory says they can, and the nets that they ask give the gradients of a reference in float64. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sequential } from '../../../layers/compose.ts';
import { tanh } from '../../../layers/activation.ts';
import { dense } from '../../../layers/dense.ts';
import { dropout, gaussianNoise } from '../../../layers/noise.ts';
import { normals, STREAMS, uniforms } from '../../../shaders/kernel/random.ts';
import { openData } from '../../../train/data/data.ts';
import { Inference } from '../../../train/evaluate/inference.ts';
import { Net } from '../../../train/net/net.ts';
import { accuracyOf, drawnIn, expected, fgsm, iterated, margins, pgd, type Oracle } from '../../../train/study/robust/attacks.ts';
import { attacksFrom } from '../../../train/study/robust/by-name.ts';
import { carliniWagner, distance } from '../../../train/study/robust/carlini-wagner.ts';
import { imagesUnderAttack, victimOfRun } from '../../../train/study/robust/of-run.ts';
import { train, trainable, type Training } from '../../../train/study/robust/train.ts';
import { victimOf } from '../../../train/study/robust/victim.ts';
import { close, deviceFor, random } from '../../support/check.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('robust');
const device = await deviceFor();
const [N, D, H, C] = [8, 6, 5, 3];
const FREE = { low: -Infinity, high: Infinity };
const x = Float32Array.from(random(N * D, 1));
const labels = Uint32Array.from({ length: N }, (_, i) => i % C);

/** W [out, in] and b of a layer in float64, from a net's weights. */
type Weights = Readonly<Record<string, { readonly data: Float32Array }>>;
const affine = (w: ArrayLike<number>, b: ArrayLike<number>, v: ArrayLike<number>): Float64Array =>
  Float64Array.from(b, (bias, o) => {
    let sum = bias;
    for (let i = 0; i < v.length; i++) sum += w[o * v.length + i]! * v[i]!;
    return sum;
  });
const row = (values: Float32Array, i: number): Float32Array => values.subarray(i * D, (i + 1) * D);

/** The MLP D - H (tanh) - C in float64: cross-entropy and margin by the inputs. */
function reference(weights: Weights, loss: 'cross-entropy' | 'margin'): Oracle {
  const [w1, b1, w2, b2] = ['fc1.weight', 'fc1.bias', 'fc2.weight', 'fc2.bias'].map(name => weights[name]!.data) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const hidden = (v: Float32Array) => affine(w1, b1, v).map(Math.tanh);
  const logits = (v: Float32Array) => affine(w2, b2, hidden(v));
  const gradient = (v: Float32Array, label: number): number[] => {
    const z = logits(v);
    const e = z.map(l => Math.exp(l - Math.max(...z)));
    const sum = e.reduce((a, b) => a + b);
    const others = [...z].map((l, c) => (c === label ? -Infinity : l));
    const rival = others.indexOf(Math.max(...others));
    const dz = [...z].map((_, c) => (loss === 'margin' ? Number(c === rival) : e[c]! / sum) - Number(c === label));
    const h = hidden(v);
    const dh = [...h].map((a, j) => (1 - a * a) * dz.reduce((s, d, c) => s + d * w2[c * H + j]!, 0));
    return Array.from({ length: D }, (_, i) => dh.reduce((s, d, j) => s + d * w1[j * D + i]!, 0));
  };
  const rows = (values: Float32Array) => Array.from({ length: N }, (_, i) => row(values, i));
  return {
    gradient: async (values, of) => rows(values).flatMap((v, i) => gradient(v, of[i]!)),
    logits: async values => rows(values).flatMap(v => [...logits(v)]),
  };
}

test('of a linear net of two classes each attack finds the farthest margin, epsilon times the sum of |w1 - w0|', async () => {
  const model = sequential({ fc: dense(2) });
  const net = await trainable(device, model, [D], N, 1);
  const weights = await net.weights();
  const { 'fc.weight': w, 'fc.bias': b } = weights;
  const victim = victimOf(device, model, weights, { shape: [D], batch: N, seed: 1 });
  const [byLoss, byMargin] = [await victim.oracle('cross-entropy'), await victim.oracle('margin')];
  const binary = labels.map(label => label % 2);
  const reach = Array.from({ length: D }, (_, i) => Math.abs(w!.data[i]! - w!.data[D + i]!)).reduce((s, v) => s + v, 0);
  const ball = { epsilon: 0.1, steps: 5, ...FREE };
  const want = margins(Array.from({ length: N }, (_, i) => [...affine(w!.data, b!.data, row(x, i))]).flat(), binary).map(
    margin => margin + ball.epsilon * reach,
  );
  const draw = uniforms(1, STREAMS.sample);
  const found = {
    fgsm: await fgsm(byLoss, x, binary, ball),
    iterated: await iterated(byLoss, x, binary, ball),
    pgd: await pgd(byLoss, x, binary, { ...ball, draw, restarts: 2 }),
    margin: await pgd(byMargin, x, binary, { ...ball, draw }),
  };
  for (const [name, moved] of Object.entries(found)) close(name, margins(await victim.logits(moved), binary), want, 1e-5);
  victim.destroy();
  net.destroy();
});

test('of an MLP the attacks on the device are those of float64, stay within the ball, and more of them harm more', async () => {
  const model = sequential({ fc1: dense(H), act: tanh(), fc2: dense(C) });
  const net = await trainable(device, model, [D], N, 2);
  await train(net, N, { x, labels }, { epochs: 30, lr: 0.02, seed: 1, stopped: () => false });
  const weights = await net.weights();
  const victim = victimOf(device, model, weights, { shape: [D], batch: N, seed: 2 });
  const ball = { epsilon: 0.3, steps: 6, low: -1, high: 1 };
  const losses = { 'cross-entropy': await victim.oracle('cross-entropy'), margin: await victim.oracle('margin') } as const;
  const start = drawnIn(x, ball, uniforms(3, STREAMS.sample));
  for (const [loss, oracle] of Object.entries(losses)) {
    const exact = reference(weights, loss as keyof typeof losses);
    close(
      `${loss}: gradient`,
      Array.from(await oracle.gradient(x, labels), v => v * N),
      await exact.gradient(x, labels),
      1e-5,
    );
    close(`${loss}: FGSM`, await fgsm(oracle, x, labels, ball), await fgsm(exact, x, labels, ball), 1e-6);
    close(`${loss}: PGD`, await iterated(oracle, x, labels, ball, start), await iterated(exact, x, labels, ball, start), 1e-6);
  }
  const few = await pgd(losses['cross-entropy'], x, labels, { ...ball, draw: uniforms(4, STREAMS.sample) });
  const many = await pgd(losses['cross-entropy'], x, labels, { ...ball, draw: uniforms(4, STREAMS.sample), restarts: 3 });
  assert.ok(many.every((v, i) => Math.abs(v - x[i]!) <= ball.epsilon + 1e-6 && Math.abs(v) <= 1));
  const [one, three] = [margins(await net.forward(few), labels), margins(await net.forward(many), labels)];
  assert.ok(three.every((margin, i) => margin >= one[i]! - 1e-6));
  victim.destroy();
  net.destroy();
});

test('a net trained on attacked inputs, or with the gradients of replays, keeps to what an attack cannot turn round', async () => {
  // one feature is large and right nine times in ten; the five others are small and right together (Tsipras et al. 2019)
  const n = 80;
  const classes = Uint32Array.from({ length: n }, (_, i) => i % 2);
  const sign = (i: number) => 2 * classes[i]! - 1;
  const inputs = Float32Array.from({ length: n * D }, (_, at) => {
    const i = Math.floor(at / D);
    if (at % D === 0) return i % 20 < 2 ? -sign(i) : sign(i);
    return 0.25 * sign(i);
  });
  const ball = { epsilon: 0.5, steps: 3, ...FREE };
  const model = sequential({ fc: dense(2) });
  const after = async (attack?: Training['attack']) => {
    const net = await trainable(device, model, [D], N, 1);
    const usual = { epochs: 24, lr: 0.05, seed: 1, stopped: () => false };
    await train(net, N, { x: inputs, labels: classes }, { ...usual, ...(attack && { attack }) });
    const victim = victimOf(device, model, await net.weights(), { shape: [D], batch: N, seed: 1 });
    const moved: number[] = [];
    for (let at = 0; at < n; at += N) {
      moved.push(
        ...(await fgsm(await victim.oracle('cross-entropy'), inputs.slice(at * D, (at + N) * D), classes.slice(at, at + N), ball)),
      );
    }
    const found = {
      clean: accuracyOf(await net.forward(inputs), classes),
      attacked: accuracyOf(await net.forward(Float32Array.from(moved)), classes),
    };
    victim.destroy();
    net.destroy();
    return found;
  };
  assert.equal(await after(), { clean: 1, attacked: 0 });
  for (const way of ['pgd', 'free'] as const) assert.equal(await after({ ...ball, way }), { clean: 0.9, attacked: 0.9 }, way);
});

test('the nearest mistake of a linear net of two classes is its margin over the length of w1 - w0 away', async () => {
  const [w, b] = [random(2 * D, 5), random(2, 6)];
  const step = Array.from({ length: D }, (_, i) => w[D + i]! - w[i]!);
  const rows = (values: Float32Array) => Array.from({ length: N }, (_, i) => affine(w, b, row(values, i)));
  const linear: Oracle = {
    logits: async values => rows(values).flatMap(z => [...z]),
    gradient: async (_, of) => Array.from(of).flatMap(label => step.map(d => ((label ? -1 : 1) * d) / N)),
  };
  const of = Uint32Array.from(rows(x), ([no, yes]) => Number(yes! > no!));
  const search = { steps: 200, search: 8, lr: 0.02, c: 0.1, confidence: 0, low: -3, high: 3 };
  const found = await carliniWagner(linear, x, of, search);
  const length = Math.hypot(...step);
  const margin = margins(await linear.logits(found), of);
  for (const [i, [no, yes]] of rows(x).entries()) {
    assert.ok(margin[i]! > 0, `input ${i} is still known`);
    const [got, want] = [distance(found, x, i, D), Math.abs(yes! - no!) / length];
    assert.ok(got >= want * (1 - 1e-6) && got <= want * 1.03 + 1e-3, `input ${i}: distance ${got}, the nearest is ${want} away`);
  }
});

test('expectation over noise finds the gradient that single draws hide', async () => {
  // the gradient of v^2 / 2 + z v with z of deviation 4 has a sign at random; that of its mean is v
  const z = normals(1, STREAMS.sample);
  const noisy: Oracle = { gradient: async values => values.map(v => v + 4 * z()), logits: async values => values };
  const signs = async (oracle: Oracle) => {
    const found = await oracle.gradient(x, labels);
    return x.filter((v, i) => Math.sign(v) === Math.sign(found[i]!)).length / x.length;
  };
  const clear = x.filter(v => Math.abs(v) > 0.3).length / x.length;
  assert.ok((await signs(noisy)) < 0.75);
  assert.ok((await signs(expected(noisy, 400))) >= clear);
});

test('attacks meet a net as it is evaluated: its noise is drawn anew at each call, dropout is not unless asked for', async () => {
  const model = sequential({ fc: dense(C), noise: gaussianNoise(0.5, { evaluating: true }), drop: dropout(0.5) });
  const plain = sequential({ fc: dense(C) });
  const net = await Net.build(device, plain, { shape: [D], batch: N, seed: 1 });
  const weights = await net.weights();
  const clean = await net.forward(x);
  const options = { shape: [D], batch: N, seed: 1 };
  const victim = victimOf(device, model, weights, options);
  const differences = (a: ArrayLike<number>) => Array.from(a, (v, i) => v - clean[i]!);
  const [first, second] = [differences(await victim.logits(x)), differences(await victim.logits(x))];
  assert.not.equal(first, second);
  const deviation = Math.sqrt([...first, ...second].reduce((s, d) => s + d * d, 0) / (2 * first.length));
  assert.ok(deviation > 0.35 && deviation < 0.65, `deviation ${deviation}`);
  const oracle = await victim.oracle('cross-entropy');
  assert.not.equal(Array.from(await oracle.gradient(x, labels)), Array.from(await oracle.gradient(x, labels)));
  const dropping = victimOf(device, model, weights, { ...options, draws: true });
  const zeros = (await dropping.logits(x)).filter(v => v === 0).length;
  assert.ok(zeros > 4 && zeros < 20, `${zeros} of ${N * C} dropped`);
  for (const each of [victim, dropping, net]) each.destroy();
});

test('the net of a run takes pixels, and its gradient is by them where images are whitened on the way', async () => {
  const shape = [1, 2, 3] as const;
  const n = 4;
  const images = Uint8Array.from(random(n * 6, 8), v => 127 + 127 * v);
  const split = { images, labels: Uint16Array.of(0, 1, 1, 0), n };
  const data = await openData({ name: 'own', shape, classes: ['a', 'b'], train: split, test: split }, { normalize: 'zca' });
  const model = sequential({ fc: dense(2) });
  const inference = { device, model, data, batchSize: n };
  const fc = Float32Array.from(random(12, 9));
  const whitening = { shape: [6, 6], data: Float32Array.from(random(36, 10)) };
  const weights = {
    'whitening.weight': whitening,
    'fc.weight': { shape: [2, 6], data: fc },
    'fc.bias': { shape: [2], data: Float32Array.of(0, 1) },
  };
  const trained = new Inference(inference, weights);
  const victim = victimOfRun(device, model, weights, data, { batch: n, seed: 0 });
  const { x: pixels, labels: of, low, high } = await imagesUnderAttack(data, 'test');
  assert.equal([low, high, [...of]], [0, 1, [0, 1, 1, 0]]);
  close('logits', await victim.logits(pixels), await trained.logits('test'), 1e-5);
  // the margin is linear in the pixels: its gradient is that of whitened ones by the transposed matrix
  const want = Array.from({ length: n * 6 }, (_, at) => {
    let sum = 0;
    for (let d = 0; d < 6; d++) sum += whitening.data[(at % 6) * 6 + d]! * (fc[6 + d]! - fc[d]!);
    return ((of[Math.floor(at / 6)] ? -1 : 1) * sum) / n;
  });
  close('gradient', Array.from(await (await victim.oracle('margin')).gradient(pixels, of)), want, 1e-5);
  victim.destroy();
  trained.destroy();
});

test('attacks are read from a text, and what they do not take is named in one line', async () => {
  const [first, second] = attacksFrom('--attack', 'fgsm:epsilon=8/255,pgd:steps=7,restarts=2,size=2/255');
  assert.equal(first!.options, { epsilon: 8 / 255, eot: 1 });
  assert.equal(second!.options, { epsilon: 8 / 255, steps: 7, size: 2 / 255, restarts: 2, eot: 1 });
  for (const [text, why] of [
    ['pdg', /unknown attack 'pdg'; .*known: fgsm, ifgsm, pgd, margin, cw/],
    ['pgd:epsilon=8/0', /pgd: epsilon is '8\/0'; give a number above 0, as 8\/255/],
    ['pgd:epsilon=1/2/3', /pgd: epsilon is '1\/2\/3'/],
    ['fgsm:steps=3', /unknown option of fgsm 'steps'/],
    ['pgd:20', /'20' is no option of pgd; write pgd:key=value/],
  ] as const) {
    assert.match(await refusal(() => attacksFrom('--attack', text)), why);
  }
});

test.run();
