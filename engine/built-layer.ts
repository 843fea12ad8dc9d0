/** What layers announce of themselves while a graph is built, for whoever looks for layers: exports, K-FAC, pictures of a net. */
import type { OnnxForm } from './onnx.ts';
import type { Param, Tensor } from './tensor.ts';

/** What a layer says of itself while it is built. */
export interface LayerFacts {
  readonly weight?: Param | undefined;
  readonly bias?: Param | undefined;
  /** What the product of a convolution or dense layer takes as its weight: the parameter's value, or what was made of that. */
  readonly used?: Tensor;
  /**
   * Makes what weight and bias of an output multiply: [n, inputs (+ 1 with a bias), …], the last ones of them 1. There where the product takes
   * all inputs, and the weight as it is, at one place of the net.
   */
  readonly multiplied?: (() => Tensor) | undefined;
  readonly running?: RunningStatistics;
  /** What it is at inference; without it the net that holds it cannot be exported. */
  readonly onnx?: OnnxForm | undefined;
}

/** What a batch norm evaluates by. */
export interface RunningStatistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
  /** Values of one channel in a batch. */
  readonly count: number;
}

/** A layer of a graph, or a stage of one: where several have one path, the last gives the layer's output. */
export interface BuiltLayer extends LayerFacts {
  readonly path: string;
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
}
