/** TensorFlow.js, backend `webgpu` or `wasm`, in its core operations: variables in NHWC, `optimizer.minimize`, which tidies by itself. */
import { batch, load, problem, serve, uniform, variant } from './child.ts';
import { provideGpu } from './gpu.ts';
import { build } from './networks.ts';
import type { Tensor } from './tfjs-tensor.ts';
import { startWasm } from './tfjs-wasm.ts';

interface Variable extends Tensor {
  assign(x: Tensor): void;
}

type Layer = (x: Tensor) => Tensor;

const adapter = variant === 'webgpu' ? await provideGpu() : `${problem.threads} threads, SIMD`;
const tf = load('@tensorflow/tfjs-core');
load('@tensorflow/tfjs-core/dist/register_all_gradients.js'); // the bundle for Node has none; the registry is a global
if (variant === 'wasm') await startWasm(tf);
else {
  load('@tensorflow/tfjs-backend-webgpu');
  await tf.setBackend('webgpu');
}

const variable = (data: Float32Array, shape: number[], trainable = true): Variable => tf.variable(tf.tensor(data, shape), trainable);
const constant = (value: number, n: number, trainable = true) => variable(new Float32Array(n).fill(value), [n], trainable);

function conv(c: number, out: number, k: number, stride: number, pad: number, bias: boolean): Layer {
  const filter = variable(uniform(k * k * c * out, k * k * c), [k, k, c, out]);
  const b = bias && variable(uniform(out, k * k * c), [out]);
  return x => {
    const y: Tensor = tf.conv2d(x, filter, stride, pad);
    return b ? tf.add(y, b) : y;
  };
}

/** As in tfjs-layers: moments, the fused normalisation, and running statistics assigned in passing. */
function norm(c: number): Layer {
  const gamma = constant(1, c);
  const beta = constant(0, c);
  const statistics = [constant(0, c, false), constant(1, c, false)];
  return x => {
    const { mean, variance } = tf.moments(x, [0, 1, 2]) as { mean: Tensor; variance: Tensor };
    for (const [i, seen] of [mean, variance].entries()) {
      const running = statistics[i]!;
      running.assign(tf.sub(running, tf.mul(tf.sub(running, seen), 0.1)));
    }
    return tf.batchNorm(x, mean, variance, beta, gamma, 1e-5);
  };
}

const relu: Layer = x => tf.relu(x);
const through = (layers: readonly Layer[], x: Tensor): Tensor => layers.reduce((y, layer) => layer(y), x);

function block(c: number, out: number, stride: number): Layer {
  const body = [conv(c, out, 3, stride, 1, false), norm(out), relu, conv(out, out, 3, 1, 1, false), norm(out)];
  return x => {
    let side = stride === 1 ? x : (tf.avgPool(x, 1, stride, 'valid') as Tensor); // a strided slice has no gradient here
    if (out > c)
      side = tf.pad(side, [
        [0, 0],
        [0, 0],
        [0, 0],
        [0, out - c],
      ]);
    return tf.relu(tf.add(through(body, x), side));
  };
}

const { network, batch: n } = problem;
const [c, h, w] = network.shape;
const data = batch();
const layers = build<Layer>(network, {
  conv: (c, { out, k, stride, pad, bias }) => conv(c, out, k, stride, pad, bias),
  block: (c, { out, stride }) => block(c, out, stride),
  norm,
  relu,
  pool: x => tf.maxPool(x, 2, 2, 'valid'),
  mean: x => tf.mean(x, [1, 2]),
  dense(size, out) {
    const kernel = variable(uniform(size * out, size), [size, out]);
    const bias = variable(uniform(out, size), [out]);
    return x => tf.add(tf.matMul(tf.reshape(x, [-1, size]), kernel), bias);
  },
});

const x: Tensor = tf.tensor(data.x, [n, h, w, c]);
const target: Tensor = tf.oneHot(tf.tensor(data.labels, [n], 'int32'), 10);
const optimizer = tf.train.momentum(network.lr, 0.9);

await serve({ adapter }, async read => {
  const loss: Tensor = optimizer.minimize(() => tf.losses.softmaxCrossEntropy(target, through(layers, x)), true);
  const value = read ? (await loss.data())[0] : undefined;
  loss.dispose();
  return value;
});
