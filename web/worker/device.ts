/** WebGPU in a browser: the adapter, or what to do where there is none. */
import { check } from '../../engine/check.ts';
import { Device } from '../../engine/device.ts';

/** Who has WebGPU, and what to switch on. */
export const NO_WEBGPU =
  'this browser has no WebGPU, or not on this page; use Chrome or Edge from 113, Firefox from 141 or Safari from 26, ' +
  'over https or on localhost, or switch it on: chrome://flags/#enable-unsafe-webgpu in Chrome and Edge, ' +
  'dom.webgpu.enabled in about:config of Firefox, Feature Flags in Safari\u2019s settings';
export const NO_ADAPTER =
  "the browser gives no GPU adapter; update the graphics driver, switch on hardware acceleration in the browser's settings, " +
  'or switch chrome://flags/#enable-unsafe-webgpu on (on Linux #enable-vulkan too) and start the browser again';

/** A device of the strongest adapter, or of the software one where that is all there is. */
export async function openDevice(): Promise<Device> {
  const { gpu } = navigator as { gpu?: GPU };
  check(gpu, NO_WEBGPU);
  const adapter = (await gpu.requestAdapter({ powerPreference: 'high-performance' })) ?? (await gpu.requestAdapter());
  check(adapter, NO_ADAPTER);
  return Device.open(adapter);
}
