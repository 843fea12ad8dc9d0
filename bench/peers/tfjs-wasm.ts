/** TensorFlow.js's wasm backend at its best: SIMD, threads (which it refuses to use in Node by itself), and the kernel it lacks. */
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { load, problem } from './child.ts';
import type { Tensor } from './tfjs-tensor.ts';

interface ConvInfo {
  strideHeight: number;
  strideWidth: number;
  padInfo: { top: number; bottom: number; left: number; right: number };
}

interface ConvAttributes {
  strides: number | number[];
  pad: unknown;
  dimRoundingMode: unknown;
  filterShape: [kh: number, kw: number, c: number, out: number];
}

/**
 * The gradient of the filter as a convolution: batch and channels change places in `x`, `dy` is the filter, and the stride its dilation.
 * What the stride left over at the edge is cut off.
 */
function filterGradient(tf: any, x: Tensor, dy: Tensor, attrs: ConvAttributes): Tensor {
  const { strides, pad, dimRoundingMode, filterShape } = attrs;
  const [kh, kw, c, out] = filterShape;
  const info: ConvInfo = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad, dimRoundingMode);
  const { strideHeight, strideWidth, padInfo: p } = info;
  const padding = [
    [0, 0],
    [p.top, p.bottom],
    [p.left, p.right],
    [0, 0],
  ];
  const input = tf.transpose(x, [3, 1, 2, 0]);
  const filter = tf.transpose(dy, [1, 2, 0, 3]);
  const y: Tensor = tf.conv2d(input, filter, 1, padding, 'NHWC', [strideHeight, strideWidth]);
  return tf.transpose(tf.slice(y, [0, 0, 0, 0], [c, kh, kw, out]), [1, 2, 0, 3]);
}

export async function startWasm(tf: any): Promise<void> {
  const wasm = load('@tensorflow/tfjs-backend-wasm');
  // Its threads start from a blob, which Node's Worker cannot: see tfjs-thread.cjs.
  URL.createObjectURL = () => fileURLToPath(new URL('tfjs-thread.cjs', import.meta.url));
  os.cpus = () => Array.from({ length: 2 * problem.threads }); // it takes every other core at most
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', true);
  wasm.setThreadsCount(problem.threads);
  await tf.setBackend('wasm');
  if (wasm.getThreadsCount() !== problem.threads) {
    throw new Error(`tfjs-wasm runs ${wasm.getThreadsCount()} threads, ${problem.threads} were asked for`);
  }
  tf.registerKernel({
    kernelName: 'Conv2DBackpropFilter',
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }: { inputs: { x: Tensor; dy: Tensor }; attrs: ConvAttributes }): Tensor =>
      tf.tidy(() => filterGradient(tf, inputs.x, inputs.dy, attrs)),
  });
}
