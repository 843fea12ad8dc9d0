import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { normals } from '../../../shaders/kernel/random.ts';
import { bornDead, bornDeadBounds } from '../../../train/study/relu/born.ts';
import { labOf, outcomeOf } from '../../support/lab.ts';

const test = suite('dying ReLU nets');

/** Whether shares `a` of `n` and `b` of `m` differ by no more than three standard errors. */
const agree = (a: number, n: number, b: number, m: number): boolean => {
  const p = (a * n + b * m) / (n + m);
  return Math.abs(a - b) <= 3 * Math.sqrt(p * (1 - p) * (1 / n + 1 / m));
};

test('as many nets are born dead as of whole matrices that were drawn elsewhere, and within the bounds', async () => {
  const { rows, expected } = await outcomeOf('born-dead:nets=3000');
  assert.is(expected!.length, 12);
  for (const { what, expected: said, found } of expected!) assert.ok(agree(said, 6000, found, 3000), `${what}: ${found}, expected ${said}`);
  for (const row of rows as Record<string, number>[]) {
    const spread = 3 * row['standard error']! + 1e-9;
    assert.ok(row['born dead']! > row['at least']! - spread && row['born dead']! < row['at most']! + spread, JSON.stringify(row));
  }
});

test('two correlated numbers for each unit stand for the product with a whole matrix', async () => {
  const [width, layers, nets] = [3, 6, 3000];
  const next = normals(5, 1);
  let dead = 0;
  for (let k = 0; k < nets; k++) {
    let outputs = [[1], [-1]];
    for (let l = 1; l < layers; l++) {
      const weight = Array.from({ length: width }, () => Array.from({ length: outputs[0]!.length }, next));
      outputs = outputs.map(x =>
        weight.map(row =>
          Math.max(
            0,
            row.reduce((s, w, i) => s + w * x[i]!, 0),
          ),
        ),
      );
    }
    if (outputs.flat().every(v => v === 0)) dead++;
  }
  assert.ok(agree(dead / nets, nets, (await bornDead(labOf({ seed: 1 }), width, layers, 6000))[layers]!, 6000), `${dead} of ${nets}`);
});

test('three layers have the probability that can be counted by hand', async () => {
  // of two units one or both are on for each input; the second layer must be silent for both inputs
  const { lower } = bornDeadBounds(2, 3);
  assert.ok(Math.abs(lower - (0.5 * 0.25 + 0.5 * 0.0625)) < 1e-12, `${lower}`);
  assert.ok(agree((await bornDead(labOf({ seed: 3 }), 2, 3, 20000))[3]!, 20000, lower, 1e9));
});

test('the width that is enough grows with depth and is never less for 1 % than for 10 %', async () => {
  const { rows } = await outcomeOf('safe-region:nets=400');
  const widths = (level: string) => (rows as Record<string, number>[]).map(row => row[`width for ${level}`] ?? Infinity);
  const [loose, strict] = [widths('10 %'), widths('1 %')];
  assert.ok(
    loose.every((w, i) => w <= strict[i]! && (i === 0 || w >= loose[i - 1]!)),
    `${loose}; ${strict}`,
  );
  assert.is(loose[1], 6); // at 10 layers width 5 has more than 10 % (Lu et al. 2020)
});

test('nets that collapse give the mean under mse and the median under mae, and asymmetric initialisation has fewer of them', async () => {
  const { rows, expected, panels } = await outcomeOf('collapse:nets=4,steps=2500');
  assert.is(panels[1]!.title, '|x|: 4 nets of each, under mse');
  const all = rows as Record<string, number & string>[];
  const collapsed = (scheme: string) => all.filter(r => r.initialisation === scheme).reduce((sum, r) => sum + r.collapsed!, 0) / 6;
  assert.ok(collapsed('He') > 0.7 && collapsed('RAI') < collapsed('He') - 0.2, `${collapsed('He')}, ${collapsed('RAI')}`);
  const constants = expected!.filter(e => e.what.includes('He: constant'));
  assert.is(constants.length, 5);
  for (const { what, expected: said, found } of constants) assert.ok(Math.abs(found - said) < 0.06, `${what}: ${found}, expected ${said}`);
});

test.run();
