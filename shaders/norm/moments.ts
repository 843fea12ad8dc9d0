/** Sums over each channel of a batch, and the means and variances that normalisation takes from them. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { kernel, type Target } from '../kernel/define.ts';
import { isSoftware, type Profile } from '../kernel/kernel.ts';
import { ceilDiv, entry, folded, rows, threads, values, type Loop } from '../kernel/loops.ts';
import { total, totalNeeds } from '../kernel/total.ts';
import { fitsVec4, float } from '../kernel/wgsl.ts';

/** Sizes of x [n, c, hw]; sums over n and hw are taken in `split` runs of images. */
export interface Channels {
  n: number;
  c: number;
  hw: number;
  split: number;
}

/** Runs of images to sum apart, so that few channels fill the device too. */
export const momentSplits = ({ n, c, hw }: Omit<Channels, 'split'>, d: Profile): number =>
  Math.max(1, Math.min(n, ceilDiv(isSoftware(d) ? 16 : 512, c), Math.floor((n * hw) / 4096)));

/** Images of one run. */
const perSplit = (p: Channels) => ceilDiv(p.n, p.split);
/** `split` may be more than the runs it gives: 5 images in 4 runs are 2 + 2 + 1. */
export const runs = (p: Channels) => ceilDiv(p.n, perSplit(p));
/** WGSL: the values of one channel in run `r`. */
const valuesOf = (p: Channels, r: string) => `f32(min(${perSplit(p)}u, ${p.n}u - ${r} * ${perSplit(p)}u) * ${p.hw}u)`;

/** Threads of a workgroup that takes the values of a channel. */
export const channelThreads = (d: Profile): number => threads(d, 256);

/**
 * A workgroup for each channel `c` and each `images` of the batch, from number `start` on: `i` is the place of a value (or vec4) in WGSL.
 * Along x lie the workgroups of one channel or, with `across`, those of all channels for the same images.
 */
export function channels(p: { n: number; c: number; hw: number }, images: number, d: Target, across: boolean): Loop {
  const hw = p.hw / d.width;
  const shares = ceilDiv(p.n, images);
  const { counts, number } = folded(p.c, across ? 'xy' : 'yz');
  return {
    grid: across ? [...counts, shares] : [shares, ...counts],
    main: (body, { before = '', after = '' } = {}) =>
      entry(
        channelThreads(d),
        `
  let c = ${number};
  if (c >= ${p.c}u) { return; }
  let start = group.${across ? 'z' : 'x'} * ${images}u;
  let values = min(${images}u, ${p.n}u - start) * ${hw}u;
  ${before}
  for (var j = lane; j < values; j += ${channelThreads(d)}u) {
    let i = ((start + j / ${hw}u) * ${p.c}u + c) * ${hw}u + j % ${hw}u;
    ${body}
  }
  ${after}`,
      ),
  };
}

/**
 * Sums over each channel and run: `each` adds to `first` and `second`, `store` sees both as `total` and where in `partial` they go, `out`.
 */
export function channelSums(p: Channels, d: Target, { before, each, store }: { before: string; each: string; store: string }) {
  const { declared, of } = total(d, channelThreads(d), { type: 'vec2f' });
  return {
    declared,
    before: `
  var first = ${d.type}(0.0);
  var second = first;
  ${before}`,
    each,
    after: `
  ${of(`vec2f(${d.sum('first')}, ${d.sum('second')})`)}
  if (lane == 0u) {
    let out = (group.z * ${p.c}u + c) * 2u;
    ${store}
  }`,
  };
}

/** The loop that `channelSums` are taken in. */
export const overRuns = (p: Channels, d: Target): Loop => channels(p, perSplit(p), d, true);

/** partial [split, c, 2]: mean and sum of squared distances from it, of each channel in each run of images. */
export const moments = kernel({
  name: 'moments',
  bindings: { x: 'read', partial: 'write' },
  needs: totalNeeds,
  vec4: { of: ['x'], where: (p: Channels) => fitsVec4(p.hw) },
  over: overRuns,
  // Sums of the distances from a value of the channel itself: E[x^2] - E[x]^2 would cancel where the mean is large.
  body: (p, d) =>
    channelSums(p, d, {
      before: `
  let sample = x[(start * ${p.c}u + c) * ${p.hw / d.width}u];
  let shift = ${d.width === 4 ? 'dot(sample, vec4f(0.25))' : 'sample'};`,
      each: `
    let v = x[i] - shift;
    first += v;
    second += v * v;`,
      store: `
    let count = ${valuesOf(p, 'group.z')};
    partial[out] = shift + total.x / count;
    let squares = total.y - total.x * total.x / count;
    partial[out + 1u] = select(squares, 0.0, squares <= 0.0); // NaN stays`,
    }),
});

export interface JoinMoments extends Channels {
  eps: number;
  /** How the running statistics follow, where the call has any. */
  momentum?: number;
}

/** WGSL: the two numbers of run `r` of channel `i`. */
export const partialAt = (p: Channels): [first: string, second: string] => [
  `partial[(r * ${p.c}u + i) * 2u]`,
  `partial[(r * ${p.c}u + i) * 2u + 1u]`,
];

/** WGSL: what run `r` adds to the mean of channel `i`, and then to its squared distances from that. */
const meanOf = (p: Channels) => `${partialAt(p)[0]} * (${valuesOf(p, 'r')} * ${1 / (p.n * p.hw)})`;
const squaresOf = (p: Channels) => `${partialAt(p)[1]} + squared(${partialAt(p)[0]} - mean) * ${valuesOf(p, 'r')}`;
const squared = 'fn squared(v : f32) -> f32 { return v * v; }\n';

/** WGSL that stores what follows from `mean` and `squares` of channel `i`. */
function statistics({ n, c, hw, eps, momentum }: JoinMoments): string {
  const count = n * hw;
  const rate = momentum ?? 0;
  return wgsl`
    stats[i] = mean;
    stats[${c}u + i] = 1.0 / sqrt(squares * ${1 / count} + ${float(eps)});
    #if ${momentum !== undefined}
    running_mean[i] = running_mean[i] * ${float(1 - rate)} + mean * ${float(rate)};
    running_var[i] = running_var[i] * ${float(1 - rate)} + squares * ${float(rate / (count - 1))};
    #endif`;
}

/** stats [2, c] = mean and 1 / sqrt(biased variance + eps). Running statistics move by `momentum`, the variance being the unbiased one. */
export const joinMoments = kernel({
  name: 'join_moments',
  bindings: { partial: 'read f32', stats: 'write f32', running_mean: 'write?', running_var: 'write?' },
  variants: [
    {
      name: 'wide', // the many runs of a convolution's own statistics: a workgroup for each channel
      fits: (p: JoinMoments) => runs(p) > 32,
      needs: totalNeeds,
      over: (p, d) => rows(p.c, channelThreads(d)),
      body: (p, d) => {
        const { declared, of } = total(d, channelThreads(d), { type: 'vec2f' });
        const overRuns = `for (var r = lane; r < ${runs(p)}u; r += ${channelThreads(d)}u)`;
        return {
          declared: squared + declared,
          each: wgsl`
  let i = row;
  var part = vec2f(0.0);
  ${overRuns} { part.x += ${meanOf(p)}; }
  var mean = 0.0;
  {
    ${of('part', true)}
    mean = total.x;
  }
  ${overRuns} { part.y += ${squaresOf(p)}; }
  ${of('part', true)}
  let squares = total.y;
  if (lane == 0u) {
    ${statistics(p)}
  }`,
        };
      },
    },
    {
      over: (p: JoinMoments, d) => values(p.c, d),
      body: p => ({
        declared: squared,
        each: `
    var mean = 0.0; var squares = 0.0;
    for (var r = 0u; r < ${runs(p)}u; r++) { mean += ${meanOf(p)}; }
    for (var r = 0u; r < ${runs(p)}u; r++) { squares += ${squaresOf(p)}; }
    ${statistics(p)}`,
      }),
    },
  ],
});
