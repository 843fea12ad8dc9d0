/** Estimators of information against what it is where that is known, and the problem of twelve bits. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { byBins, byDensities } from '../../../train/study/information/estimators.ts';
import { growing } from '../../../train/study/information/plane.ts';
import { bitsOf, classesOfPatterns, PATTERNS, power } from '../../../train/study/information/patterns.ts';

const test = suite('information');

const near = (found: number, exact: number, by: number, what: string) =>
  assert.ok(Math.abs(found - exact) < by, `${what}: ${found}, exactly ${exact}`);
/** Outputs and labels of inputs 0 … n-1. */
const channel = (n: number, t: (x: number) => number, y: (x: number) => number) =>
  [Float32Array.from({ length: n }, (_, x) => t(x)), Uint16Array.from({ length: n }, (_, x) => y(x))] as const;

test('bins give the information of discrete channels exactly', () => {
  const mod = byBins(
    ...channel(
      64,
      x => x % 4,
      x => x % 2,
    ),
    0.5,
  );
  near(mod.x, 2, 1e-12, 'I(X; X mod 4)');
  near(mod.y, 1, 1e-12, 'I(X mod 4; X mod 2)');
  // a binary symmetric channel that is wrong in a quarter of the cases: 1 - H(1/4)
  const noisy = byBins(
    ...channel(
      64,
      x => x % 2,
      x => (x % 2) ^ Number(x % 8 < 2),
    ),
    0.5,
  );
  near(noisy.y, 1 + 0.25 * Math.log2(0.25) + 0.75 * Math.log2(0.75), 1e-12, 'I(T;Y)');
  const none = byBins(
    ...channel(
      64,
      () => 3,
      x => x % 2,
    ),
    0.5,
  );
  assert.equal([none.x, none.y], [0, 0]);
});

test('what a layer computes of another tells no more than that one, of input and of class (data processing)', () => {
  const labels = classesOfPatterns();
  // each is a function of the one before, and constant within bins
  const layers = [(x: number) => x, (x: number) => x >> 3, (x: number) => (x >> 3) % 100, (x: number) => ((x >> 3) % 100) >> 4].map(f =>
    byBins(
      Float32Array.from({ length: PATTERNS }, (_, x) => f(x)),
      labels,
      1,
    ),
  );
  assert.is(layers[0]!.x, 12);
  for (const [i, layer] of layers.slice(1).entries()) {
    assert.ok(layer.x <= layers[i]!.x + 1e-12 && layer.y <= layers[i]!.y + 1e-12, `layer ${i + 2}`);
  }
});

test('bounds by densities hold the information of a Gaussian with noise between them, and meet it where inputs are far apart', () => {
  const variance = 0.05;
  // Box and Muller's transform of a grid: a Gaussian of deviation 1 without the error of random draws
  const side = 38;
  const outputs = Float32Array.from({ length: side * side }, (_, i) => {
    const radius = Math.sqrt(-2 * Math.log(((i % side) + 0.5) / side));
    return radius * Math.cos((2 * Math.PI * (Math.floor(i / side) + 0.5)) / side);
  });
  const labels = new Uint16Array(side * side);
  const exact = 0.5 * Math.log2(1 + 1 / variance);
  const [above, below] = [byDensities(outputs, labels, variance).x, byDensities(outputs, labels, variance, { lower: true }).x];
  assert.ok(below < exact && exact < above && above - below < 1.1, `${below}, exactly ${exact}, ${above}`);
  const apart = channel(
    8,
    x => 10 * x,
    x => x % 2,
  );
  for (const lower of [false, true]) {
    const { x, y } = byDensities(...apart, 1e-3, { lower });
    near(x, 3, 1e-9, 'eight points');
    near(y, 1, 1e-9, 'their parity');
  }
});

test('the class of twelve bits stays as it is where the icosahedron is turned, and says almost one bit', () => {
  // corners come as four of each of three planes: a turn by a third about the diagonal takes each plane to the next
  const turned = (bits: readonly number[]) => bits.map((_, i) => bits[(i + 4) % 12]!);
  for (const pattern of [1, 77, 1234, 4000]) {
    const bits = bitsOf(pattern);
    near(power(turned(bits)), power(bits), 1e-9, `pattern ${pattern}`);
  }
  const share = classesOfPatterns().reduce((sum, c) => sum + c, 0) / PATTERNS;
  assert.ok(-share * Math.log2(share) - (1 - share) * Math.log2(1 - share) > 0.99, `${share} of the patterns are of class 1`);
});

test('a net is looked at before its first epoch and after its last, however few the looks', () => {
  for (const looks of [2, 3, 5, 16]) {
    const at = growing(200, looks);
    assert.equal([at[0], at.at(-1), at.length <= looks], [0, 200, true], `${looks} looks: ${at}`);
  }
  assert.equal(growing(200, 4), [0, 1, 14, 200]);
});

test.run();
