import { check, images, show } from '../engine/check.ts';
import type { Layer, Tensor } from '../engine/graph.ts';
import { sumSlices } from '../shaders/kernel/sum-slices.ts';
import { conv, convBackwardInput, convBackwardWeight, gradientIsConv, inputGradient, splits } from '../shaders/conv/conv.ts';
import type { Conv } from '../shaders/conv/shape.ts';
import { channelSum } from '../shaders/norm/reduce.ts';
import { torchDefault } from './init.ts';
import { standardised } from './norm.ts';
import { weightGradient, type WeightTransform } from './weight.ts';

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
    const who = g.who('conv2d');
    const [n, c, h, w] = images(who, x.shape);
    const reach = dilation * (k - 1) + 1;
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

    const backward = (dy: Tensor) => {
      const split = splits(p, g.profile);
      const slices = g.tensor([split, ...weight.value.shape]);
      g.run(convBackwardWeight, { ...p, split }, { x, dy, dweight: slices });
      weightGradient(g, weight, changed, (out, gradient) =>
        g.run(sumSlices, { size: weight.value.size, count: split, gradient }, { slices, out }),
      );
      if (b) g.run(channelSum, { n, c: o, hw: p.oh * p.ow, gradient: g.gradient(b.grad) }, { x: dy, out: b.grad });
      const dx = g.gradientOf(x, dx => {
        if (gradientIsConv(p)) g.run(conv, inputGradient(p), { x: dy, weight: used, y: dx });
        else g.run(convBackwardInput, { ...p, epilogue: undefined }, { dy, weight: used, dx });
      });
      return [dx];
    };
    return g.record([x], y, backward, { weight, bias: b, used });
  };
