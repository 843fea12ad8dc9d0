/** WebGPU in a browser: the adapter, or what to do where there is none. */
import { check } from '../engine/check.ts';
import { Device } from '../engine/device.ts';

/** Who has WebGPU, and what to switch on. */
export const NO_WEBGPU = 'this browser has no WebGPU; use Chrome or Edge 113, Firefox 141, Safari 26 or later, over https or on localhost';
export const NO_ADAPTER = 'the browser gives no GPU adapter; update the graphics driver, switch on hardware acceleration in the browser\'s settings, '
  + 'or start Chrome with --enable-unsafe-webgpu (Linux: with --enable-features=Vulkan too)';

/** A device of the strongest adapter, or of the software one where that is all there is. */
export async function openDevice(): Promise<Device> {
  const { gpu } = navigator as { gpu?: GPU };
  check(gpu, NO_WEBGPU);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' }) ?? await gpu.requestAdapter();
  check(adapter, NO_ADAPTER);
  return Device.open(adapter);
}
