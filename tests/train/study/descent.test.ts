import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { outcomeOf } from '../../support/lab.ts';

const test = suite('descent on quadratics');

/** Each figure is within a share of what theory says. */
async function asExpected(text: string, share: number): Promise<Awaited<ReturnType<typeof outcomeOf>>> {
  const outcome = await outcomeOf(text);
  assert.ok(outcome.expected!.length > 0);
  for (const { what, expected, found } of outcome.expected!)
    assert.ok(Math.abs(found - expected) <= share * Math.abs(expected) + 1e-6, `${text}, ${what}: ${found}, expected ${expected}`);
  return outcome;
}

test('a step multiplies the distance by 1 - rate times curvature: monotone, oscillating, diverging', async () => {
  const { rows } = await asExpected('step-sizes', 1e-5);
  for (const row of rows as Record<string, number & string>[]) {
    const [share, factor] = [row['rate / best']!, row['factor a step']!];
    const seen =
      Math.abs(factor) > 1.01
        ? 'diverges'
        : factor < -0.99
          ? 'swings for ever'
          : factor < 0
            ? 'oscillates'
            : factor > 0
              ? 'monotone'
              : 'one step';
    assert.is(row['what it does'], seen, `${share}`);
  }
});

test('the steps of plain descent are those that the condition number says', async () => void (await asExpected('condition-number', 0.02)));

test('momentum and Nesterov shrink the distance as theory promises at their best settings', async () =>
  void [await asExpected('momentum-rates', 0.01), await asExpected('momentum-rates:k=2', 0.01)]);

test('Nesterov follows its equations, the closer the smaller the rate', async () => {
  const { values } = await outcomeOf('nesterov-ode');
  for (const method of ['NAG-C', 'NAG-SC']) {
    const apart = (values as { method: string; apart: number }[]).filter(v => v.method === method).map(v => v.apart);
    assert.is(apart.length, 3);
    assert.ok(apart[1]! < 0.75 * apart[0]! && apart[2]! < 0.75 * apart[1]! && apart[2]! < 0.05, `${method}: ${apart}`);
  }
});

test('one sample at a time needs fewer samples than all at once, and more updates', async () => {
  const { rows } = await outcomeOf('batch-or-stochastic:seeds=3');
  const of = (head: RegExp) => (rows as Record<string, number>[]).map(row => row[Object.keys(row).find(key => head.test(key))!]!);
  const [updates, samples, last] = [of(/^updates/), of(/^samples/), of(/^after/)];
  assert.ok(updates[0]! < updates[1]! && updates[1]! < updates[2]!, `${updates}`);
  assert.ok(samples[0]! > samples[1]! && samples[0]! > samples[2]!, `${samples}`);
  assert.ok(last[0]! < last[1]! && last[1]! < 1e-2, `${last}`);
});

test('products of Gaussian matrices grow as their Lyapunov exponent says', async () => {
  const { expected, rows } = await outcomeOf('exploding-products:products=100');
  for (const { what, expected: said, found } of expected!) assert.ok(Math.abs(found - said) < 0.02, `${what}: ${found}, expected ${said}`);
  assert.ok(Object.is(expected![1]!.expected, 0), 'the critical deviation neither grows nor shrinks, and no -0 is told');
  const powers = (rows as Record<string, number>[]).map(row => Object.values(row).at(-1)!);
  assert.ok(powers[0]! > 22 && powers[0]! < 26 && Math.abs(powers[1]!) < 2 && powers[3]! < -20, `${powers}`);
});

test.run();
