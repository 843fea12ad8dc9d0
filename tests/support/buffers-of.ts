/** Counts the buffers of a device. */

/** Asked, it says how many of the buffers made since are not destroyed, and counts no further. */
export interface Alive {
  (): number;
  /** Buffers made since. */
  readonly made: number;
}

export function buffersOf(gpu: GPUDevice): Alive {
  let alive = 0;
  let made = 0;
  const create = gpu.createBuffer.bind(gpu);
  gpu.createBuffer = descriptor => {
    const buffer = create(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    let isThere = true;
    alive++;
    made++;
    buffer.destroy = () => {
      if (isThere) alive--;
      isThere = false;
      return destroy();
    };
    return buffer;
  };
  const ask = () => {
    gpu.createBuffer = create;
    return alive;
  };
  return Object.defineProperty(ask, 'made', { get: () => made }) as Alive;
}
