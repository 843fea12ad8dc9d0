import { check, images, show } from '../engine/check.ts';
import type { Layer } from '../engine/graph.ts';
import { conv, convBackwardInput, convBackwardWeight, gradientIsConv, inputGradient, splits, sumSlices } from '../shaders/conv/conv.ts';
import type { Conv } from '../shaders/conv/shape.ts';
import { channelSum } from '../shaders/norm/reduce.ts';
import { torchDefault } from './init.ts';
import { standardised, type WeightTransform } from './norm.ts';

export interface ConvOptions {
  stride?: number;
  pad?: number;
  dilation?: number;
  groups?: number;
  bias?: boolean;
  /** Use the weight with each filter at mean 0 and variance 1 (weight standardisation, Qiao et al. 2019). */
  standardise?: boolean;
  /** What else becomes of the weight before it is used: dropConnect, weightNoise. */
  through?: WeightTransform;
}

/**
 * Convolution as torch.nn.Conv2d. [n, c, h, w] -> [n, o, oh, ow], oh = floor((h + 2 pad - dilation (k - 1) - 1) / stride) + 1;
 * weight [o, c / groups, k, k], bias [o].
 */
export const conv2d =
  (o: number, k: number, options: ConvOptions = {}): Layer =>
  (g, x) => {
    const { stride = 1, pad = 0, dilation = 1, groups = 1, bias = true, standardise = false, through } = options;
    const [n, c, h, w] = images('conv2d', x.shape);
    const reach = dilation * (k - 1) + 1;
    const who = g.path ? `conv2d ${g.path}` : 'conv2d';
    const kernel = `kernel ${k}x${k}${dilation > 1 ? ` with dilation ${dilation}` : ''}`;
    check(!standardise || !through, `${who}: standardise and through both change the weight`, 'give one of them');
    check(
      c % groups === 0 && o % groups === 0,
      `${who}: ${c} input and ${o} output channels do not divide into ${groups} groups (input ${show(x.shape)})`,
      'use a divisor of both',
    );
    check(
      reach <= h + 2 * pad && reach <= w + 2 * pad,
      `${who}: ${kernel} is larger than its padded input ${h + 2 * pad}x${w + 2 * pad} (input ${show(x.shape)}, pad ${pad})`,
      'use larger images or fewer poolings before it',
    );

    const out = (size: number) => Math.floor((size + 2 * pad - reach) / stride) + 1;
    const p: Conv = { n, c, h, w, o, oh: out(h), ow: out(w), k, stride, pad, dilation, groups, bias };
    const fanIn = (c / groups) * k * k;
    const weight = g.param('weight', [o, c / groups, k, k], g.weights ?? torchDefault(fanIn));
    const b = bias ? g.param('bias', [o], torchDefault(fanIn)) : undefined;
    const changed = standardise ? standardised(g, weight) : through?.(g, weight);
    const used = changed?.value ?? weight.value;
    const y = g.tensor([n, o, p.oh, p.ow]);
    g.run(conv, p, { x, weight: used, bias: b?.value, y });

    return g.record([x], y, dy => {
      const split = splits(p, g.profile);
      const size = weight.value.size;
      const slices = g.tensor([split, ...weight.value.shape]);
      g.run(convBackwardWeight, { ...p, split }, { x, dy, dweight: slices });
      if (changed) {
        const dweight = g.tensor(weight.value.shape);
        g.run(sumSlices, { size, count: split }, { slices, out: dweight });
        changed.backward(dweight);
      } else {
        g.run(sumSlices, { size, count: split, gradient: g.gradient(weight.grad) }, { slices, out: weight.grad });
      }
      if (b) g.run(channelSum, { n, c: o, hw: p.oh * p.ow, gradient: g.gradient(b.grad) }, { x: dy, out: b.grad });
      if (!g.wantsGrad(x)) return [undefined];
      const dx = g.tensor(x.shape);
      if (gradientIsConv(p)) g.run(conv, inputGradient(p), { x: dy, weight: used, y: dx });
      else g.run(convBackwardInput, { ...p, epilogue: undefined }, { dy, weight: used, dx });
      return [dx];
    });
  };
