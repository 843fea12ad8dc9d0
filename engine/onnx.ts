/** How a layer says what it is at inference: as nodes of ONNX's operators (opset 17). train/onnx/ makes a file of them. */

/** A word; a number, or several, is a whole one unless it is called a float. */
export type OnnxAttribute = string | number | readonly number[] | { readonly float: number };

/** A graph that layers put their nodes into. Values are known by their names. */
export interface OnnxGraph {
  /** The output of a node of an operator. An input that is undefined is one that the operator may do without. */
  node(operator: string, inputs: readonly (string | undefined)[], attributes?: Readonly<Record<string, OnnxAttribute>>): string;
  /** A parameter or buffer of the net. */
  weight(tensor: { readonly name: string }): string;
  /** Float32 constants of a shape, [values.length] where none is given; one number is a scalar. */
  floats(values: number | ArrayLike<number>, shape?: readonly number[]): string;
  /** Int64 constants [values.length]: shapes, axes, bounds. */
  integers(values: readonly number[]): string;
}

/** Puts a layer's nodes into a graph and returns its output. The batch may have any size there. */
export type OnnxForm = (o: OnnxGraph, ...inputs: string[]) => string;

/** A form of one node that takes the inputs alone. */
export const onnxNode =
  (operator: string, attributes?: Readonly<Record<string, OnnxAttribute>>): OnnxForm =>
  (o, ...inputs) =>
    o.node(operator, inputs, attributes);
