/** WebGPU in a browser: the adapter, or what to do where there is none. */
import { check, type Fault } from '../../engine/check.ts';
import { Device } from '../../engine/device.ts';
import type { Profile } from '../../shaders/kernel/kernel.ts';

/** Who has WebGPU, and what to switch on. */
export const NO_WEBGPU: Fault = {
  problem: 'this browser has no WebGPU, or not on this page',
  advice: [
    'use Chrome or Edge from 113, Firefox from 141 or Safari from 26, over https or on localhost',
    'switch it on: chrome://flags/#enable-unsafe-webgpu in Chrome and Edge, ' +
      'dom.webgpu.enabled in about:config of Firefox, Feature Flags in Safari\u2019s settings',
  ],
};
export const NO_ADAPTER: Fault = {
  problem: 'the browser gives no GPU adapter',
  advice: [
    'update the graphics driver',
    "switch on hardware acceleration in the browser's settings",
    'switch chrome://flags/#enable-unsafe-webgpu on (on Linux #enable-vulkan too) and start the browser again',
  ],
};

/**
 * A device of the strongest adapter, or of the software one where that is all there is. `overrides` changes what kernels are told of it.
 */
export async function openDevice(overrides?: Partial<Profile>): Promise<Device> {
  const { gpu } = navigator as { gpu?: GPU };
  check(gpu, NO_WEBGPU.problem, ...NO_WEBGPU.advice);
  const adapter = (await gpu.requestAdapter({ powerPreference: 'high-performance' })) ?? (await gpu.requestAdapter());
  check(adapter, NO_ADAPTER.problem, ...NO_ADAPTER.advice);
  return Device.open(adapter, overrides);
}
