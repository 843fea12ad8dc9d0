/** Does what `run` does with devices that `change` has had before anyone else: one that is lost at some call, say. */
import { openAdapter } from '../../engine/node/adapters.ts';

export async function withDevices<T>(change: (gpu: GPUDevice) => void, run: () => Promise<T>): Promise<T> {
  const adapters = Object.getPrototypeOf(await openAdapter()) as GPUAdapter;
  const { requestDevice } = adapters;
  adapters.requestDevice = async function (what) {
    const gpu = await requestDevice.call(this, what);
    change(gpu);
    return gpu;
  };
  try {
    return await run();
  } finally {
    adapters.requestDevice = requestDevice;
  }
}
