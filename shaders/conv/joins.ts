/** What a convolution can take over from the normalisation after it. */
import { fitting, type Join } from '../kernel/kernel.ts';
import { batchNormApply, foldBatchNorm, type BatchNormApply } from '../norm/batch-norm.ts';
import type { Channels } from '../norm/channels.ts';
import { moments } from '../norm/moments.ts';
import { MOMENT_COLUMNS } from '../product/product.ts';
import type { Conv } from './shape.ts';

/**
 * Evaluation: batch normalisation by running statistics is one multiplication and addition for each channel, which the weights and bias of
 * the convolution take in: a kernel over weights replaces one over all activations.
 */
export const takesNorm: Join = {
  op: batchNormApply,
  replaces: true,
  when: (op, producer) => {
    const p = op.params as BatchNormApply;
    const { epilogue, flip } = producer.params as Conv; // with flip the weights of an output channel do not lie side by side
    return p.by === 'running' && !p.linear && !epilogue && !flip;
  },
  gives: (op, producer, make) => {
    const { c, eps, affine } = op.params as BatchNormApply & { by: 'running' };
    const { x, weight, bias } = producer.tensors;
    const { y, mean, variance, weight: gamma, bias: beta } = op.tensors;
    const folded = make('folded weight', weight!.shape);
    const shift = make('folded bias', [c]);
    const given = Object.entries({ weight, bias, mean, variance, gamma, beta, folded, shift });
    return {
      calls: [
        {
          ...op,
          kernel: foldBatchNorm,
          params: { o: c, size: weight!.size / c, eps, bias: bias !== undefined, affine },
          tensors: Object.fromEntries(given.filter(([, t]) => t)),
        },
        { ...producer, params: { ...producer.params, bias: true }, tensors: { x, weight: folded, bias: shift, y } },
      ],
    };
  },
};

/**
 * Training: the moments that batch normalisation needs come from the convolution itself where one of its variants has its outputs in
 * workgroup memory. Elsewhere they cost a pass over the activations, which on a software adapter is the cheaper way: 1 % of a ResNet-20
 * step.
 */
export const takesMoments: Join = {
  op: moments,
  replaces: false,
  when: (op, producer, d) => {
    const p = op.params as Channels;
    const params: Conv = { ...producer.params, moments: true };
    const same = p.c === params.o && p.n === params.n && (p.n * p.hw) % MOMENT_COLUMNS === 0;
    return same && !params.epilogue && fitting(producer.kernel, params, d).length > 0;
  },
  gives: (op, producer, make) => {
    const { n, c, hw } = op.params as Channels;
    const values = n * hw;
    const split = values / MOMENT_COLUMNS;
    const partial = make('moments', [split, c, 2]);
    return {
      calls: [{ ...producer, params: { ...producer.params, moments: true }, tensors: { ...producer.tensors, partial } }],
      reader: call => ({
        ...call,
        params: { ...call.params, n: values, hw: 1, split },
        tensors: { ...call.tensors, partial },
      }),
    };
  },
};
