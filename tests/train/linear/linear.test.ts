/** Least squares and Newton's method on the host, box initialisation, and nets whose last layer is solved for. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../../datasets/node/open.ts';
import { boxLayer } from '../../../train/init/box.ts';
import { parseConfig } from '../../../train/config/config.ts';
import { recipeOf } from '../../../train/config/recipe-of.ts';
import { accumulate, cholesky, leastSquares, normalOf } from '../../../train/linear/least-squares.ts';
import { newton } from '../../../train/linear/newton.ts';
import { openTrainer } from '../../../train/run/open.ts';
import { close, deviceFor, random } from '../../support/check.ts';
import { alone } from '../../../train/distribute/alone.ts';
import type { Exchange } from '../../../train/distribute/exchange.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('linear');

const N = 40;
const D = 5;
/** Samples of which feature `twin` is the sum of two others, where it is asked for. */
const features = (twin: boolean): number[][] =>
  Array.from({ length: N }, (_, s) => {
    const row = [...random(D, s + 1)];
    if (twin) row[4] = row[0]! + row[1]!;
    return row;
  });

test('least squares: the residual is orthogonal to the features, and singular ones give the shortest solution', () => {
  for (const twin of [false, true]) {
    for (const ridge of [0, 0.5]) {
      const rows = features(twin);
      const targets = rows.map((row, s) => [Math.sin(s), 3 * row[0]! - row[2]!]);
      const normal = normalOf(D, 2);
      rows.forEach((row, s) => accumulate(normal, row, targets[s]!));
      const { x, rank } = leastSquares(normal, ridge);
      assert.is(rank, twin && !ridge ? 4 : 5);
      for (let c = 0; c < 2; c++) {
        const residual = rows.map((row, s) => row.reduce((sum, a, i) => sum + a * x[i * 2 + c]!, 0) - targets[s]![c]!);
        const slope = Array.from(
          { length: D },
          (_, i) => rows.reduce((sum, row, s) => sum + row[i]! * residual[s]!, 0) + ridge * x[i * 2 + c]!,
        );
        close(`column ${c}`, slope, Array(D).fill(0), 1e-9);
        if (twin) assert.ok(Math.abs(x[c]! + x[2 + c]! - x[8 + c]!) < 1e-9, 'along (1, 1, 0, 0, -1) it has no part');
      }
    }
  }
});

test('Cholesky refuses what is not positive', () => {
  assert.is(cholesky(Float64Array.of(1, 2, 2, 1), Float64Array.of(1, 1), 2, 1), undefined);
  close('solution', cholesky(Float64Array.of(4, 2, 2, 3), Float64Array.of(2, 1), 2, 1)!, [0.5, 0], 1e-12);
});

test("Newton's method ends where the gradient of the cross-entropy is 0", () => {
  const rows = Float64Array.from(features(false).flat());
  const labels = Array.from({ length: N }, (_, s) => s % 3);
  const w = newton({ rows, labels, n: N, d: D, k: 3 }, new Float64Array(D * 3), 12, 0.01);
  const gradient = w.map(v => 0.01 * v);
  for (let s = 0; s < N; s++) {
    const row = rows.subarray(s * D, (s + 1) * D);
    const logits = [0, 1, 2].map(c => row.reduce((sum, a, i) => sum + a * w[i * 3 + c]!, 0));
    const total = logits.reduce((sum, v) => sum + Math.exp(v), 0);
    for (let c = 0; c < 3; c++) {
      for (let i = 0; i < D; i++) gradient[i * 3 + c]! += ((Math.exp(logits[c]!) / total - Number(labels[s] === c)) / N) * row[i]!;
    }
  }
  close('gradient', gradient, Array(D * 3).fill(0), 1e-9);
});

test('a box layer has its hinges in the box and 1 as its largest value there', () => {
  const { weight, bias } = boxLayer(200, 2, 'fc1.weight', 3);
  for (let unit = 0; unit < 200; unit++) {
    const [a, b] = [weight[2 * unit]!, weight[2 * unit + 1]!];
    const corners = [bias[unit]!, bias[unit]! + a, bias[unit]! + b, bias[unit]! + a + b];
    assert.ok(Math.abs(Math.max(...corners) - 1) < 1e-5 && Math.min(...corners) < 0, `unit ${unit}: ${corners}`);
  }
});

const sine = openDataset('sine:points=128,range=3..5', { quiet: true });

/** The RMSE before each of so many steps of a residual net of four layers of 32 on a sine. */
async function errors(scheme: string, optimizer: string, steps: number): Promise<number[]> {
  const given = { initScheme: scheme, optimizer, batchSize: '128', epochs: String(steps), valSplit: '0', shuffle: 'false', seed: '1' };
  const recipe = recipeOf(parseConfig('mlp:hidden=32-32-32-32,residual=true', given));
  const { trainer } = await openTrainer(recipe, await sine, await deviceFor('own'));
  for (let step = 0; step < steps; step++) await trainer.step(true);
  const lines = await trainer.settle();
  const { rmse } = await trainer.evaluate('train');
  trainer.destroy();
  return [...lines.map(line => line.rmse!), rmse!];
}

test('least squares over a box basis is near the sine before training, and LSGD nearer than Adam after it', async () => {
  const [solved, trained] = [await errors('box-residual', 'lsgd', 60), await errors('box-residual', 'adam', 60)];
  assert.ok(solved[0]! < 0.05, `two periods by 32 units: ${solved[0]}`);
  assert.ok(solved[60]! < 0.5 * solved[0]! && solved[60]! < 0.1 * trained[60]!, `${solved[0]} ${solved[60]}, Adam ${trained[60]}`);
});

test('the last layer of a classifier is solved for by Newton steps', async () => {
  const dataset = await openDataset('circles', { quiet: true, limitTrain: 100, limitTest: 40 });
  const given = { optimizer: 'lsgd', batchSize: '50', epochs: '6', valSplit: '0', initScheme: 'box' };
  const { trainer } = await openTrainer(recipeOf(parseConfig('mlp:hidden=16', given)), dataset, await deviceFor('own'));
  for (let step = 0; step < 12; step++) await trainer.step();
  const { loss, accuracy } = await trainer.evaluate('train');
  trainer.destroy();
  assert.ok(loss < 0.05 && accuracy === 1, `loss ${loss}, accuracy ${accuracy}`);
});

test('says for what it is not', async () => {
  const dataset = await openDataset('circles', { quiet: true, limitTrain: 40, limitTest: 10 });
  const said = (model: string, given: Record<string, string>, exchange?: Exchange) =>
    refusal(async () =>
      openTrainer(recipeOf(parseConfig(model, { batchSize: '20', ...given })), dataset, await deviceFor('own'), { exchange }),
    );
  assert.match(
    await said('mlp:hidden=8', { optimizer: 'lsgd' }, alone()),
    /^optimizer lsgd: is of a run that trains alone; leave out distribute$/,
  );
  assert.match(
    await said('mlp:hidden=900', { optimizer: 'lsgd' }),
    /^optimizer lsgd: Newton's method for 1802 weights of the last layer takes too long; /,
  );
  assert.match(
    await said('mlp:hidden=8', { optimizer: 'lsgd', loss: 'mse' }),
    /^optimizer lsgd: solves for the loss cross-entropy, not mse; leave out loss/,
  );
  assert.match(
    await said('mlp:hidden=none', { initScheme: 'box' }),
    /^initScheme box: is for nets of dense layers with biases, hidden ones among them/,
  );
  assert.match(
    await said('mlp:hidden=8-9,residual=true', {}),
    /^mlp: hidden layers of 8-9 units cannot be added to one another; give all of one size/,
  );
});

test.run();
