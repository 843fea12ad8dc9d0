import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { momentum, sgd } from '../../optim/first-order.ts';
import { optimizer } from '../../optim/optimizer.ts';
import { schedule, schedules } from '../../optim/schedules.ts';
import { lenetTrainer } from '../support/lenet-run.ts';
import * as reference from '../reference/schedules.ts';
import { refusal } from '../support/refusal.ts';
import { readSchedules } from '../vectors/read.ts';

const test = suite('schedules');
const same = (what: string, seen: readonly number[], want: readonly number[]) =>
  seen.forEach((v, t) =>
    assert.ok(Math.abs(v - want[t]!) <= 1e-12 * Math.max(1, Math.abs(want[t]!)), `${what}: at ${t} ${v}, expected ${want[t]}`),
  );
const steps = (n: number) => [...Array(n).keys()];

type Form = (t: number) => number;
const lr = 0.1;
const total = 60;
/** Each schedule with the closed form that it must equal. */
const forms: Readonly<Record<string, [options: Record<string, number | string>, form: Form]>> = {
  constant: [{}, t => reference.constant(t, { lr })],
  step: [{ step_size: 7, gamma: 0.5 }, t => reference.step(t, { lr, size: 7, gamma: 0.5 })],
  multistep: [{ milestones: '20/50/51', gamma: 0.5 }, t => reference.multiStep(t, { lr, milestones: [20, 50, 51], gamma: 0.5 })],
  'batch-growth': [{ milestones: '20/50', times: 2, most: 2 }, t => reference.multiStep(t, { lr, milestones: [50], gamma: 0.5 })],
  exponential: [{ k: 0.05 }, t => reference.exponential(t, { lr, k: 0.05 })],
  'inverse-time': [{}, t => reference.inverseTime(t, { lr })],
  quadratic: [{}, t => reference.quadratic(t, { lr })],
  linear: [{ end: 0.01, tau: 40 }, t => reference.linear(t, { lr, end: 0.01, tau: 40 })],
  polynomial: [{ power: 2 }, t => reference.polynomial(t, { lr, total, power: 2 })],
  power: [{ a: 0.5, b: 0.1 }, t => reference.power(t, { lr, a: 0.5, b: 0.1 })],
  cosine: [{ eta_min: 0.01 }, t => reference.cosine(t, { lr, total, min: 0.01 })],
  sgdr: [{ T_0: 8, T_mult: 2, eta_min: 0.001 }, t => reference.warmRestarts(t, { lr, t0: 8, mult: 2, min: 0.001 })],
  triangular: [{ max_lr: 1, step_size_up: 7 }, t => reference.cyclical(t, { lr, max: 1, half: 7 }, 'triangular')],
  triangular2: [{ max_lr: 1, step_size_up: 7 }, t => reference.cyclical(t, { lr, max: 1, half: 7 }, 'triangular2')],
  'exp-range': [{ max_lr: 1, step_size_up: 7, gamma: 0.98 }, t => reference.cyclical(t, { lr, max: 1, half: 7, gamma: 0.98 }, 'exp_range')],
  onecycle: [{ max_lr: 0.4 }, t => reference.oneCycle(t, { max: 0.4, total }).lr],
  plateau: [{}, () => lr],
};
test('every schedule equals its closed form, also behind a warm-up', () => {
  assert.equal(Object.keys(forms), Object.keys(schedules));
  for (const [name, [options, form]] of Object.entries(forms)) {
    same(
      name,
      steps(total).map(t => schedule(name, options, { lr, total }).at(t).lr),
      steps(total).map(form),
    );
    const warm = schedule(name, { ...options, warmup: 12, warmup_from: 0.1 }, { lr, total: total + 12 });
    same(
      `${name} behind a warm-up`,
      steps(total + 12).map(t => warm.at(t).lr),
      steps(total + 12).map(t => reference.warmup(t, { steps: 12, lr: form(0), from: 0.1 }, form)),
    );
  }
});

test('a batch grows at each milestone up to its limit, also behind a warm-up', () => {
  const sizes = (options: object) => {
    const s = schedule('batch-growth', { milestones: '3/5/7', times: 2, ...options }, { lr, total: 12 });
    assert.ok(s.grows);
    return steps(9).map(t => s.at(t).batches);
  };
  assert.equal(sizes({}), [1, 1, 1, 2, 2, 4, 4, 8, 8]);
  assert.equal(sizes({ most: 4 }), [1, 1, 1, 2, 2, 4, 4, 4, 4]);
  assert.equal(sizes({ warmup: 2 }), [1, 1, 1, 1, 1, 2, 2, 4, 4]);
  assert.not(schedule('multistep', { milestones: '3' }, { lr, total: 12 }).grows);
});

const vectors = readSchedules();
/** PyTorch's schedulers under our names: schedule, options, and the rate where it is none of the optimizer's. */
const twins: Readonly<Record<string, (o: any, lr: number) => [name: string, options: Record<string, unknown>, lr?: number]>> = {
  StepLR: o => ['step', o],
  MultiStepLR: o => ['multistep', { ...o, milestones: o.milestones.join('/') }],
  ExponentialLR: o => ['exponential', { k: -Math.log(o.gamma) }],
  CosineAnnealingLR: o => ['cosine', o],
  CosineAnnealingWarmRestarts: o => ['sgdr', o],
  CyclicLR: ({ base_lr, mode, ...o }) => [mode.replace('_', '-'), o, base_lr],
  OneCycleLR: ({ total_steps, anneal_strategy, ...o }) => ['onecycle', { ...o, anneal: anneal_strategy }],
  LinearLR: (o, lr) => ['linear', { end: lr * o.end_factor, tau: o.total_iters }, lr * o.start_factor],
  PolynomialLR: o => ['polynomial', o],
};
for (const v of vectors.schedules) {
  if (v.name !== 'ReduceLROnPlateau') {
    test(`as PyTorch's ${v.name} ${JSON.stringify(v.options)}`, () => {
      const [name, options, start = v.lr] = twins[v.name]!(v.options, v.lr);
      const made = schedule(name, options, { lr: start, total: 100 });
      same(
        'rate',
        v.lrs.map((_, t) => made.at(t).lr),
        v.lrs,
      );
      if (v.momenta) {
        same(
          'momentum',
          v.momenta.map((_, t) => made.at(t).momentum!),
          v.momenta,
        );
      }
    });
  }
}
for (const v of vectors.schedules) {
  if (v.name === 'ReduceLROnPlateau') {
    test(`as PyTorch's ${v.name} ${JSON.stringify(v.options)}`, () => {
      const made = schedule('plateau', v.options, { lr: v.lr, total: 100 });
      same(
        'rate',
        vectors.metrics.map((metric, t) => {
          made.observe!(metric);
          return made.at(t).lr;
        }),
        v.lrs,
      );
    });
  }
}

test('the rate and the momentum of each step reach the device', async () => {
  const cycle = schedule('onecycle', { max_lr: 0.2 }, { lr: 0.1, total: 6 });
  const trainer = await lenetTrainer({ batchSize: 16, optimizer: optimizer(momentum), schedule: cycle });
  const { value, grad } = [...trainer.graph.params.values()][0]!;
  let before = await trainer.program.read(value);
  let v = new Float64Array(value.size);
  for (let t = 0; t < 6; t++) {
    await trainer.step();
    const after = await trainer.program.read(value);
    const g = await trainer.program.read(grad);
    const rates = cycle.at(t);
    v = v.map((x, i) => rates.momentum! * x + g[i]!);
    for (let i = 0; i < v.length; i++) {
      assert.ok(
        Math.abs(before[i]! - rates.lr * v[i]! - after[i]!) <= 1e-6,
        `step ${t + 1}: weight ${i} went from ${before[i]} to ${after[i]}, expected ${before[i]! - rates.lr * v[i]!}`,
      );
    }
    before = after;
  }
  trainer.destroy();
});

test('one cycle whose rise is over with the first update begins at its largest rate', () => {
  for (const [pct_start, total] of [
    [0.1, 10],
    [0.25, 4],
    [0.5, 2],
  ] as const) {
    const cycle = schedule('onecycle', { max_lr: 0.4, pct_start }, { lr, total });
    assert.equal(cycle.at(0), { lr: 0.4, momentum: 0.85 });
    assert.ok(Math.abs(cycle.at(total - 1).lr - 0.4 / 25e4) < 1e-15);
  }
});

test('a plateau lowers the rate of the steps that follow', async () => {
  const made = schedule('plateau', { factor: 0.5, patience: 1 }, { lr: 0.1, total: 9 });
  const trainer = await lenetTrainer({ batchSize: 16, optimizer: optimizer(sgd), schedule: made });
  const rates: number[] = [];
  for (const loss of [1, 1, 1, 1, 1]) {
    await trainer.step(true);
    rates.push((await trainer.settle())[0]!.lr);
    made.observe!(loss);
  }
  assert.equal(rates, [0.1, 0.1, 0.1, 0.05, 0.05]);
  trainer.destroy();
});

test('says what is wrong', async () => {
  const message = (name: string, options: Record<string, unknown>) => refusal(() => schedule(name, options, { lr: 0.1, total: 100 }));
  assert.match(await message(undefined as unknown as string, {}), /^unknown schedule 'undefined'; known: /);
  assert.match(await message('cosin', {}), /unknown schedule 'cosin'; did you mean 'cosine'\?/);
  assert.match(await message('cosine', { warmpu: 5 }), /unknown option of schedule cosine 'warmpu'; did you mean 'warmup'\?/);
  assert.is(
    await message('cosine', { warmup: 100 }),
    'schedule cosine: a warm-up of 100 updates leaves nothing of a run of 100; give a warmup below 100, or more epochs or steps',
  );
  assert.is(await message('step', {}), 'schedule step: step_size is missing; write step:step_size=500');
  assert.is(await message('plateau', { factor: 2 }), 'schedule plateau: factor is 2; give a number above 0 and below 1');
  for (const key of ['base_momentum', 'max_momentum']) {
    assert.is(await message('onecycle', { [key]: 7 }), `schedule onecycle: ${key} is 7; give a number of at least 0 and below 1`);
  }
  assert.is(await message('cosine', { eta_min: 'low' }), "schedule cosine: eta_min is 'low'; give a number of at least 0");
});

test.run();
