/** jax-js on WebGPU: the whole step is one jitted function. Arrays are counted: a use consumes, `ref` keeps. */
import { batch, load, problem, serve, uniform } from './child.ts';
import { provideGpu } from './gpu.ts';
import { build } from './networks.ts';

/** The part of an array (and of its tracers) that is used here. */
interface Arr {
  readonly ref: Arr;
  readonly shape: number[];
  add(x: Arr | number): Arr;
  sub(x: Arr): Arr;
  mul(x: Arr | number): Arr;
  reshape(shape: number[]): Arr;
  slice(...index: unknown[]): Arr;
  dispose(): void;
  jsAsync(): Promise<number>;
}

const adapter = await provideGpu();
const { init, defaultDevice, jit, valueAndGrad, tree, numpy: np, nn, lax } = load('@jax-js/jax');
await init('webgpu');
defaultDevice('webgpu');

const params: Arr[] = [];
const running: Arr[] = [];
const array = (data: Float32Array | Int32Array, shape: readonly number[]): Arr => np.array(data, { shape });
const constant = (value: number, shape: number[]) => array(new Float32Array(shape.reduce((a, b) => a * b)).fill(value), shape);

/** One training pass's view of the parameters and running statistics, taken in order. */
interface Pass {
  param(): Arr;
  running(): Arr;
  keep(statistic: Arr): void;
}

type Layer = (x: Arr, pass: Pass) => Arr;

function conv(c: number, out: number, k: number, stride: number, pad: number, bias: boolean): Layer {
  params.push(array(uniform(out * c * k * k, c * k * k), [out, c, k, k]));
  if (bias) params.push(array(uniform(out, c * k * k), [out, 1, 1]));
  const strides = [stride, stride];
  const padding = [
    [pad, pad],
    [pad, pad],
  ];
  return (x, pass) => {
    const y: Arr = lax.convGeneralDilated(x, pass.param(), strides, padding);
    return bias ? y.add(pass.param()) : y;
  };
}

function norm(c: number): Layer {
  params.push(constant(1, [c, 1, 1]), constant(0, [c, 1, 1]));
  running.push(constant(0, [1, c, 1, 1]), constant(1, [1, c, 1, 1]));
  const mean = (x: Arr): Arr => np.mean(x, [0, 2, 3], { keepdims: true });
  return (x, pass) => {
    const m = mean(x.ref);
    const d = x.sub(m.ref);
    const v = mean(np.square(d.ref));
    for (const s of [m, v.ref]) pass.keep(pass.running().mul(0.9).add(lax.stopGradient(s).mul(0.1)));
    const normalised = d.mul(np.reciprocal(np.sqrt(v.add(1e-5))));
    return normalised.mul(pass.param()).add(pass.param());
  };
}

const relu: Layer = x => nn.relu(x);
const pool: Layer = x => lax.reduceWindow(x, np.max, [2, 2], [2, 2]);

function block(c: number, out: number, stride: number): Layer {
  const body = [conv(c, out, 3, stride, 1, false), norm(out), relu, conv(out, out, 3, 1, 1, false), norm(out)];
  return (x, pass) => {
    let side = x.ref;
    if (stride === 2) {
      const [n, , h, w] = x.shape as [number, number, number, number];
      side = side.reshape([n, c, h / 2, 2, w / 2, 2]).slice([], [], [], 0, [], 0);
    }
    if (out > c)
      side = np.pad(side, [
        [0, 0],
        [0, out - c],
        [0, 0],
        [0, 0],
      ]);
    return nn.relu(body.reduce((y, layer) => layer(y, pass), x).add(side));
  };
}

const { network, batch: n } = problem;
const layers = build<Layer>(network, {
  conv: (c, { out, k, stride, pad, bias }) => conv(c, out, k, stride, pad, bias),
  block: (c, { out, stride }) => block(c, out, stride),
  norm,
  relu,
  pool,
  mean: x => np.mean(x, [2, 3]),
  dense(size, out) {
    params.push(array(uniform(size * out, size), [size, out]), array(uniform(out, size), [out]));
    return (x, pass) => (np.dot(x.reshape([x.shape[0]!, size]), pass.param()) as Arr).add(pass.param());
  },
});

function loss(params: Arr[], running: Arr[], x: Arr, target: Arr): [Arr, Arr[]] {
  let p = 0;
  let r = 0;
  const kept: Arr[] = [];
  const pass: Pass = {
    param: () => params[p++]!,
    running: () => running[r++]!,
    keep: statistic => void kept.push(statistic),
  };
  const logits = layers.reduce((y, layer) => layer(y, pass), x);
  const logProbabilities: Arr = nn.logSoftmax(logits);
  const sum: Arr = np.sum(logProbabilities.mul(target));
  return [sum.mul(-1 / n), kept];
}

interface State {
  params: Arr[];
  velocity: Arr[];
  running: Arr[];
  loss: Arr;
}

type Update = (params: Arr[], velocity: Arr[], running: Arr[], x: Arr, target: Arr) => State;
type Differentiated = (params: Arr[], running: Arr[], x: Arr, target: Arr) => [[loss: Arr, kept: Arr[]], gradient: Arr[]];

const differentiate: Differentiated = valueAndGrad(loss, { hasAux: true });
const stepOf: Update = (params, velocity, running, x, target) => {
  const [[value, kept], gradient] = differentiate(tree.ref(params), running, x, target);
  const moved = velocity.map((v, i) => v.mul(0.9).add(gradient[i]!));
  const next = params.map((p, i) => p.sub(moved[i]!.ref.mul(network.lr)));
  return { params: next, velocity: moved, running: kept, loss: value };
};

const update: Update = jit(stepOf);

const data = batch();
const x = array(data.x, [n, ...network.shape]);
const target: Arr = nn.oneHot(array(data.labels, [n]), 10);
let state: Omit<State, 'loss'> = { params, velocity: params.map(p => np.zeros(p.shape)), running };

await serve({ adapter }, async read => {
  const { loss, ...next } = update(state.params, state.velocity, state.running, x.ref, target.ref);
  state = next;
  return read ? loss.jsAsync() : void loss.dispose();
});
