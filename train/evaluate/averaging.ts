/** Averages of weights: those that an optimizer keeps on the device, and those of whole runs (SWA, SWAG). */
import type { Memory } from '../../engine/memory.ts';
import { stateBuffer, type Optimizer } from '../../optim/optimizer.ts';

/**
 * Does `f` with the averaged weights of an optimizer in place of the trained ones, which are put back, as are the running statistics.
 * `refresh` is called before `f`, to bring the statistics in line with the average.
 */
export async function withAverage<T>(
  memory: Memory,
  { rule, average }: Optimizer,
  refresh: () => Promise<void>,
  f: () => Promise<T>,
): Promise<T> {
  const { device } = memory;
  const keep = (role: 'param' | 'buffer') =>
    memory.layout.pages(role).map(({ buffer, bytes }, page) => ({
      bytes,
      own: memory.buffers.get(buffer)!,
      kept: device.buffer('weights kept', bytes),
      average: role === 'param' ? memory.buffers.get(stateBuffer(rule, average!.state, page)) : undefined,
    }));
  const pages = [...keep('param'), ...keep('buffer')];
  const copy = (pairs: (p: (typeof pages)[number]) => readonly (readonly [source: GPUBuffer, target: GPUBuffer])[]) => {
    const encoder = device.gpu.createCommandEncoder();
    for (const p of pages) {
      for (const [source, target] of pairs(p)) encoder.copyBufferToBuffer(source, 0, target, 0, p.bytes);
    }
    device.gpu.queue.submit([encoder.finish()]);
  };
  copy(p => [[p.own, p.kept], ...(p.average ? [[p.average, p.own] as const] : [])]);
  try {
    await refresh();
    return await f();
  } finally {
    copy(p => [[p.kept, p.own]]);
    for (const { kept } of pages) kept.destroy();
  }
}
