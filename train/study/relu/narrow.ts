/**
 * Narrow ReLU nets of one input and one output, trained by the host in float64: hundreds of nets of two units a layer are faster there
 * than as as many groups of a graph on a software adapter, whose every dispatch has hardly any work.
 */
import { range } from '../../../shaders/kernel/wgsl.ts';
import { biasScheme, initializer } from '../../../layers/init.ts';
import { STREAMS, uniforms } from '../../../shaders/kernel/random.ts';
import { breaks, type Lab } from '../experiment.ts';

export interface Training {
  /** Units of each hidden layer, and layers in all. */
  readonly width: number;
  readonly layers: number;
  /** A scheme of layers/init.ts; biases begin at 0 where it has none of its own. */
  readonly scheme: string;
  readonly loss: 'mse' | 'mae';
  readonly f: (x: number) => number;
  /** Inputs to learn from, of which each step draws `batchSize`. */
  readonly points: Float64Array;
  readonly batchSize: number;
  readonly steps: number;
  readonly lr: number;
  readonly seed: number;
  /** Inputs at which the net is looked at, before training and after. */
  readonly grid: Float64Array;
}

/** Parameters of a layer [o, i], their gradients, and the averages of Adam, each weights first, then biases. */
interface Layer {
  readonly o: number;
  readonly i: number;
  readonly values: Float64Array;
  readonly grads: Float64Array;
  readonly m: Float64Array;
  readonly v: Float64Array;
}

/** The outputs of a net on the grid before it is trained and after, by Adam as torch.optim.Adam. Throws where the user asks to stop. */
export async function trainNarrow(lab: Lab, o: Training): Promise<{ before: Float64Array; after: Float64Array }> {
  const pause = breaks(lab);
  const net = drawn(o);
  const look = () => forward(net, activationsFor(net, o.grid.length), o.grid).slice();
  const before = look();
  const random = uniforms(o.seed, STREAMS.sample);
  const n = o.batchSize;
  const acts = activationsFor(net, n);
  const slopes = activationsFor(net, n);
  const x = new Float64Array(n);
  const dy = slopes.at(-1)!;
  for (let t = 1; t <= o.steps; t++) {
    await pause();
    for (let s = 0; s < n; s++) x[s] = o.points[Math.floor(random() * o.points.length)]!;
    const y = forward(net, acts, x);
    for (let s = 0; s < n; s++) {
      const error = y[s]! - o.f(x[s]!);
      dy[s] = (o.loss === 'mse' ? 2 * error : Math.sign(error)) / n;
    }
    backward(net, acts, slopes, x);
    adam(net, t, o.lr);
  }
  return { before, after: look() };
}

function drawn({ width, layers, scheme, seed }: Training): Layer[] {
  return range(layers).map(l => {
    const [i, o] = [l ? width : 1, l < layers - 1 ? width : 1];
    const weight = initializer(scheme)([o, i], `${l}.weight`, seed);
    const bias = biasScheme(scheme)?.(i)([o], `${l}.bias`, seed) ?? new Float32Array(o);
    const zeros = () => new Float64Array(o * i + o);
    return { o, i, values: Float64Array.from([...weight, ...bias]), grads: zeros(), m: zeros(), v: zeros() };
  });
}

/** Places for what each layer gives for `n` samples, [o, n]. */
const activationsFor = (net: readonly Layer[], n: number) => net.map(({ o }) => new Float64Array(o * n));

/** Fills `acts` with what the layers give, and returns the last. */
function forward(net: readonly Layer[], acts: readonly Float64Array[], x: Float64Array): Float64Array {
  const n = x.length;
  for (const [l, { o, i, values }] of net.entries()) {
    const from = l ? acts[l - 1]! : x;
    const to = acts[l]!;
    for (let u = 0; u < o; u++) {
      const bias = values[o * i + u]!;
      for (let s = 0; s < n; s++) to[u * n + s] = bias;
      for (let c = 0; c < i; c++) {
        const w = values[u * i + c]!;
        for (let s = 0; s < n; s++) to[u * n + s]! += w * from[c * n + s]!;
      }
    }
    if (l < net.length - 1) for (let k = 0; k < to.length; k++) if (to[k]! < 0) to[k] = 0;
  }
  return acts.at(-1)!;
}

/** The gradients of all layers, from those of the outputs in the last of `slopes`. */
function backward(net: readonly Layer[], acts: readonly Float64Array[], slopes: readonly Float64Array[], x: Float64Array): void {
  const n = x.length;
  for (let l = net.length - 1; l >= 0; l--) {
    const { o, i, values, grads } = net[l]!;
    const from = l ? acts[l - 1]! : x;
    const dy = slopes[l]!;
    const dx = l ? slopes[l - 1]!.fill(0) : undefined;
    for (let u = 0; u < o; u++) {
      let sum = 0;
      for (let s = 0; s < n; s++) sum += dy[u * n + s]!;
      grads[o * i + u] = sum;
      for (let c = 0; c < i; c++) {
        let along = 0;
        for (let s = 0; s < n; s++) along += dy[u * n + s]! * from[c * n + s]!;
        grads[u * i + c] = along;
        const w = values[u * i + c]!;
        if (dx) for (let s = 0; s < n; s++) dx[c * n + s]! += w * dy[u * n + s]!;
      }
    }
    if (dx) for (let k = 0; k < dx.length; k++) if (from[k] === 0) dx[k] = 0;
  }
}

function adam(net: readonly Layer[], t: number, lr: number): void {
  const [c1, c2] = [1 - 0.9 ** t, 1 - 0.999 ** t];
  for (const { values, grads, m, v } of net)
    for (let k = 0; k < values.length; k++) {
      const g = grads[k]!;
      m[k] = 0.9 * m[k]! + 0.1 * g;
      v[k] = 0.999 * v[k]! + 0.001 * g * g;
      values[k]! -= (lr * m[k]!) / c1 / (Math.sqrt(v[k]! / c2) + 1e-8);
    }
}
