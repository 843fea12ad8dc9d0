/** Evaluation of an average of the weights that lies on the device. */
import type { Memory } from '../../engine/memory.ts';

/** An average of all weights. */
export interface WeightAverage {
  /** The name of the buffer that holds the average of a page of parameters. */
  readonly buffer: (page: number) => string;
  /** Whether it needs running statistics of its own. */
  readonly refreshes: boolean;
}

/**
 * Does `f` with an average in place of the trained weights, which are put back, as are the running statistics. `refresh` is called before
 * `f` where these must be brought in line with the average.
 */
export async function withAverage<T>(
  memory: Memory,
  { buffer, refreshes }: WeightAverage,
  refresh: () => Promise<void>,
  f: () => Promise<T>,
): Promise<T> {
  const keep = (role: 'param' | 'buffer') =>
    memory.layout.pages(role).map((place, page) => ({
      bytes: place.bytes,
      own: memory.buffers.get(place.buffer)!,
      kept: memory.buffer('weights kept', place.bytes),
      average: role === 'param' ? memory.buffers.get(buffer(page)) : undefined,
    }));
  const pages = [...keep('param'), ...keep('buffer')];
  const copy = (pairs: (p: (typeof pages)[number]) => readonly (readonly [source: GPUBuffer, target: GPUBuffer])[]) =>
    memory.submit(encoder => {
      for (const p of pages) {
        for (const [source, target] of pairs(p)) encoder.copyBufferToBuffer(source, 0, target, 0, p.bytes);
      }
    });
  copy(p => [[p.own, p.kept], ...(p.average ? [[p.average, p.own] as const] : [])]);
  try {
    if (refreshes) await refresh();
    return await f();
  } finally {
    copy(p => [[p.kept, p.own]]);
    for (const { kept } of pages) memory.free(kept);
  }
}
