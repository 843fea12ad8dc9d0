/** The asynchronous methods against what their papers say: one rank is plain training to the bit, several follow references in float64. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { alone, together } from '../../../train/distribute/alone.ts';
import { BETA, delayTolerant } from '../../../train/distribute/delay-tolerant.ts';
import { easgd } from '../../../train/distribute/easgd.ts';
import { addDifference, pagesOf, type Method, type OnDevice, type Rank } from '../../../train/distribute/method.ts';
import { distribution, methods, type MethodName } from '../../../train/distribute/methods.ts';
import { scaledRates } from '../../../train/distribute/lr-scaling.ts';
import { startRanks } from '../../../cli/run/distributed.ts';
import * as keys from '../../../train/run/state-keys.ts';
import { start, type Started } from '../../../train/distribute/start.ts';
import { loop } from '../../../train/run/loop.ts';
import type { EvalMetrics, StepMetrics } from '../../../train/step/metrics.ts';
import type { Exchange } from '../../../train/distribute/exchange.ts';
import { close, random } from '../../support/check.ts';
import { asRanks, trainerOf, valuesOf, type Chosen } from '../../support/ranks/members.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('methods');

interface Ended {
  readonly weights: Float32Array;
  readonly lines: readonly StepMetrics[];
  readonly val: number;
}

/** Trains some epochs of 16 steps as one rank. */
async function trained(exchange: Exchange, o: Chosen, name: MethodName, options: Record<string, unknown>, epochs = 2): Promise<Ended> {
  const { together } = methods[name];
  const trainer = await trainerOf({
    ...o,
    exchange,
    sharesBatches: together,
    sharesGradients: name === 'sync',
    withoutUpdate: name === 'delay-tolerant',
  });
  const lines: StepMetrics[] = [];
  const total = epochs * trainer.stepsPerEpoch;
  const started: Started = await start(trainer, exchange, distribution(name, options), {
    total,
    logEvery: 4,
    asks: () => false,
    onMetrics: line => lines.push(line),
  });
  let val = NaN;
  await loop(started.fitted, {
    total,
    logEvery: 4,
    validate: true,
    state: { evaluated: [] },
    step: started.step,
    onMetrics: line => lines.push(line),
    onEvaluation: line => {
      val = line.loss;
    },
    onCheckpoint: async () => undefined,
  });
  const weights = valuesOf(await trainer.weights());
  trainer.destroy();
  return { weights, lines, val };
}

const ranksOf = (size: number, o: Chosen, name: MethodName, options: Record<string, unknown> = {}) =>
  asRanks(size, exchange => trained(exchange, o, name, options));

async function plain(o: Chosen, steps = 32): Promise<Float32Array> {
  const trainer = await trainerOf(o);
  for (let t = 0; t < steps; t++) await trainer.step();
  const weights = valuesOf(await trainer.weights());
  trainer.destroy();
  return weights;
}

for (const rule of ['sgd:lr=0.1', 'adam', 'momentum:lr=0.01']) {
  for (const name of ['downpour', 'hogwild'] as const) {
    test(`one rank of ${name} trains as one process does, to the bit: ${rule}`, async () => {
      const [one] = await ranksOf(1, { rule }, name);
      assert.equal(one!.weights, await plain({ rule }));
    });
  }
}

test('local SGD that takes the mean after each step is synchronous SGD', async () => {
  const [a, b] = await ranksOf(2, {}, 'local', { every: 1 });
  assert.equal(a!.weights, b!.weights);
  close('weights', a!.weights, await plain({}), 1e-6);
});

const several: readonly [name: MethodName, o: Chosen, options: Record<string, unknown>][] = [
  ['downpour', {}, { push: 2, fetch: 2 }],
  ['delay-tolerant', { rule: 'adagrad:lr=0.01' }, {}],
  ['easgd', { rule: 'momentum:lr=0.001' }, { every: 4 }],
  ['hogwild', {}, {}],
  ['local', { rule: 'momentum:lr=0.001' }, { every: 4, outer: 'nesterov' }],
];
for (const [name, o, options] of several) {
  test(`3 ranks of ${name} learn, see each image once an epoch, and meet with the same weights`, async () => {
    const ranks = await asRanks(3, exchange => trained(exchange, { rule: 'sgd:lr=0.01', ...o }, name, options, 3));
    for (const { weights, val } of ranks) {
      assert.equal(weights, ranks[0]!.weights);
      assert.ok(Number.isFinite(val));
    }
    const { lines } = ranks[0]!;
    const third = Math.floor(lines.length / 3);
    const mean = (some: readonly StepMetrics[]) => some.reduce((sum, line) => sum + line.loss, 0) / some.length;
    assert.ok(
      mean(lines.slice(-third)) < mean(lines.slice(0, third)),
      `training loss ${lines.map(line => line.loss.toFixed(3)).join(', ')}`,
    );
    if (methods[name].together) return;
    const ends = lines.filter(line => line.staleness !== undefined);
    assert.equal(
      ends.map(line => line.step),
      [16, 32, 48],
    );
    for (const { staleness, staleness_worst } of ends) assert.ok(staleness! >= 0 && staleness_worst! >= staleness!);
  });
}

test('ranks of local go on with the momentum of the outer steps on each of them, and keep one set of weights', async () => {
  const distribute = distribution('local', { every: 1, outer: 'nesterov' });
  const ranks = await asRanks(2, async exchange => {
    const trainer = await trainerOf({ exchange, sharesBatches: true });
    const { length } = pagesOf(trainer.memory, 'param');
    const v = { shape: [length], data: Float32Array.from(random(length, 7)) };
    const before = { tensors: keys.together.write({ v }), counters: { steps: 0 } };
    const [session, interrupt] = [{ trainer, total: 9 }, { asked: false }];
    const { step } = await startRanks(
      { recipe: { distribute, logEvery: 4 }, session, interrupt, before },
      { exchange, isFirst: exchange.rank === 0 },
      {},
      () => undefined,
    );
    await step!(false);
    const weights = valuesOf(await trainer.weights());
    trainer.destroy();
    return weights;
  });
  close('weights of rank 1', ranks[1]!, ranks[0]!, 0);
});

test('ranks that are asked to end between two epochs evaluate the first of them once, and keep a checkpoint', async () => {
  const told = await asRanks(2, async exchange => {
    const trainer = await trainerOf({ exchange, rule: 'sgd:lr=0.1' });
    const evaluated: EvalMetrics[] = [];
    const said: string[] = [];
    const total = 2 * trainer.stepsPerEpoch;
    const asks = () => exchange.rank === 1 && evaluated.length > 0;
    const started = await start(trainer, exchange, distribution('hogwild', {}), { total, logEvery: 4, asks, onMetrics: () => undefined });
    const ended = await loop(started.fitted, {
      total,
      logEvery: 4,
      validate: true,
      state: { evaluated },
      stopped: () => started.isAsked,
      checkpointEvery: 1,
      onMetrics: () => undefined,
      onEvaluation: line => void said.push(`evaluation after ${line.step}`),
      onCheckpoint: async () => void said.push(`checkpoint of ${trainer.steps}`),
    });
    trainer.destroy();
    return [...said, `${ended}, ${evaluated.length} known`];
  });
  for (const said of told) {
    assert.equal([...new Set(said)], ['evaluation after 16', 'checkpoint of 16', 'stopped, 1 known']);
    assert.is(said.filter(line => line.startsWith('evaluation')).length, 1);
  }
});

test('an epoch whose last step rank 0 does ends with one line of metrics, which is of all ranks', async () => {
  let go = () => {};
  const done = new Promise<void>(resolve => {
    go = resolve;
  });
  const [steps] = await asRanks(2, async exchange => {
    const trainer = await trainerOf({ exchange, rule: 'sgd:lr=0.1' });
    let own = 0;
    const delay = async () => {
      if (exchange.rank === 1)
        await done; // rank 0 does all the steps but one
      else if (++own === 15) go();
    };
    const lines: StepMetrics[] = [];
    const o = { total: 16, logEvery: 1, asks: () => false, onMetrics: (line: StepMetrics) => void lines.push(line), delay };
    const { fitted } = await start(trainer, exchange, distribution('hogwild', {}), o);
    await fitted.step(false);
    lines.push(...(await fitted.settle()));
    trainer.destroy();
    return lines.map(line => line.step);
  });
  assert.is(steps!.at(-1), 16);
  assert.equal(steps, [...new Set(steps)]);
});

test('a rank of easgd goes on from its own weights, and with its next pull when it is due', async () => {
  const own = await asRanks(2, async exchange => {
    const trainer = await trainerOf({ exchange, rule: 'sgd:lr=0' });
    const o = { total: 16, logEvery: 4, asks: () => false, onMetrics: () => undefined };
    const { fitted, kept } = await start(trainer, exchange, distribution('easgd', { every: 40 }), o);
    const before = await kept.ownState();
    assert.equal(before.since, Float32Array.of(0));
    const x = Float32Array.from(random(before.x!.length, 7 + exchange.rank));
    const refused = await refusal(() => kept.loadOwn({}));
    assert.match(refused, 'easgd: the state of this rank is not of this net; go on from files of one run');
    await kept.loadOwn({ x, since: Float32Array.of(3) });
    await fitted.step(false);
    const after = await kept.ownState();
    trainer.destroy();
    assert.equal(Float32Array.from(after.x!), x);
    return after.since![0]!;
  });
  assert.is(own[0]! + own[1]!, 2 * 3 + 16);
});

/** A vector in place of the device's. */
function vector(values: ArrayLike<number>): OnDevice & { readonly values: Float32Array } {
  const held = Float32Array.from(values);
  return {
    length: held.length,
    values: held,
    read: async x => x.set(held),
    write: x => held.set(x),
  };
}

/** Ranks of a method on vectors of 5 values; the gradient of each is a function of its weights and of how often it was asked. */
async function scripted(size: number, make: (rank: Rank) => Promise<Method>, first: ArrayLike<number>) {
  return Promise.all(
    together(size).map(async exchange => {
      const weights = vector(first);
      const gradients = vector(first);
      const stale: number[] = [];
      const method = await make({ exchange, weights, gradients, rate: () => 0.3, stale: n => stale.push(n) });
      return { method, weights, gradients, stale };
    }),
  );
}

test('delay-tolerant training is AdaptiveRevision, line by line, with gradients that come late', async () => {
  const n = 5;
  const first = random(n, 7);
  const gradient = (x: ArrayLike<number>, k: number) => Float64Array.from(x, (v, i) => v - Math.sin(3 * k + i));
  // who reads (lower case) and who writes (upper case): c's gradient is the oldest of all
  const script = 'aAbBcabABabABaCAbcBC';
  const ranks = await scripted(3, delayTolerant, first);

  /** Algorithm 2 of the paper, for each coordinate, on float64. */
  const x = Float64Array.from(first);
  const sum = new Float64Array(n);
  const z = new Float64Array(n);
  const largest = new Float64Array(n);
  const read = ranks.map(() => ({ x: new Float64Array(n), sum: new Float64Array(n) }));
  for (const [k, letter] of [...script].entries()) {
    const r = 'abc'.indexOf(letter.toLowerCase());
    const rank = ranks[r]!;
    if (letter === letter.toLowerCase()) {
      await rank.method.before!();
      read[r] = { x: x.slice(), sum: sum.slice() };
      close(`weights that ${letter} reads`, rank.weights.values, x, 1e-6);
      continue;
    }
    const g = gradient(read[r]!.x, k);
    rank.gradients.write(Float32Array.from(gradient(rank.weights.values, k)));
    await rank.method.after();
    for (let i = 0; i < n; i++) {
      const back = sum[i]! - read[r]!.sum[i]!;
      const before = 0.3 / Math.sqrt(BETA + largest[i]!);
      z[i]! += g[i]! * g[i]! + 2 * g[i]! * back;
      largest[i] = Math.max(largest[i]!, z[i]!);
      const after = 0.3 / Math.sqrt(BETA + largest[i]!);
      x[i]! += -after * g[i]! + (before - after) * back;
      sum[i]! += g[i]!;
    }
  }
  await ranks[0]!.method.show();
  close('weights', ranks[0]!.weights.values, x, 1e-6);
  assert.equal(ranks[2]!.stale, [4, 1]);
});

test('an elastic exchange keeps the sum of a rank’s weights and the centre', async () => {
  const first = random(5, 3);
  const [a, b] = await scripted(2, rank => easgd(rank, { every: 1, alpha: 0.9 }), first);
  const moved = Float32Array.from(first, (v, i) => v + 0.25 * (i + 1));
  a!.weights.write(moved);
  await a!.method.after();
  await a!.method.before!();
  await b!.method.show();
  const sum = a!.weights.values.map((v, i) => v + b!.weights.values[i]!);
  close(
    'x + c',
    sum,
    moved.map((v, i) => v + first[i]!),
    1e-7,
  );
  const e = moved.map((v, i) => 0.45 * (v - first[i]!));
  close(
    'x',
    a!.weights.values,
    moved.map((v, i) => v - e[i]!),
    1e-7,
  );
});

test('where a rank is lost as all meet, rank 0 stands a step before the meeting, after an epoch or so many steps', async () => {
  const lost = new Error('a rank is lost');
  const exchange: Exchange = { ...alone(), mean: () => Promise.reject(lost) };
  const stands = async (meetEvery?: number) => {
    const trainer = await trainerOf({ exchange });
    const o = { total: 2 * trainer.stepsPerEpoch, logEvery: 4, asks: () => false, onMetrics: () => undefined, meetEvery };
    const { fitted, abandon } = await start(trainer, exchange, distribution('easgd', {}), o);
    assert.is(await fitted.step(false).catch((error: unknown) => error), lost);
    await abandon!();
    const { steps } = trainer;
    trainer.destroy();
    return steps;
  };
  assert.equal([await stands(), await stands(5)], [15, 4]);
});

test('the difference of two weights, added to the one, gives the other to the bit', () => {
  const from = Float32Array.from(random(20_000, 5));
  const scale = random(20_000, 6);
  const to = from.map((v, i) => Math.fround(v - Math.fround(scale[i]! * 10 ** (8 * scale[(i + 1) % 20_000]!))));
  const d = new Float32Array(from.length);
  addDifference(d, to, from);
  const wrong = to.findIndex((v, i) => Math.fround(from[i]! + d[i]!) !== v);
  assert.is(wrong, -1, `${from[wrong]} + ${d[wrong]} is not ${to[wrong]}`);
});

test('a rate for a batch of 64 rises to that of a batch of 256 in equal steps', () => {
  const { at } = scaledRates(undefined, 0.1, 4, 3);
  close(
    'rates',
    [0, 1, 2, 3, 9].map(t => at(t).lr),
    [0.1, 0.2, 0.3, 0.4, 0.4],
    1e-9,
  );
});

test("a momentum of nesterov is a share of 1, as optimizers' is", async () => {
  assert.is(
    await refusal(() => distribution('local', { outer: 'nesterov', outer_momentum: 7 })),
    'distribute local: outer_momentum is 7; give a number of at least 0 and below 1',
  );
});

test.run();
