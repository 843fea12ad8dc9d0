/** Values on the device, and the parameters among them. */
import type { Shape } from '../shaders/kernel/shape.ts';

/**
 * What a tensor is for decides where it lives: activations share slots and last from their first to their last use; inputs,
 * parameters, gradients, buffers (saved but not trained: running statistics) and optimizer states last as long as the run.
 */
export type Role = 'activation' | 'input' | 'param' | 'grad' | 'buffer' | 'state';

/** Values of one shape somewhere on the device. A layer gets one and gives another; where its bytes lie is decided once all are known. */
export interface Tensor {
  readonly name: string;
  readonly shape: Shape;
  /** Values in all. */
  readonly size: number;
  readonly role: Role;
  /** The name of a whole buffer of persistent tensors that this is (see Graph.whole). */
  readonly whole?: string;
  /** Whether it is stored in f16 (see halve). */
  readonly half?: true;
  /** The tensor whose values this is under another shape (see Graph.view). */
  readonly base?: Tensor;
  /** Of which larger parameter these are some rows (see Graph.paramRows). */
  readonly rows?: Rows;
  /** Of a parameter: whether its rows multiply what comes into a unit, as those of any weight of two dimensions or more but a norm's. */
  readonly isMatrix?: boolean;
  /** Of the weight [c, o / groups, …] of a transposed convolution: the channels of its input that one of its outputs takes, c / groups. */
  readonly inputs?: number;
}

/** What few tensors have, and what is said of them as they are made. */
export type Traits = Pick<Tensor, 'rows' | 'isMatrix' | 'inputs'>;

/** Rows of a parameter of too many bytes for one binding: tensors of their own on the device, which files know as one. */
export interface Rows {
  readonly name: string;
  readonly shape: Shape;
  /** The first of them. */
  readonly first: number;
}

/** A parameter: its values, and the gradient of the loss by each of them; of a frozen one nobody reads it, and what would write it is not done. */
export interface Param {
  readonly value: Tensor;
  readonly grad: Tensor;
  /** The layer that it belongs to. */
  readonly path: string;
}

/** First values of a parameter, made once on the host. `name` is its full name, so that each parameter draws numbers of its own. */
export type Init = (shape: Shape, name: string, seed: number) => Float32Array;
