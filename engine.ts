/** The engine below the library: what its signatures name. `import type { Kernel } from 'descent-gpu/engine'`. */
export type { Compiled, Pipeline, Tuning } from './engine/device.ts';
export type {
  BuiltLayer,
  Init,
  LayerFacts,
  Op,
  Optional,
  Param,
  Pass,
  Role,
  RunningStatistics,
  Tensors as CallTensors,
  Vjp,
} from './engine/graph.ts';
export type { Data, Memory } from './engine/memory.ts';
export type { OnnxAttribute, OnnxForm, OnnxGraph } from './engine/onnx.ts';
export type { Bytes, Owner } from './engine/owner.ts';
export type { Stopwatch } from './engine/pace.ts';
export type { Layout, Place, Plan, SlotPlace } from './engine/plan.ts';
export type { Command, CompileOptions, Cut, Dispatch, Program } from './engine/program.ts';
export type { Gradients } from './optim/optimizer.ts';
export type { Average, Inputs, Page, Piece, Reduce } from './optim/pieces.ts';
export type { Epilogue } from './shaders/kernel/epilogue.ts';
export type { Gradient } from './shaders/kernel/gradient.ts';
export type {
  Access,
  Bindings,
  Call,
  Grid,
  Join,
  Joined,
  Kernel,
  MatrixConfig,
  Need,
  Profile,
  Sized,
  Variant,
} from './shaders/kernel/kernel.ts';
export type { DropSample } from './shaders/move/noise.ts';
export type { DeviceData } from './train/data/device-data.ts';
export type { Centre, Exchange, Shared, Op as ExchangeOp } from './train/distribute/exchange.ts';
export type { BatchPart, Order } from './train/data/order.ts';
export type { Ring } from './train/data/stream.ts';
export type { Share } from './train/data/share.ts';
export type { GradientMean } from './train/distribute/gradient-mean.ts';
export type { Totals } from './train/evaluate/totals.ts';
