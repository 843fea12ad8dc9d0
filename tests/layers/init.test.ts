import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Graph } from '../../engine/graph.ts';
import { product } from '../../shaders/kernel/shape.ts';
import { conv2d } from '../../layers/conv.ts';
import { dense } from '../../layers/dense.ts';
import { biasScheme, fans, initializer, normal, schemes } from '../../layers/init.ts';
import { batchNorm } from '../../layers/norm.ts';
import { sequential } from '../../layers/compose.ts';
import { close } from '../support/check.ts';
import { DEFAULT_PROFILE } from '../../shaders/kernel/kernel.ts';

const test = suite('init');

const SHAPE = [96, 32, 3, 3];
const fanIn = 288;
const fanOut = 864;
/** Expected standard deviation and largest size (none for a normal distribution). */
const expected: Record<string, [std: number, bound?: number]> = {
  torch: [1 / Math.sqrt(3 * fanIn), 1 / Math.sqrt(fanIn)],
  gaussian: [0.01],
  'glorot-uniform': [Math.sqrt(2 / (fanIn + fanOut)), Math.sqrt(6 / (fanIn + fanOut))],
  'glorot-normal': [Math.sqrt(2 / (fanIn + fanOut))],
  'he-uniform': [Math.sqrt(2 / fanIn), Math.sqrt(6 / fanIn)],
  'he-normal': [Math.sqrt(2 / fanIn)],
};
for (const [name, [std, bound]] of Object.entries(expected)) {
  test(name, () => {
    const w = initializer(name)(SHAPE, 'conv.weight', 3);
    const n = w.length;
    const mean = w.reduce((a, b) => a + b, 0) / n;
    const variance = w.reduce((a, b) => a + (b - mean) ** 2, 0) / n;
    const largest = w.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    assert.ok(Math.abs(mean) < (4 * std) / Math.sqrt(n), `mean ${mean}`);
    assert.ok(Math.abs(variance / std ** 2 - 1) < 4 * Math.sqrt(2 / n), `variance ${variance}, expected ${std ** 2}`);
    if (bound) assert.ok(largest <= bound && largest > 0.99 * bound, `largest ${largest}, bound ${bound}`);
    else assert.ok(largest > 3.5 * std && largest < 6 * std, `largest ${largest / std} deviations`);
  });
}

test('aliases, constant, and that every scheme is tested', () => {
  assert.is(schemes['xavier-uniform'], schemes['glorot-uniform']);
  assert.is(schemes['kaiming-normal'], schemes['he-normal']);
  assert.ok(initializer('constant')([2, 3], 'w', 0).every(v => v === Math.fround(0.01)));
  const tested = [
    ...Object.keys(expected),
    'constant',
    'orthogonal',
    'dirac',
    'rai',
    'xavier-uniform',
    'xavier-normal',
    'kaiming-uniform',
    'kaiming-normal',
  ];
  assert.equal(Object.keys(schemes).sort(), tested.sort());
});

test('dirac: the first filters pass each channel on, the others and dense weights are as usual, biases are 0', () => {
  const of = (shape: number[]) => [initializer('dirac')(shape, 'w', 3), initializer('torch')(shape, 'w', 3)] as const;
  for (const [o, c, h, w] of [
    [5, 3, 3, 3],
    [2, 4, 2, 2],
    [3, 3, 1, 5],
  ] as const) {
    const [made, usual] = of([o, c, h, w]);
    const identity = Array.from({ length: Math.min(o, c) * c * h * w }, (_, at) => {
      const place = at % (h * w);
      const channel = Math.floor(at / (h * w)) % c;
      return place === Math.floor(h / 2) * w + Math.floor(w / 2) && channel === Math.floor(at / (c * h * w)) ? 1 : 0;
    });
    assert.equal([...made], [...identity, ...usual.subarray(identity.length)]);
  }
  const [made, usual] = of([4, 3]);
  assert.equal(made, usual);
  assert.equal([...biasScheme('dirac')!(9)([3], 'b', 0)], [0, 0, 0]);
});

test('rai: one weight or bias of each unit is positive, of Beta(2, 1), and the others are normal', () => {
  const [units, inputs] = [6000, 3];
  const weight = initializer('rai')([units, inputs], 'fc.weight', 4);
  const bias = biasScheme('rai')!(inputs)([units], 'fc.bias', 4);
  const usual = normal(0.6007 / Math.sqrt(inputs));
  const [otherWeight, otherBias] = [usual([units, inputs], 'fc.weight', 4), usual([units], 'fc.bias', 4)];
  const changed: number[] = [];
  const counts = new Uint32Array(inputs + 1);
  for (let u = 0; u < units; u++) {
    const now = [...weight.subarray(u * inputs, (u + 1) * inputs), bias[u]!];
    const before = [...otherWeight.subarray(u * inputs, (u + 1) * inputs), otherBias[u]!];
    const at = now.flatMap((v, i) => (v === before[i] ? [] : [i]));
    assert.is(at.length, 1, `unit ${u}`);
    counts[at[0]!]!++;
    changed.push(now[at[0]!]!);
  }
  for (const count of counts) assert.ok(Math.abs(count - units / 4) < 4 * Math.sqrt(units * 0.25 * 0.75), `${counts}`);
  assert.ok(changed.every(v => v >= 0 && v < 1));
  const mean = changed.reduce((a, b) => a + b) / units; // 2/3, with variance 1/18
  assert.ok(Math.abs(mean - 2 / 3) < 4 / Math.sqrt(18 * units), `mean ${mean}`);
});

for (const shape of [
  [8, 3, 3, 3],
  [30, 3, 2, 2],
  [16, 16],
]) {
  test(`orthogonal ${shape.join('x')}`, () => {
    const w = initializer('orthogonal')(shape, 'w', 1);
    const rows = shape[0]!;
    const columns = product(shape) / rows;
    const wide = columns >= rows;
    const count = wide ? rows : columns;
    const at = (i: number, k: number) => (wide ? w[i * columns + k]! : w[k * columns + i]!);
    const gram = Array.from({ length: count * count }, (_, ij) => {
      let sum = 0;
      for (let k = 0; k < (wide ? columns : rows); k++) sum += at(Math.floor(ij / count), k) * at(ij % count, k);
      return sum;
    });
    close(
      'products',
      gram,
      gram.map((_, ij) => (Math.floor(ij / count) === ij % count ? 1 : 0)),
      1e-6,
    );
  });
}

test('the same by seed and name, other by another', () => {
  const w = (seed: number, name: string) => [...initializer('he-normal')([4, 4], name, seed)].join();
  assert.is(w(1, 'a'), w(1, 'a'));
  assert.is.not(w(1, 'a'), w(2, 'a'));
  assert.is.not(w(1, 'a'), w(1, 'b'));
});

test("a graph's scheme reaches weights of convolutions and dense layers alone", () => {
  const g = new Graph({ training: true, profile: DEFAULT_PROFILE, weights: initializer('constant') });
  sequential({ conv: conv2d(2, 3), bn: batchNorm(), fc: dense(3) })(g, g.tensor([2, 1, 5, 5]));
  const first = Object.fromEntries([...g.init].map(([t, init]) => [t.name, init(t.shape, t.name, 0)[0]]));
  assert.is(first['conv.weight'], Math.fround(0.01));
  assert.is(first['fc.weight'], Math.fround(0.01));
  assert.is(first['bn.weight'], 1);
  assert.is.not(first['fc.bias'], Math.fround(0.01));
});

test('an unknown scheme is met with the known ones', () => {
  assert.throws(() => initializer('he-norml'), /unknown initialisation 'he-norml'; did you mean 'he-normal'\? known: torch, constant/);
  assert.equal(fans([4, 3, 5, 5]), { fanIn: 75, fanOut: 100 });
});

test.run();
