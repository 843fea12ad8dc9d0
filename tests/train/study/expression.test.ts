import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { planeFunction } from '../../../train/study/descent/expression.ts';
import { trajectory } from '../../../train/study/descent/trajectory.ts';
import { close, deviceFor } from '../../support/check.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('functions of x and y as text');

/** Each operation and call that is known, and what is read as something else. */
const TEXTS = [
  'x^2 + 3*x*y - y/(2 + x)',
  '-x^2 + (x - y)^3 + x^-2 + x^2.5 + 2^y + x^y + x^0.5',
  'sin(x)*cos(y) + tan(x/2) + asin(y/3) + acos(x/3) + atan(x*y)',
  'sinh(x) + cosh(y) + tanh(x - y) + exp(-x*y) + exp(y)^2',
  'ln(x) + log(y) + log2(x*y) + lg(x) + log10(y) + sqrt(x + y) + cbrt(x*y)',
  'abs(x - 2*y) + sign(y)*x + floor(y) + ceil(x) + trunc(x*y) + (3*x) % (y + 1)',
  'min(x, y, 2) + max(x*y, 1) + hypot(x, y, 1) + pow(x + y, 3) + atan2(y, x)',
  'x > y ? x^2 : y^2',
  'if(x <= y, x*y, x + y) + (x == 2)*y + (x >= 1)*x + (x != y)*y + (y < 5)*x + pi*x + e*y + PI',
  '(x + y)^11',
] as const;
const PLACES: readonly (readonly [number, number])[] = [
  [1.3, 0.7],
  [0.45, 1.62],
];

test('gradients are those of central differences', () => {
  for (const text of TEXTS) {
    const { value, slope } = planeFunction(text);
    for (const [x, y] of PLACES) {
      const h = 1e-5;
      const seen = [(value(x + h, y) - value(x - h, y)) / (2 * h), (value(x, y + h) - value(x, y - h)) / (2 * h)];
      const size = Math.max(1, ...seen.map(Math.abs));
      close(
        text,
        slope(x, y).map(v => v / size),
        seen.map(v => v / size),
        1e-8,
      );
    }
  }
});

test('values are those that the text says', () => {
  assert.is(planeFunction('2 + 3*x^2 - y/4').value(2, 8), 12);
  assert.is(planeFunction('-x^2').value(3, 0), -9);
  assert.is(planeFunction('x > 0 ? 1 : y').value(-1, 7), 7);
  assert.is(planeFunction('2^3^x').value(2, 0), 512);
});

test('the device goes down the gradient that the host has derived', async () => {
  // one program for all texts would be one expression; steps of plain descent in float32 tell its gradient
  const text = TEXTS.slice(0, 9)
    .map((one, i) => `0.1*${i + 1}*(${one})`)
    .join(' + ');
  const { slope, gradient, given } = planeFunction(text);
  for (const start of PLACES) {
    const lr = 0.01;
    const [from, to] = await trajectory(await deviceFor(), { gradient, given, start }, 'sgd', { steps: 1, lr });
    close('gradient', [(from![0] - to![0]) / lr, (from![1] - to![1]) / lr], [...slope(...start)], 2e-3);
  }
});

test('the tip of a root has a slope of 0, and a negative base a whole power', () => {
  assert.equal(planeFunction('sqrt(x^2 + y^2)').slope(0, 0), [0, 0]);
  assert.equal(planeFunction('x^3 + y').slope(-2, 0), [12, 1]);
});

test('what is no function of x and y is refused in one line', async () => {
  for (const [text, words] of [
    ['x +', /^f\(x, y\): 'x \+' is not understood; use x, y, numbers, pi, e, .*sin, cos/],
    ['(x + y', /^f\(x, y\): '\(x \+ y' has a bracket that is not closed; write as many \) as \($/],
    ['x)^2', /closes a bracket that is not open; write as many \( as \)$/],
    ['x**2', /^f\(x, y\): 'x\*\*2' has \*\*; write x\^2 for x\*\*2$/],
    ['2x + y', /lacks an operator; write 2\*x for 2x$/],
    ['x + 1e-5*', /is not understood; use x, y/],
    ['z = x^2', /has an =; write what stands on its right alone$/],
    ['x*z', /f\(x, y\): 'z' is not known; use x, y, numbers/],
    ['foo(x)', /'foo' is not known/],
    ['random(x)', /'random' is not known/],
    ['x!', /'!' is not known/],
    ['[x, y]', /is not one value/],
    ['x; y', /is not one value/],
    ['pow(x)', /f\(x, y\): pow of 1 values; give it 2/],
    ['sin', /f\(x, y\): 'sin' is a function; write it as sin\(…\)$/],
    ['max + x', /'max' is a function/],
    ['', /f\(x, y\): '' is empty; use x, y/],
    ['3 + 4', /'3 \+ 4' is the same everywhere/],
    ['x/0', /holds the number (-?Infinity|NaN)/],
    ['x + 1e40', /holds the number 1e\+40/],
  ] as const) {
    const said = await refusal(async () => planeFunction(text));
    assert.match(said, words, text);
    assert.not.match(said, /\n|TEOF|EOF|parse error/, text);
  }
});

test.run();
