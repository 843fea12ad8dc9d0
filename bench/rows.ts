/** The calls that are timed: those of the model zoo at the batch sizes that software adapters and GPUs train with. */
import { calls } from '../shaders/calls.ts';
import { isSoftware, type Kernel, type Profile } from '../shaders/kernel/kernel.ts';

export interface Row {
  readonly kernel: Kernel<any>;
  readonly params: any;
  readonly label: string;
  /** Values of each tensor. */
  readonly tensors: Readonly<Record<string, number>>;
  readonly flops: number;
}

export const rows = (d: Profile): Row[] =>
  calls.flatMap(({ kernel, tensors, bench }) =>
    (bench?.(isSoftware(d) ? 32 : 256, d) ?? []).map(({ label, params }) => {
      const sizes = tensors(params);
      return { kernel, params, label, tensors: sizes, flops: kernel.flops?.(params) ?? Math.max(...Object.values(sizes)) };
    }),
  );
