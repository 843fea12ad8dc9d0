import { conv, type Conv } from '../shaders/conv/conv.ts';
import type { Profile } from '../shaders/kernel/kernel.ts';
import { moments, type Channels } from '../shaders/norm/moments.ts';
import { batchNormApply, foldBatchNorm, type BatchNorm } from '../shaders/norm/batch-norm.ts';
import { opName, product, reads, writes, type Op, type Shape, type Tensor } from './graph.ts';

/**
 * Evaluation: batch normalisation by running statistics is one multiplication and addition for each channel, which the weights and bias of
 * the convolution before it take in. Where nothing else reads what that convolution gives, a kernel over its weights replaces one over all
 * activations.
 */
export function fold(ops: readonly Op[], kept: ReadonlySet<Tensor>): Op[] {
  const readers = new Map<Tensor, number>();
  const writer = new Map<Tensor, Op>();
  for (const op of ops) {
    for (const t of new Set(reads(op))) readers.set(t, (readers.get(t) ?? 0) + 1);
    for (const t of writes(op)) writer.set(t, op);
  }
  const folded = new Map<Op, Op[]>();
  for (const op of ops) {
    const p = op.params as BatchNorm;
    if (op.kernel !== (batchNormApply as unknown) || p.eps === undefined || p.linear) continue;
    const { x, y, mean, variance, weight: gamma, bias: beta } = op.tensors as Record<string, Tensor>;
    const before = writer.get(x!);
    if (!before || before.kernel !== (conv as unknown) || (before.params as Conv).epilogue) continue;
    if (readers.get(x!) !== 1 || kept.has(x!)) continue;
    const { x: input, weight, bias } = before.tensors as Record<string, Tensor>;
    const filters = made(before, 'folded weight', weight!.shape);
    const shift = made(before, 'folded bias', [p.c]);
    const given = Object.entries({ weight, bias, mean, variance, gamma, beta, folded: filters, shift });
    const folding: Op = {
      kernel: foldBatchNorm,
      params: { o: p.c, size: weight!.size / p.c, eps: p.eps, bias: bias !== undefined, affine: p.affine },
      tensors: Object.fromEntries(given.flatMap(([name, t]) => (t ? [[name, t]] : []))),
      path: op.path,
      pass: op.pass,
    };
    const convolution: Op = {
      ...before,
      params: { ...before.params, bias: true },
      tensors: { x: input!, weight: filters, bias: shift, y: y! },
    };
    folded.set(before, [folding, convolution]);
    folded.set(op, []);
  }
  return ops.flatMap(op => folded.get(op) ?? [op]);
}

const made = (op: Op, name: string, shape: Shape): Tensor => ({
  id: -1,
  name: `${opName(op)} ${name}`,
  shape,
  size: product(shape),
  role: 'activation',
});

/** Values that a convolution takes the moments of by themselves. */
const RUN = 64;

/**
 * Training: the moments of what a convolution gives, for the batch normalisation after it, come from the convolution itself where one of
 * its variants has them in workgroup memory. Without it they cost a pass over the activations, which on a software adapter is the cheaper
 * way: 1 % of a ResNet-20 step.
 */
export function joinStatistics(ops: readonly Op[], profile: Profile): Op[] {
  const writer = new Map(ops.flatMap(op => writes(op).map(t => [t, op] as const)));
  const replaced = new Map<Op, Op[]>();
  for (const op of ops) {
    if (op.kernel !== (moments as unknown)) continue;
    const p = op.params as Channels;
    const values = p.n * p.hw;
    const { x, partial } = op.tensors as Record<string, Tensor>;
    const before = writer.get(x!);
    const next = ops.find(o => o.tensors.partial === partial && o !== op);
    if (!before || before.kernel !== (conv as unknown) || replaced.has(before) || !next) continue;
    const params = { ...before.params, moments: true } as Conv;
    if (params.epilogue || p.c !== params.o || p.n !== params.n || values % RUN) continue;
    if (!conv.variants.some(v => v.fits?.(params, profile))) continue;
    const runs = made(before, 'moments', [values / RUN, p.c, 2]);
    replaced.set(before, [{ ...before, params, tensors: { ...before.tensors, partial: runs } }]);
    replaced.set(op, []);
    replaced.set(next, [
      {
        ...next,
        params: { ...next.params, n: values, hw: 1, split: values / RUN },
        tensors: { ...next.tensors, partial: runs },
      },
    ]);
  }
  return ops.flatMap(op => replaced.get(op) ?? [op]);
}
