import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Graph } from '../../engine/graph.ts';
import type { Param } from '../../engine/tensor.ts';
import { Memory } from '../../engine/memory.ts';
import { Program } from '../../engine/program.ts';
import { Flat } from '../../optim/flat.ts';
import { cubicMinimum, strongWolfe, type Point } from '../../optim/line-search.ts';
import { Minimiser } from '../../optim/minimiser.ts';
import { bfgs, lbfgs, type QuasiNewton, quasiNewton, quasiNewtonMethods } from '../../optim/quasi-newton.ts';
import { flatMap } from '../../shaders/update/flat.ts';
import { close, deviceFor, dot, random, WAYS, type Way } from '../support/check.ts';
import { lbfgsDirection, rosenbrock, strongWolfe as holds } from '../reference/second-order.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('L-BFGS and BFGS');

type Objective = (x: Float64Array) => { f: number; g: ArrayLike<number> };

/** A function on the host of two parameters on the device, 3 values short of `n` and 3. */
async function problem(start: ArrayLike<number>, objective: Objective, way: Way = 'own') {
  const device = await deviceFor(way);
  const memory = new Memory(device);
  const g = new Graph({ training: true, profile: device.profile });
  const n = start.length;
  const params: Param[] = [
    g.param('a', [n - 1], () => Float32Array.from(start).subarray(0, n - 1)),
    g.param('b', [1], () => Float32Array.of(start[n - 1]!)),
  ];
  memory.reserve(g);
  g.run(flatMap, { n: 4, f: 'y' }, { y: g.persistent('state', 'nothing', [4]) });
  const program = await Program.compile(memory, g);
  const flat = new Flat(memory);
  const read = async () => Float64Array.from((await Promise.all(params.map(p => memory.read(p.value)))).flatMap(v => [...v]));
  return {
    memory,
    flat,
    read,
    async evaluate() {
      const { f, g } = objective(await read());
      params.forEach((p, i) => memory.write(p.grad, Float32Array.from(Array.from(g).slice(i * (n - 1), i * (n - 1) + p.value.size))));
      return f;
    },
    destroy() {
      flat.destroy();
      program.destroy();
      memory.destroy();
    },
  };
}

async function minimise(method: QuasiNewton, start: ArrayLike<number>, objective: Objective, steps: number) {
  const p = await problem(start, objective);
  const m = new Minimiser(method, p.flat, start.length);
  let done = 0;
  for (; done < steps; done++) if (!(await m.step(p.evaluate)).moved) break;
  const x = await p.read();
  p.destroy();
  return { x, f: objective(x).f, done };
}

test('reductions and combinations of flat vectors, in every variant', async () => {
  for (const way of WAYS) {
    const p = await problem(random(3000, 4), () => ({ f: 0, g: random(3000, 5) }), way);
    const { flat } = p;
    const w = random(3000, 4);
    const g = random(3000, 5);
    await p.evaluate();
    const [sum, largest, product] = await flat.reduce(
      { f: 'abs(a)', a: flat.g },
      { f: 'abs(a)', a: flat.g, max: true },
      { f: 'a * b', a: flat.w, b: flat.g },
    );
    close(way, [sum!, largest!, product!], [g.reduce((a, v) => a + Math.abs(v), 0), Math.max(...g.map(Math.abs)), dot(w, g)], 1e-6);
    await flat.map(flat.w, '2.0 * y + op.alpha * a', { a: flat.g, alpha: 0.5 });
    close(
      way,
      await p.read(),
      w.map((v, i) => 2 * v + 0.5 * g[i]!),
      1e-6,
    );
    const z = flat.vector('z');
    await flat.signs(z, 1, 2);
    const signs = await flat.read(z);
    assert.ok(signs.every(v => Math.abs(v) === 1) && Math.abs(signs.reduce((a, b) => a + b)) < 200, 'signs');
    p.destroy();
  }
});

for (const name of ['lbfgs', 'bfgs'] as const) {
  for (const start of [
    [-1.2, 1],
    [-1.2, 1, 0.5, -0.7, 2, 1.5],
  ]) {
    test(`${name} finds the minimum of Rosenbrock's function in ${start.length} dimensions to 1e-6`, async () => {
      const { x, f } = await minimise(quasiNewton(quasiNewtonMethods[name]!), start, rosenbrock, 150);
      assert.ok(f < 1e-6, `value ${f} at ${[...x].join(', ')}`);
      close(
        'minimum',
        x,
        x.map(() => 1),
        1e-3,
      );
    });
  }
}

test('logistic regression on all data: the gradient vanishes, and both methods agree', async () => {
  const n = 200;
  const k = 8;
  const data = random(n * k, 7);
  const truth = random(k, 8);
  const noise = random(n, 9);
  const labels = Array.from({ length: n }, (_, i) => (dot(data.subarray(i * k, i * k + k), truth) + noise[i]! > 0 ? 1 : 0));
  const objective: Objective = w => {
    const g = Float64Array.from(w, v => 0.01 * v);
    let f = 0.005 * dot(w, w);
    for (let i = 0; i < n; i++) {
      const row = data.subarray(i * k, i * k + k);
      const z = dot(row, w);
      const p = 1 / (1 + Math.exp(-z));
      f -= (labels[i] ? Math.log(p) : Math.log(1 - p)) / n;
      for (let j = 0; j < k; j++) g[j]! += ((p - labels[i]!) * row[j]!) / n;
    }
    return { f, g };
  };
  const [a, b] = [
    await minimise(quasiNewton(lbfgs), new Float64Array(k), objective, 60),
    await minimise(quasiNewton(bfgs), new Float64Array(k), objective, 60),
  ];
  for (const { x } of [a, b]) {
    assert.ok(Math.max(...Array.from(objective(x).g, Math.abs)) < 1e-5, `gradient ${Array.from(objective(x).g).join(', ')}`);
  }
  close('weights', a.x, b.x, 1e-3);
});

test('the direction is the two-loop recursion', async () => {
  const n = 12;
  const curvature = random(n, 3).map(v => 2 + v);
  const start = random(n, 4);
  const objective: Objective = x => ({
    f:
      dot(
        x.map((v, i) => v * curvature[i]!),
        x,
      ) / 2,
    g: x.map((v, i) => v * curvature[i]!),
  });
  const p = await problem(start, objective);
  const m = new Minimiser(quasiNewton(lbfgs, { history: 2 }), p.flat, n);
  const at: Float64Array[] = [];
  for (let t = 0; t < 5; t++) {
    at.push(await p.read());
    await m.step(p.evaluate);
  }
  const moved = (await p.read()).map((v, i) => v - at[4]![i]!);
  const g = at.map(x => Float64Array.from(objective(x).g));
  const pairs = [2, 3].map(i => ({ s: at[i + 1]!.map((v, j) => v - at[i]![j]!), y: g[i + 1]!.map((v, j) => v - g[i]![j]!) }));
  const want = lbfgsDirection(g[4]!, pairs);
  const along = dot(moved, want) / Math.sqrt(dot(moved, moved) * dot(want, want));
  assert.ok(along > 0.9999, `cosine ${along}`);
  p.destroy();
});

test('the line search meets the strong Wolfe conditions', async () => {
  const lines: readonly [f: (t: number) => number, df: (t: number) => number][] = [
    [t => (t - 3) ** 2, t => 2 * (t - 3)],
    [t => -t / (t * t + 2), t => (t * t - 2) / (t * t + 2) ** 2],
    [t => Math.exp(t) - 3 * t, t => Math.exp(t) - 3],
    [t => (t + 0.004) ** 5 - 2 * (t + 0.004) ** 4, t => 5 * (t + 0.004) ** 4 - 8 * (t + 0.004) ** 3],
  ];
  for (const [f, df] of lines) {
    for (const first of [1e-3, 0.1, 1, 10]) {
      const p: Point = await strongWolfe({ t: 0, f: f(0), slope: df(0) }, first, async t => ({ t, f: f(t), slope: df(t) }), {
        shortest: 1e-9,
      });
      assert.ok(holds(p.t, f(0), df(0), p.f, p.slope), `from ${first}: step ${p.t}`);
    }
  }
  assert.ok(Math.abs(cubicMinimum({ t: 0, f: 1, slope: -2 }, { t: 3, f: 4, slope: 4 }) - 1) < 1e-12); // (t - 1)^2
});

test('says what is wrong', async () => {
  assert.match(
    await refusal(() => quasiNewton(lbfgs, { histroy: 5 })),
    /unknown hyper-parameter of lbfgs 'histroy'; did you mean 'history'\?/,
  );
  assert.match(await refusal(() => quasiNewton('lbfgs' as never)), /^quasiNewton: 'lbfgs' is no method; give one of quasiNewtonMethods/);
  const p = await problem([1, 2], rosenbrock);
  assert.match(
    await refusal(() => new Minimiser(quasiNewton(bfgs), p.flat, 61706)),
    /^bfgs: the model has 61706 parameters.*; take lbfgs, or a model of at most 4000$/,
  );
  p.destroy();
});

test.run();
