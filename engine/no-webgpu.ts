/** What is said where a browser has no WebGPU, or gives no adapter. */
import type { Fault } from './check.ts';

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
