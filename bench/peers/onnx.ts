/** ONNX Runtime for the web on an exported net: pixels from 0 to 1 in, logits out, each answer waited for. */
import { readFile } from 'node:fs/promises';
import { waiting } from '../../engine/wait.ts';
import { serve, variant } from './child.ts';
import { provideGpu } from './gpu.ts';
import { pixels, type Question } from './networks.ts';

const { file, shape, batch, threads } = JSON.parse(process.argv[2]!) as Question;

/** Dawn's queue in Node takes no shared memory, as browsers' do; all memory of these builds is, and what they write are bytes. */
function takeSharedMemory(): void {
  const { prototype } = GPUQueue;
  const { writeBuffer } = prototype;
  prototype.writeBuffer = function (buffer, offset, data, from = 0, size = data.byteLength - from) {
    const all = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
    return writeBuffer.call(this, buffer, offset, all.slice(from, from + size));
  };
}

/** The runtime, and the adapter or the threads that it computes on. */
async function open(): Promise<{ ort: typeof import('onnxruntime-web'); adapter: string }> {
  if (variant === 'wasm') {
    const ort = await import('onnxruntime-web');
    ort.env.wasm.numThreads = threads;
    return { ort, adapter: `${threads} threads, SIMD` };
  }
  const adapter = await provideGpu();
  takeSharedMemory();
  const [ort, build] =
    variant === 'webgpu' ? [await import('onnxruntime-web/webgpu'), 'asyncify'] : [await import('onnxruntime-web/all'), 'jsep'];
  ort.env.wasm.numThreads = 1; // what is left to the processor is next to nothing
  ort.env.wasm.wasmBinary = await readFile(new URL(`ort-wasm-simd-threaded.${build}.wasm`, import.meta.resolve('onnxruntime-web')));
  return { ort, adapter };
}

const { ort, adapter } = await open();
ort.env.logLevel = 'error';
const provider = variant === 'wasm' ? 'wasm' : 'webgpu';
const options = { executionProviders: [provider], freeDimensionOverrides: { batch } };
const session = await waiting(ort.InferenceSession.create(new Uint8Array(await readFile(file)), options));
const image = new ort.Tensor(
  'float32',
  Float32Array.from(pixels(shape, batch), v => v / 255),
  [batch, ...shape],
);

async function answer(): Promise<Float32Array> {
  const { logits } = await waiting(session.run({ image }), true);
  return logits!.data as Float32Array;
}

await serve({ adapter, version: ort.env.versions.web, logits: Array.from(await answer()) }, async () => (await answer())[0]);
