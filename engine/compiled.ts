/** What becomes of a WGSL text, and who has it made. */

/** What a pipeline is made from. */
export interface Text {
  readonly label: string;
  readonly code: string;
  /** The types of its bindings, in their order. */
  readonly types: readonly GPUBufferBindingType[];
}

/** One WGSL text, compiled, with the layout of its bindings. */
export interface Compiled {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** What has a driver make machine code. */
export interface Compilers {
  /** Resolves once the driver has compiled `text`, of which the first device made `compiled`. */
  compile(text: Text, compiled: Compiled): Promise<void>;
  /** Gives the devices back that were opened. */
  close(): void;
}

/** The layout of bindings of these types. */
export const layoutOf = (gpu: GPUDevice, types: readonly GPUBufferBindingType[]): GPUBindGroupLayout =>
  gpu.createBindGroupLayout({
    label: types.join(),
    entries: types.map((type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } })),
  });
