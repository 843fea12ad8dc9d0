/** The library: what a model in a file of one's own is made of, and what trains it. `import { conv2d, sequential } from 'descent'`. */
export * from './layers/activation.ts';
export * from './layers/compose.ts';
export * from './layers/conv.ts';
export { dense, type DenseOptions } from './layers/dense.ts';
export * from './layers/noise.ts';
export * from './layers/norm.ts';
export * from './layers/pool.ts';
export type { UsedWeight, WeightTransform } from './layers/weight.ts';
export { DescentError, DeviceLost, TooLarge } from './engine/check.ts';
export type { Graph, Layer, Shape, Tensor } from './engine/graph.ts';
export { Device } from './engine/device.ts';
export { models } from './models/index.ts';
export type { Model, ModelInput } from './models/model.ts';
export { rules } from './optim/index.ts';
export { optimizer } from './optim/optimizer.ts';
export { openData } from './train/data/data.ts';
export { Trainer } from './train/step/trainer.ts';
export { Diverged, NonFinite } from './train/step/divergence.ts';
