/** The library under Node: all of index.ts, with Dawn for WebGPU and files for downloads. `import { openDevice } from 'descent-gpu'`. */
import { useNode } from './train/run/node/platform.ts';

useNode();

export * from './index.ts';
