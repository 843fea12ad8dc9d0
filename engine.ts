/**
 * The engine below the library: graphs, programs and kernels, losses, rules and schedules, and `Net` for a training loop by hand.
 * `import { kernel, Net } from 'descent-gpu/engine'`.
 */
export type { BuiltLayer, LayerFacts, RunningStatistics } from './engine/built-layer.ts';
export { compute, withProgram, type Computed, type OnceOptions, type Outputs } from './engine/compute.ts';
export type { Compiled, Compilers, Text } from './engine/compiled.ts';
export type { Pipeline, Tuning } from './engine/device.ts';
export { Graph, type Vjp } from './engine/graph.ts';
export type { Op, Optional, Pass, Tensors as CallTensors } from './engine/op.ts';
export type { Init, Param, Role, Rows, Traits } from './engine/tensor.ts';
export { Memory, type Data } from './engine/memory.ts';
export type { OnnxAttribute, OnnxForm, OnnxGraph } from './engine/onnx.ts';
export { Owner, type Bytes } from './engine/owner.ts';
export { number, type Values as ParameterValues } from './engine/parameter.ts';
export type { Stopwatch } from './engine/pace.ts';
export type { Layout, Place, Plan, SlotPlace } from './engine/plan.ts';
export { Program, type Command, type CompileOptions, type Copies, type Cut, type Dispatch, type StepValues } from './engine/program.ts';
export { constant, fans, initializer, normal, orthogonal, torchDefault, uniform } from './layers/init.ts';
export { crossEntropy, hinge, huber, jensenShannon, logistic, lossOf, losses, mae, mse, nll } from './layers/loss.ts';
export { optimizers } from './optim/index.ts';
export type { Gradients } from './optim/optimizer.ts';
export {
  clipNorm,
  clipValue,
  decoupledDecay,
  ema,
  gradNoise,
  l1,
  l1Proximal,
  lookahead,
  maxNorm,
  swa,
  weightDecay,
  type Average,
  type Inputs,
  type Page,
  type Piece,
  type Reduce,
} from './optim/pieces.ts';
export { quasiNewton, quasiNewtonMethods } from './optim/quasi-newton.ts';
export { learningRate, rule, type ValuesOf } from './optim/rule.ts';
export { kind, rate, type Kind, type Run as ScheduleRun } from './optim/schedule.ts';
export { schedule, schedules } from './optim/schedules.ts';
export {
  kernel,
  type Common,
  type Form as KernelForm,
  type Looped,
  type LoopParts,
  type Single,
  type Target,
} from './shaders/kernel/define.ts';
export { elementwise, type Elementwise } from './shaders/kernel/elementwise.ts';
export type { ElementFunction, Epilogue } from './shaders/kernel/epilogue.ts';
export { accumulated, accumulates, type Gradient } from './shaders/kernel/gradient.ts';
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
  Staged,
  Together,
  Variant,
} from './shaders/kernel/kernel.ts';
export { items, planes, rows, values, type Loop } from './shaders/kernel/loops.ts';
export { float, unroll, type Width } from './shaders/kernel/wgsl.ts';
export { rowLoss, type Loss as RowLoss } from './shaders/update/loss.ts';
export type { DropSample } from './shaders/move/noise.ts';
export { Net, type Backward, type NetState } from './train/net/net.ts';
export type { Targets } from './train/net/targets.ts';
export type { NetOptions } from './train/net/programs.ts';
export type { DeviceData } from './train/data/device-data.ts';
export type { Centre, Exchange, Shared, Op as ExchangeOp } from './train/distribute/exchange.ts';
export type { BatchPart, Order } from './train/data/order.ts';
export type { Ring } from './train/data/ring.ts';
export type { Share } from './train/data/share.ts';
export type { Averaged, GradientMean } from './train/distribute/gradient-mean.ts';
export type { Score, Totals } from './train/evaluate/score.ts';
