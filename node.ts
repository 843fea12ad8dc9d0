/** The library under Node: all of index.ts, with Dawn for WebGPU and files for downloads. `import { openDevice } from 'descent-gpu'`. */
import { usePlatform } from './engine/platform.ts';
import { nodePlatform } from './train/run/node/platform.ts';

usePlatform(nodePlatform);

export * from './index.ts';
