/**
 * Kernels compiled on several cores. A software driver such as lavapipe makes machine code when a pipeline is first dispatched, on the one
 * thread of its device's queue, and keeps it on the disk, where every device finds it. So each pipeline is dispatched once on no workgroups
 * as soon as it is made, and where that takes long, devices that are opened for it do the same with part of the pipelines.
 */
import { layoutOf, type Compiled, type Compilers, type Text } from './compiled.ts';
import { waiting } from './wait.ts';

/** ms of one kernel on the first device after which others are opened: from the driver's cache it takes one. */
const PATIENCE = 60;

interface Job {
  readonly text: Text;
  readonly compiled: Compiled;
  readonly done: () => void;
}

/** Has one device compile a job. */
type Worker = (job: Job) => Promise<unknown>;

/** Compiles on `first`, and where that takes long on `others` devices more that `open` gives. */
export function compilersOn(first: GPUDevice, others: number, open: () => Promise<GPUDevice>): Compilers {
  const jobs: Job[] = [];
  const dispatch = dispatcher(first);
  const idle = new Set<Worker>([onFirst]);
  let opened: Promise<GPUDevice>[] | undefined;
  let closed = false;

  async function onFirst({ text, compiled }: Job): Promise<void> {
    const late = setTimeout(help, PATIENCE);
    await dispatch(text, compiled);
    clearTimeout(late);
  }

  /** Opens the other devices, which take what is left. */
  function help(): void {
    if (opened || closed) return;
    opened = Array.from({ length: others }, open);
    for (const device of opened) {
      void device.then(
        gpu => {
          const run = dispatcher(gpu);
          idle.add(async ({ text }) => run(text, await made(gpu, text)));
          begin();
        },
        () => undefined, // then there is one device fewer
      );
    }
  }

  function begin(): void {
    for (const worker of idle) if (jobs.length) void work(worker);
  }

  /** Has `worker` compile job after job, the longest text first, until none is left. */
  async function work(worker: Worker): Promise<void> {
    idle.delete(worker);
    for (let job = jobs.shift(); job; job = jobs.shift()) {
      await worker(job).catch(() => undefined); // the first device compiles it, or says what is wrong, when it is dispatched
      job.done();
    }
    idle.add(worker);
  }

  return {
    compile: (text, compiled) =>
      new Promise(done => {
        jobs.push({ text, compiled, done });
        jobs.sort((a, b) => b.text.code.length - a.text.code.length);
        begin();
      }),
    close() {
      closed = true;
      for (const device of opened ?? []) void device.then(gpu => gpu.destroy()).catch(() => undefined);
    },
  };
}

async function made(gpu: GPUDevice, { label, code, types }: Text): Promise<Compiled> {
  const layout = layoutOf(gpu, types);
  const pipelineLayout = gpu.createPipelineLayout({ bindGroupLayouts: [layout] });
  const compute = { module: gpu.createShaderModule({ label, code }) };
  return { pipeline: await waiting(gpu.createComputePipelineAsync({ label, layout: pipelineLayout, compute })), layout };
}

/** Bytes that the dispatch of no workgroups has for each binding: the alignment of offsets, and room for any uniform block. */
const BYTES = 4096;

/** Dispatches pipelines of a device on no workgroups. Their number stands in a buffer: Dawn warns about a 0 in the call. */
function dispatcher(gpu: GPUDevice): (text: Text, compiled: Compiled) => Promise<unknown> {
  const buffer = (usage: number, parts = 1) => gpu.createBuffer({ label: 'for compiling', size: BYTES * parts, usage });
  const read = buffer(GPUBufferUsage.STORAGE);
  const written = buffer(GPUBufferUsage.STORAGE, gpu.limits.maxStorageBuffersPerShaderStage);
  const uniform = buffer(GPUBufferUsage.UNIFORM);
  const none = buffer(GPUBufferUsage.INDIRECT);
  const resources = { storage: written, 'read-only-storage': read, uniform };
  return ({ types }, { pipeline, layout }) => {
    const entries = types.map((type, binding) => {
      const resource = { buffer: resources[type], offset: type === 'storage' ? binding * BYTES : 0, size: BYTES };
      return { binding, resource };
    });
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, gpu.createBindGroup({ layout, entries }));
    pass.dispatchWorkgroupsIndirect(none, 0);
    pass.end();
    gpu.queue.submit([encoder.finish()]);
    return waiting(gpu.queue.onSubmittedWorkDone(), true);
  };
}
