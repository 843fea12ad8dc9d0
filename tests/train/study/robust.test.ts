/** Attacks reach what theory says they can, and the nets that they ask give the gradients of a reference in float64. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sequential } from '../../../layers/compose.ts';
import { tanh } from '../../../layers/activation.ts';
import { dense } from '../../../layers/dense.ts';
import { STREAMS, uniforms } from '../../../shaders/kernel/random.ts';
import { accuracyOf, drawnIn, fgsm, iterated, margins, pgd, type Oracle } from '../../../train/study/robust/attacks.ts';
import { attackable, oracleOf, train, type Training } from '../../../train/study/robust/nets.ts';
import { close, deviceFor, random } from '../../support/check.ts';

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
  const { net, byMargin } = await attackable(device, sequential({ fc: dense(2) }), [D], N, 1);
  await byMargin.load(await net.weights());
  const { 'fc.weight': w, 'fc.bias': b } = await net.weights();
  const binary = labels.map(label => label % 2);
  const reach = Array.from({ length: D }, (_, i) => Math.abs(w!.data[i]! - w!.data[D + i]!)).reduce((s, v) => s + v, 0);
  const ball = { epsilon: 0.1, steps: 5, ...FREE };
  const want = margins(Array.from({ length: N }, (_, i) => [...affine(w!.data, b!.data, row(x, i))]).flat(), binary).map(
    margin => margin + ball.epsilon * reach,
  );
  const draw = uniforms(1, STREAMS.sample);
  const found = {
    fgsm: await fgsm(oracleOf(net), x, binary, ball),
    iterated: await iterated(oracleOf(net), x, binary, ball),
    pgd: await pgd(oracleOf(net), x, binary, { ...ball, draw, restarts: 2 }),
    margin: await pgd(oracleOf(byMargin), x, binary, { ...ball, draw }),
  };
  for (const [name, moved] of Object.entries(found)) close(name, margins(await net.forward(moved), binary), want, 1e-5);
  net.destroy();
  byMargin.destroy();
});

test('of an MLP the attacks on the device are those of float64, stay within the ball, and more of them harm more', async () => {
  const model = sequential({ fc1: dense(H), act: tanh(), fc2: dense(C) });
  const { net, byMargin } = await attackable(device, model, [D], N, 2);
  await train(net, N, { x, labels }, { epochs: 30, lr: 0.02, seed: 1, stopped: () => false });
  const weights = await net.weights();
  await byMargin.load(weights);
  const ball = { epsilon: 0.3, steps: 6, low: -1, high: 1 };
  const losses = { 'cross-entropy': oracleOf(net), margin: oracleOf(byMargin) } as const;
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
  const few = await pgd(oracleOf(net), x, labels, { ...ball, draw: uniforms(4, STREAMS.sample) });
  const many = await pgd(oracleOf(net), x, labels, { ...ball, draw: uniforms(4, STREAMS.sample), restarts: 3 });
  assert.ok(many.every((v, i) => Math.abs(v - x[i]!) <= ball.epsilon + 1e-6 && Math.abs(v) <= 1));
  const [one, three] = [margins(await net.forward(few), labels), margins(await net.forward(many), labels)];
  assert.ok(three.every((margin, i) => margin >= one[i]! - 1e-6));
  net.destroy();
  byMargin.destroy();
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
  const after = async (attack?: Training['attack']) => {
    const { net, byMargin } = await attackable(device, sequential({ fc: dense(2) }), [D], N, 1);
    const usual = { epochs: 24, lr: 0.05, seed: 1, stopped: () => false };
    await train(net, N, { x: inputs, labels: classes }, { ...usual, ...(attack && { attack }) });
    const moved: number[] = [];
    for (let at = 0; at < n; at += N) {
      moved.push(...(await fgsm(oracleOf(net), inputs.slice(at * D, (at + N) * D), classes.slice(at, at + N), ball)));
    }
    const found = {
      clean: accuracyOf(await net.forward(inputs), classes),
      attacked: accuracyOf(await net.forward(Float32Array.from(moved)), classes),
    };
    net.destroy();
    byMargin.destroy();
    return found;
  };
  assert.equal(await after(), { clean: 1, attacked: 0 });
  for (const way of ['pgd', 'free'] as const) assert.equal(await after({ ...ball, way }), { clean: 0.9, attacked: 0.9 }, way);
});

test.run();
