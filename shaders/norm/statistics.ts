/** WGSL of means and variances of channels: of runs of images, and of all of them together. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { Target } from '../kernel/define.ts';
import type { Profile } from '../kernel/kernel.ts';
import { float } from '../kernel/wgsl.ts';
import {
  overPartials,
  partialAt,
  placeOf,
  sizesIn,
  sumsHere,
  valuesOf,
  type Channels,
  type Sums,
  type FoundTogether,
  type ChannelSizes,
} from './channels.ts';

/** What statistics of all values of a channel come to. */
export interface Statistics extends ChannelSizes {
  eps: number;
  /** How the running statistics follow, where the call has any. */
  momentum?: number;
}

/**
 * Sums of the distances from a value of the channel itself: E[x^2] - E[x]^2 would cancel where the mean is large (shifted data: Chan, Golub &
 * LeVeque 1983).
 */
export const distances = (p: ChannelSizes, d: Target): Sums => ({
  before: `
  let sample = x[${placeOf(p, d, '0u')}];
  let shift = ${d.width === 4 ? 'dot(sample, vec4f(0.25))' : 'sample'};`,
  each: `
    let v = x[i] - shift;
    first += v;
    second += v * v;`,
});

/** Declares `mean` and `squares`, the sum of squared distances from it, by the `total` of the distances of `count` values. */
export const momentsOf = (count: string): string => `
    let count = ${count};
    let mean = shift + total.x / count;
    let off = total.y - total.x * total.x / count;
    let squares = select(off, 0.0, off <= 0.0); // NaN stays`;

/**
 * What `count` values of mean `first` add to the mean of all, and with `second`, the sum of their squared distances from `first`, to those from
 * the mean of all, `mean` (Chan, Golub & LeVeque 1979).
 */
const meanPart = (p: ChannelSizes, first: string, count: string) => `${first} * (${count} * ${1 / (p.n * p.hw)})`;
const squaresPart = (first: string, second: string, count: string) => `${second} + squared(${first} - mean) * ${count}`;
export const squared = 'fn squared(v : f32) -> f32 { return v * v; }\n';

/** The same for run `r`. */
export const meanOfRun = (p: Channels): string => meanPart(p, partialAt(p)[0], valuesOf(p, 'r'));
export const squaresOfRun = (p: Channels): string => squaresPart(...partialAt(p), valuesOf(p, 'r'));

/** Declares `mean` and `squares` of channel `c`, which all threads of a workgroup find from its `runs`. */
export function fromRuns(runs: Channels, d: Target): FoundTogether {
  const means = overPartials(runs, d, 'means', `vec2f(${meanOfRun(runs)}, 0.0)`);
  const spreads = overPartials(runs, d, 'spreads', `vec2f(${squaresOfRun(runs)}, 0.0)`);
  return { declared: squared + means.declared, found: `${means.found}\n  let mean = means.x;${spreads.found}\n  let squares = spreads.x;` };
}

/** The same from the values, all of which the workgroup takes. */
export function fromValues(p: ChannelSizes, d: Target): FoundTogether {
  const { declared, found } = sumsHere(
    p,
    d,
    distances(p, d),
    `${momentsOf(sizesIn(p, d).count)}
    all = vec2f(mean, squares);`,
  );
  return { declared, found: `\n  var all = vec2f(0.0);\n  ${found}\n  let mean = all.x;\n  let squares = all.y;` };
}

/** Stores what follows from `mean` and `squares` of channel `c`. */
export function storedStatistics(p: Statistics, d: Profile): string {
  const { c, rate } = sizesIn(p, d);
  const momentum = p.momentum ?? 0;
  return wgsl`
    stats[c] = mean;
    stats[${c} + c] = ${inverseOf(p, d)};
    #if ${p.momentum !== undefined}
    running_mean[c] = running_mean[c] * ${float(1 - momentum)} + mean * ${float(momentum)};
    running_var[c] = running_var[c] * ${float(1 - momentum)} + squares * ${rate};
    #endif`;
}

/** 1 over the deviation. */
export const inverseOf = (p: Statistics, d: Profile): string => `1.0 / sqrt(squares * ${sizesIn(p, d).mean} + ${float(p.eps)})`;
