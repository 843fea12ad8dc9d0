/** What is used of TensorFlow.js's tensors. */
export interface Tensor {
  readonly shape: number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}
