import { conv, type Conv } from '../shaders/conv.ts';
import { batchNormApply, foldBatchNorm, type BatchNorm } from '../shaders/norm.ts';
import { reads, writes, type Op, type Tensor } from './graph.ts';

/**
 * Evaluation: batch normalisation by running statistics is one multiplication and addition for each channel, which the weights and bias of the
 * convolution before it take in. Where nothing else reads what that convolution gives, a kernel over its weights replaces one over all activations.
 */
export function fold(ops: readonly Op[], kept: ReadonlySet<Tensor>): Op[] {
  const readers = new Map<Tensor, number>(), writer = new Map<Tensor, Op>();
  for (const op of ops) {
    for (const t of new Set(reads(op))) readers.set(t, (readers.get(t) ?? 0) + 1);
    for (const t of writes(op)) writer.set(t, op);
  }
  const folded = new Map<Op, Op[]>();
  for (const op of ops) {
    const p = op.params as BatchNorm;
    if (op.kernel !== (batchNormApply as unknown) || p.eps === undefined || p.linear) continue;
    const { x, y, mean, variance, weight: gamma, bias: beta } = op.tensors as Record<string, Tensor>, before = writer.get(x!);
    if (!before || before.kernel !== (conv as unknown) || (before.params as Conv).epilogue || readers.get(x!) !== 1 || kept.has(x!)) continue;
    const { x: input, weight, bias } = before.tensors as Record<string, Tensor>;
    const made = (name: string, shape: readonly number[], size: number): Tensor => ({ id: -1, name: `${before.node} ${name}`, shape, size, role: 'activation' });
    const filters = made('folded weight', weight!.shape, weight!.size), shift = made('folded bias', [p.c], p.c);
    const given = Object.entries({ weight, bias, mean, variance, gamma, beta, folded: filters, shift }).filter(([, t]) => t) as [string, Tensor][];
    folded.set(before, [
      { kernel: foldBatchNorm, params: { o: p.c, size: weight!.size / p.c, eps: p.eps, bias: bias !== undefined, affine: p.affine }, tensors: Object.fromEntries(given), node: op.node },
      { ...before, params: { ...before.params, bias: true }, tensors: { x: input!, weight: filters, bias: shift, y: y! } },
    ]);
    folded.set(op, []);
  }
  return ops.flatMap(op => folded.get(op) ?? [op]);
}
