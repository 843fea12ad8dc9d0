/** WGSL of what the gradients of batch normalisation take from a channel: of runs of images, and of all of them together. */
import type { Target } from '../kernel/define.ts';
import { accumulated, type Gradient } from '../kernel/gradient.ts';
import type { Profile } from '../kernel/kernel.ts';
import { overPartials, partialAt, sizesIn, sumsHere, type Channels, type Sums, type FoundTogether, type ChannelSizes } from './channels.ts';

/** Sums of dy and of dy (x - mean). */
export const products: Sums = {
  before: '',
  each: `
    let v = dy[i];
    first += v;
    second += v * (x[i] - mean);`,
};

/** Declares `sum` and `product` of channel `c`, which all threads of a workgroup find from its `runs`. */
export function gradientsFromRuns(runs: Channels, d: Target): FoundTogether {
  const { declared, found } = overPartials(runs, d, 'sums', `vec2f(${partialAt(runs).join(', ')})`);
  return { declared, found: `${found}\n  let sum = sums.x; let product = sums.y;` };
}

/** The same from the values, all of which the workgroup takes. */
export function gradientsFromValues(p: ChannelSizes, d: Target): FoundTogether {
  const { declared, found } = sumsHere(p, d, products, 'sums = total;');
  return { declared, found: `var sums = vec2f(0.0);\n  ${found}\n  let sum = sums.x; let product = sums.y;` };
}

/** What the gradient of x takes of `sum`, `product` and the `inverse` deviation: means of dy, and of dy xhat over the deviation. */
export const firstMean = (p: ChannelSizes, d: Profile): string => `sum * ${sizesIn(p, d).mean}`;
export const secondMean = (p: ChannelSizes, d: Profile): string => `product * inverse * inverse * ${sizesIn(p, d).mean}`;

/** Stores the gradients of weight and bias, where they are asked for. */
export const storedGradients = (gradient: Gradient | undefined): string =>
  gradient
    ? `
    { let v = product * inverse; dweight[c] = ${accumulated(gradient, 'dweight[c]')}; }
    { let v = sum; dbias[c] = ${accumulated(gradient, 'dbias[c]')}; }`
    : '';
