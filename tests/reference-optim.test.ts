import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { numericGradient } from './reference/linear.ts';
import { follow, optimizers, type Hyper } from './reference/optimizers.ts';
import * as regularise from './reference/regularise.ts';
import * as schedules from './reference/schedules.ts';
import { bfgsUpdate, lbfgsDirection, rosenbrock, strongWolfe } from './reference/second-order.ts';
import { readOptimizers, readSchedules, type Scheduled } from './vectors/read.ts';
import { vectorUniform } from './vectors/weights.ts';

function close(seen: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what = 'element'): void {
  assert.is(seen.length, expected.length, `${what}: length`);
  for (let i = 0; i < seen.length; i++) {
    const limit = tolerance * Math.max(1, Math.abs(expected[i]!));
    assert.ok(Math.abs(seen[i]! - expected[i]!) <= limit, `${what}[${i}] is ${seen[i]}, expected ${expected[i]} (tolerance ${limit})`);
  }
}

const vectors = readOptimizers();
for (const v of vectors.optimizers) {
  test(`the reference agrees with PyTorch: ${v.name} ${JSON.stringify(v.options)}`, () => {
    const { weight_decay: l2 = 0, ...rest } = v.options;
    const coupled = v.name !== 'adamw';
    const options: Hyper = { ...rest, lr: v.lr, ...(coupled ? {} : { weight_decay: l2 }) };
    const given = (t: number) => vectorUniform(`gradient/${t}`, vectors.weights);
    const gradient = (w: Float64Array, t: number) => regularise.penalise(given(t), w, { l2: coupled ? l2 : 0 });
    const path = follow(v.name, vectorUniform('weight', vectors.weights), gradient, vectors.updates, options);
    const tolerance = ['nadam', 'asgd'].includes(v.name) ? 1e-8 : 1e-10; // PyTorch keeps their mu_product and eta in float32
    for (const [t, w] of Object.entries(v.after)) close(path[Number(t) - 1]!.w, w, tolerance, `step ${t}`);
    if (v.average) {
      close(
        path.at(-1)!.slots.map(s => s.ax!),
        v.average,
        tolerance,
        'average',
      );
    }
  });
}

test('every optimizer without a PyTorch twin comes down a quadratic', () => {
  const curvature = [1, 0.5, 0.1];
  const twins = new Set(vectors.optimizers.map(v => v.name));
  const alone = Object.keys(optimizers).filter(name => !twins.has(name));
  assert.equal(alone, ['nag-c', 'nag-sc', 'quickprop', 'natural-gradient', 'newton-diagonal']);
  for (const name of alone) {
    const value = (w: Float64Array) => w.reduce((a, x, i) => a + (curvature[i]! * x * x) / 2, 0);
    const start = Float64Array.of(1, -2, 3);
    const path = follow(
      name,
      start,
      w => w.map((x, i) => curvature[i]! * x),
      200,
      {},
      () => curvature,
    );
    assert.ok(value(path.at(-1)!.w) < 0.01 * value(start), `${name}: from ${value(start)} to ${value(path.at(-1)!.w)}`);
  }
});

test('quickprop jumps to the vertex of a parabola once it has two slopes', () => {
  const path = follow('quickprop', [1], w => [2 * (w[0]! - 0.99)], 2, { lr: 1e-3, mu: 1e9 });
  close(path[1]!.w, [0.99 - 1e-3 * 2 * (path[0]!.w[0]! - 0.99)], 1e-12); // the vertex, and the gradient step that same signs add
});

const { metrics, schedules: scheduled } = readSchedules();
const cycle = (t: number, o: Record<string, number>, shape: unknown) =>
  schedules.oneCycle(t, {
    max: o.max_lr!,
    total: o.total_steps!,
    share: o.pct_start!,
    div: o.div_factor!,
    final: o.final_div_factor!,
    shape: shape as 'cos' | 'linear',
  });
/** The closed form of each PyTorch scheduler. `o` holds its numbers, `all` also what is none. */
const forms: Record<string, (t: number, lr: number, o: Record<string, number>, all: Scheduled['options']) => number> = {
  StepLR: (t, lr, o) => schedules.step(t, { lr, size: o.step_size!, gamma: o.gamma! }),
  MultiStepLR: (t, lr, o, all) => schedules.multiStep(t, { lr, milestones: all.milestones as number[], gamma: o.gamma! }),
  ExponentialLR: (t, lr, o) => schedules.exponential(t, { lr, k: -Math.log(o.gamma!) }),
  CosineAnnealingLR: (t, lr, o) => schedules.cosine(t, { lr, total: o.T_max!, min: o.eta_min! }),
  CosineAnnealingWarmRestarts: (t, lr, o) => schedules.warmRestarts(t, { lr, t0: o.T_0!, mult: o.T_mult!, min: o.eta_min! }),
  CyclicLR: (t, _, o, all) => {
    const { base_lr: lr = 0, max_lr: max = 0, step_size_up: half = 0, gamma = 1 } = o;
    return schedules.cyclical(t, { lr, max, half, gamma }, all.mode as 'triangular');
  },
  OneCycleLR: (t, _, o, all) => cycle(t, o, all.anneal_strategy).lr,
  LinearLR: (t, lr, o) => schedules.linear(t, { lr: lr * o.start_factor!, end: lr * o.end_factor!, tau: o.total_iters! }),
  PolynomialLR: (t, lr, o) => schedules.polynomial(t, { lr, total: o.total_iters!, power: o.power! }),
};
for (const { name, lr, options, lrs, momenta } of scheduled) {
  test(`agrees with PyTorch: ${name} ${JSON.stringify(options)}`, () => {
    const o = Object.fromEntries(Object.entries(options).filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
    const { factor = 0, patience = 0, threshold = 0, cooldown = 0, min_lr: min = 0 } = o;
    const plateau = () => schedules.plateau(metrics, { lr, factor, patience, threshold, cooldown, min });
    close(name === 'ReduceLROnPlateau' ? plateau() : lrs.map((_, t) => forms[name]!(t, lr, o, options)), lrs, 1e-12);
    if (momenta) {
      close(
        lrs.map((_, t) => cycle(t, o, options.anneal_strategy).momentum),
        momenta,
        1e-12,
        'momentum',
      );
    }
  });
}

test('L-BFGS with all pairs is BFGS, and the update satisfies the secant equation', () => {
  const s = [0.3, -0.2, 0.5];
  const y = [0.4, -0.1, 0.9];
  const identity = [1, 0, 0, 0, 1, 0, 0, 0, 1];
  const h = bfgsUpdate(identity, s, y);
  close(
    [0, 1, 2].map(i => [0, 1, 2].reduce((a, j) => a + h[3 * i + j]! * y[j]!, 0)),
    s,
    1e-12,
  );
  const gamma = (0.12 + 0.02 + 0.45) / (0.16 + 0.01 + 0.81);
  const g = [1, 2, -1];
  const scaled = bfgsUpdate(
    identity.map(v => gamma * v),
    s,
    y,
  );
  close(
    lbfgsDirection(g, [{ s, y }]),
    [0, 1, 2].map(i => -[0, 1, 2].reduce((a, j) => a + scaled[3 * i + j]! * g[j]!, 0)),
    1e-12,
  );
  assert.ok(strongWolfe(1, 1, -1, 0.5, 0));
  assert.not(strongWolfe(1, 1, -1, 0.99995, 0));
  assert.not(strongWolfe(1, 1, -1, 0.5, -0.95));
});

test("Rosenbrock's gradient", () =>
  close(
    rosenbrock([-1.2, 1, 0.7]).g,
    numericGradient(x => rosenbrock(x).f, [-1.2, 1, 0.7]),
    1e-6,
  ));

test('clipping, penalties, averages', () => {
  close(regularise.clipNorm([3, 4], 1), [0.6, 0.8], 1e-6);
  close(regularise.clipNorm([3, 4], 10), [3, 4], 0);
  close(regularise.clipValue([3, -4], 2), [2, -2], 0);
  close(regularise.penalise([0, 0], [2, -3], { l1: 0.1, l2: 0.01 }), [0.12, -0.13], 1e-12);
  close(regularise.maxNorm([3, 4, 0.3, 0.4], 2, 1), [0.6, 0.8, 0.3, 0.4], 1e-12);
  const { mean, variance, deviations } = regularise.swag([[1], [3], [8]], 2);
  close(mean, [4], 1e-12);
  close(variance, [26 / 3], 1e-12);
  close(
    deviations.map(d => d[0]!),
    [1, 4],
    1e-12,
  );
});

test.run();
