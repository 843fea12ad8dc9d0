/** What a convolution can take over from the calls after it: normalisation, and the sum of its weight gradient's slices. */
import { fitting, isSoftware, pick, stagesOf, type Call, type Join, type Profile } from '../kernel/kernel.ts';
import { sumSlices } from '../kernel/sum-slices.ts';
import { fitsVec4 } from '../kernel/wgsl.ts';
import { batchNormApply, foldBatchNorm, type BatchNormApply } from '../norm/batch-norm.ts';
import type { Channels, ChannelSizes } from '../norm/channels.ts';
import { batchNormGradients, batchNormSums, moments } from '../norm/moments.ts';
import type { Recorded } from '../product/product.ts';
import { imagesOf, type Conv, type ConvWeight } from './shape.ts';
import { pixelsOfPhase } from './tiled.ts';

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
    return p.by === 'running' && !p.linear && !p.epilogue && !epilogue && !flip;
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

/** Neighbouring pixels of which numbers may be recorded together: the more, the fewer are left to be added up. */
const COLUMNS = [256, 128, 64, 32, 16];

/**
 * How the numbers of what a convolution writes, `pixels` of each channel one after another, may be recorded; undefined where the way that
 * it is computed cannot. Then they cost a pass over the activations, which on a software adapter is the cheaper way: 1 % of a ResNet-20
 * step.
 */
function recordedBy({ kernel, params, tensors }: Call, of: Recorded['of'], pixels: number, d: Profile): Recorded | undefined {
  const p = params as Conv;
  if (isSoftware(d) || stagesOf(kernel, p, d)) return undefined;
  const best = pick(kernel, p, d).name;
  const columns = COLUMNS.find(
    columns => pixels % columns === 0 && fitting(kernel, { ...p, recorded: { of, columns } }, d).some(({ name }) => name === best),
  );
  const more = of === 'moments' ? 1 : 3;
  return columns && Object.keys(tensors).length + more <= d.maxBindings && !p.recorded ? { of, columns } : undefined;
}

/** Runs of pixels as the numbers of a convolution are those of, in `partial` [split, c, 2]. */
export function runsOf({ n, c, hw }: ChannelSizes, { columns }: Recorded): Channels {
  return { n: n * hw, c, hw: 1, split: (n * hw) / columns };
}

const ofOutputs = (call: Call, of: Recorded['of'], d: Profile): Recorded | undefined => {
  const { n, oh, ow } = call.params as Conv;
  return recordedBy(call, of, n * oh * ow, d);
};

/** Training: the moments that batch normalisation needs come from the convolution itself. */
export const takesMoments: Join = {
  op: moments,
  replaces: false,
  when: (op, producer, d) => {
    const p = op.params as Channels;
    const { o, n, epilogue } = producer.params as Conv;
    return p.c === o && p.n === n && !epilogue && ofOutputs(producer, 'moments', d) !== undefined;
  },
  gives: (op, producer, make, d) => {
    const recorded = ofOutputs(producer, 'moments', d)!;
    const runs = runsOf(op.params as Channels, recorded);
    const partial = make('moments', [runs.split, runs.c, 2]);
    return {
      calls: [{ ...producer, params: { ...producer.params, recorded }, tensors: { ...producer.tensors, partial } }],
      reader: call => ({ ...call, params: { ...call.params, ...runs }, tensors: { ...call.tensors, partial } }),
    };
  },
};

/** The sums that the gradient of batch normalisation takes come from the convolution that the gradient of its `output` comes from. */
const takesProductsOf = (output: 'y' | 'dx', recordedOf: (producer: Call, d: Profile) => Recorded | undefined): Join => ({
  op: batchNormSums,
  replaces: false,
  when: (op, producer, d) => {
    const p = op.params as Channels;
    const { n, c } = imagesOf(producer.params, output);
    return producer.tensors[output] === op.tensors.dy && p.c === c && p.n === n && recordedOf(producer, d) !== undefined;
  },
  gives: (op, producer, make, d) => {
    const recorded = recordedOf(producer, d)!;
    const runs = runsOf(op.params as Channels, recorded);
    const partial = make('products', [runs.split, runs.c, 2]);
    const { x, stats } = op.tensors;
    return {
      calls: [
        {
          ...producer,
          params: { ...producer.params, recorded },
          tensors: { ...producer.tensors, partial, normalised: x!, stats: stats! },
        },
      ],
      reader: call => ({
        ...call,
        params: call.kernel === batchNormGradients ? { ...call.params, ...runs } : { ...call.params, runs },
        tensors: { ...call.tensors, partial },
      }),
    };
  },
});

export const takesProducts = takesProductsOf('y', (producer, d) => {
  const { oh, ow } = producer.params as Conv;
  return fitsVec4(oh * ow) ? ofOutputs(producer, 'products', d) : undefined;
});

/** The same of a gradient by phases (see tiled.ts), whose runs are of pixels of one phase. */
export const takesProductsByPhases = takesProductsOf('dx', (producer, d) => {
  const pixels = pixelsOfPhase(producer.params);
  return pixels === undefined ? undefined : recordedBy(producer, 'products', pixels, d);
});

/** Values of a gradient from which on a software adapter copies them for longer than it compiles another kernel. */
const WORTH_COMPILING = 2 ** 16;

/** A weight gradient in one slice needs no sum. */
export const takesSum: Join = {
  op: sumSlices,
  replaces: true,
  when: (op, producer, d) =>
    (producer.params as ConvWeight).split === 1 && !op.params.more && (!isSoftware(d) || op.params.size >= WORTH_COMPILING),
  gives: (op, producer) => ({
    calls: [
      {
        ...producer,
        params: { ...producer.params, gradient: op.params.gradient },
        tensors: { ...producer.tensors, dweight: op.tensors.out! },
      },
    ],
  }),
};
