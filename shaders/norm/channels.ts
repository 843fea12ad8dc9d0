/** Loops over the values of each channel of a batch, and the numbers that runs of images give for it. */
import type { LoopParts, Target } from '../kernel/define.ts';
import { isSoftware, type Profile } from '../kernel/kernel.ts';
import { ceilDiv, entry, folded, threads, type Loop } from '../kernel/loops.ts';
import { total } from '../kernel/total.ts';
import { float } from '../kernel/wgsl.ts';

/** Sizes of x [n, c, hw]; with `plane` each of n is a pixel, hw is 1, and x [n / plane, c, plane]. */
export interface ChannelSizes {
  n: number;
  c: number;
  hw: number;
  plane?: number;
}

/** Neighbouring values of a channel. */
export const planeOf = ({ hw, plane = hw }: ChannelSizes): number => plane;

/** Sums over n and hw are taken in `split` runs of images. */
export interface Channels extends ChannelSizes {
  split: number;
}

/** Sizes of a loop whose workgroups find what they need of a channel by the numbers of `runs`, or without them from the values. */
export interface ByRuns extends ChannelSizes {
  runs?: Channels;
}

const isPowerOfTwo = (n: number): boolean => Number.isInteger(Math.log2(n));

/**
 * Whether WGSL reads the sizes of x as it runs, so that layers of all sizes share a pipeline: software adapters compile slowly. It divides by
 * that of a plane, which costs nothing where that is a shift.
 */
const readsSizes = (p: ChannelSizes | ByRuns | Channels, d: Profile): boolean =>
  isSoftware(d) && isPowerOfTwo(p.hw) && !p.plane && !('split' in p) && !('runs' in p && p.runs);

/** The bits of an f32, as sizes hold them. */
const bitsOf = (x: number): number => new Int32Array(Float32Array.of(x).buffer)[0]!;

/** The sizes of a call that its WGSL reads: `images` are those of a workgroup, and `momentum` is that of running statistics. */
export const sizesBy =
  <P extends ByRuns & { momentum?: number }>(images: (p: P, d: Profile) => number) =>
  (p: P, d: Profile): Record<string, number> => {
    if (!readsSizes(p, d)) return {};
    const { n, c, hw, momentum = 0 } = p;
    return { n, c, hw, images: images(p, d), mean: bitsOf(1 / (n * hw)), rate: bitsOf(momentum / (n * hw - 1)) };
  };

/** WGSL of the sizes of x, of its values of a channel and 1 over those, and of the rate by which a running variance follows. */
export const sizesIn = (p: ChannelSizes & { momentum?: number }, d: Profile) => {
  const count = p.n * p.hw;
  return readsSizes(p, d)
    ? { n: 'u32(op.n)', c: 'u32(op.c)', count: 'f32(op.n * op.hw)', mean: 'bitcast<f32>(op.mean)', rate: 'bitcast<f32>(op.rate)' }
    : { n: `${p.n}u`, c: `${p.c}u`, count: float(count), mean: float(1 / count), rate: float((p.momentum ?? 0) / (count - 1)) };
};

/** Runs of images to sum apart, so that few channels fill the device too. */
export const momentSplits = ({ n, c, hw }: ChannelSizes, d: Profile): number =>
  Math.max(1, Math.min(n, ceilDiv(isSoftware(d) ? 16 : 512, c), Math.floor((n * hw) / 4096)));

/** Images of one run. */
const perSplit = (p: Channels) => ceilDiv(p.n, p.split);
/** `split` may be more than the runs it gives: 5 images in 4 runs are 2 + 2 + 1. */
export const runs = (p: Channels) => ceilDiv(p.n, perSplit(p));
/** WGSL: the values of one channel in run `r`. */
export const valuesOf = (p: Channels, r: string) => `f32(min(${perSplit(p)}u, ${p.n}u - ${r} * ${perSplit(p)}u) * ${p.hw}u)`;

/** Threads of a workgroup that takes the values of a channel. */
export const channelThreads = (d: Profile): number => threads(d, 256);

/** The same where it takes `images` of x: as many as there are values, where that are few pixels. */
const threadsOf = ({ plane }: ChannelSizes, images: number, d: Profile): number => threads(d, plane ? Math.min(256, images) : 256);

/**
 * WGSL: the place in x of what is `j` values (or vec4) behind the first of image number `start`, of channel `c`. Where sizes are read a plane
 * has 2^`bits` of them, `last` is the number of its last, `next` leads to the same place of the next image, and `at` is the first of all.
 */
export function placeOf(p: ChannelSizes, d: Target, j: string): string {
  if (readsSizes(p, d)) return `at + (${j} >> bits) * next + (${j} & last)`;
  const size = planeOf(p) / d.width;
  if (!p.plane) return `((start + ${j} / ${size}u) * ${p.c}u + c) * ${size}u + ${j} % ${size}u`;
  const pixel = `(start / ${d.width}u + ${j})`;
  return `(${pixel} / ${size}u * ${p.c}u + c) * ${size}u + ${pixel} % ${size}u`;
}

/** WGSL: `body` for each value (or vec4) that a workgroup of `threads` takes by `channels`; `i` is its place. */
const eachValue = (p: ChannelSizes, d: Target, threads: number, body: string): string => `
  for (var j = lane; j < values; j += ${threads}u) {
    let i = ${placeOf(p, d, 'j')};
    ${body}
  }`;

/**
 * A workgroup for each channel `c` and each `images` of the batch, from number `start` on: `i` is the place of a value (or vec4) in WGSL.
 * Along x lie the workgroups of one channel or, with `across`, those of all channels for the same images.
 */
export function channels(p: ChannelSizes, images: number, d: Target, across: boolean): Loop {
  const shares = ceilDiv(p.n, images);
  const { counts, number } = folded(p.c, across ? 'xy' : 'yz');
  const size = threadsOf(p, images, d);
  const of = sizesIn(p, d);
  const share = readsSizes(p, d) ? 'u32(op.images)' : `${images}u`;
  const perImage = readsSizes(p, d) ? 'size' : `${p.hw / d.width}u`;
  const declared = `
  let size = u32(op.hw) / ${d.width}u; let bits = countTrailingZeros(size); let last = size - 1u;
  let next = ${of.c} * size; let at = start * next + c * size;`;
  return {
    grid: across ? [...counts, shares] : [shares, ...counts],
    main: (body, { before = '', after = '' } = {}) =>
      entry(
        size,
        `
  let c = ${number};
  if (c >= ${of.c}) { return; }
  let start = group.${across ? 'z' : 'x'} * ${share};${readsSizes(p, d) ? declared : ''}
  let values = min(${share}, ${of.n} - start) ${p.plane ? `/ ${d.width}u` : `* ${perImage}`};
  ${before}${eachValue(p, d, size, body)}
  ${after}`,
      ),
  };
}

/** Images of its channel that a workgroup takes: enough that starting it does not count, `least` values at least. */
export const imagesOf = ({ n, hw }: ChannelSizes, d: Profile, least = 0): number =>
  Math.min(n, ceilDiv(Math.max((isSoftware(d) ? 96 : 4) * channelThreads(d) * 4, least), hw));

/** A workgroup takes some images of its channel; what belongs to the channel is read once, before. */
export const overChannels = (p: ChannelSizes, d: Target, least = 0): Loop => channels(p, imagesOf(p, d, least), d, false);

/** Two sums over values of a channel, in WGSL: `each` adds to `first` and `second`. */
export interface Sums {
  readonly before: string;
  readonly each: string;
}

const channelTotal = (d: Target, threads = channelThreads(d)) => total(d, threads, { type: 'vec2f' });
const zeros = (d: Target) => `var first = ${d.type}(0.0); var second = first;`;
const bothOf = (d: Target) => `vec2f(${d.sum('first')}, ${d.sum('second')})`;

/** Sums over each channel and run of images; `store` sees both as `total` and where in `partial` they go, `out`. */
export function storedSums(p: Channels, d: Target, { before, each }: Sums, store: string): LoopParts {
  const { declared, of } = channelTotal(d, threadsOf(p, perSplit(p), d));
  return {
    declared,
    before: `
  ${zeros(d)}
  ${before}`,
    each,
    after: `
  ${of(bothOf(d))}
  if (lane == 0u) {
    let out = (group.z * ${p.c}u + c) * 2u;
    ${store}
  }`,
  };
}

/** The loop that they are taken in. */
export const overRuns = (p: Channels, d: Target): Loop => channels(p, perSplit(p), d, true);

/** WGSL of what the threads of a workgroup find together, at module level and where they need it. */
export interface FoundTogether {
  readonly declared: string;
  readonly found: string;
}

/** WGSL that has the sums over all that a workgroup of `channels` takes: `then` sees them as `total`, in each thread. */
export function sumsHere(p: ChannelSizes, d: Target, { before, each }: Sums, then: string): FoundTogether {
  const { declared, of } = channelTotal(d);
  return {
    declared,
    found: `{
  ${zeros(d)}
  ${before}
  ${eachValue(p, d, channelThreads(d), each)}
  ${of(bothOf(d), true)}
  ${then}
  }`,
  };
}

/** WGSL that declares `sum`, a vec2f that each thread of a workgroup has: that of `term` over the runs `r` of channel `c`. */
export function overPartials(p: Channels, d: Target, sum: string, term: string): FoundTogether {
  const { declared, of } = channelTotal(d);
  return {
    declared,
    found: `
  var ${sum} = vec2f(0.0);
  for (var r = lane; r < ${runs(p)}u; r += ${channelThreads(d)}u) { ${sum} += ${term}; }
  {
    ${of(sum, true)}
    ${sum} = total;
  }`,
  };
}

/** WGSL: the two numbers of run `r` of channel `c`. */
export const partialAt = (p: Channels): [first: string, second: string] => [
  `partial[(r * ${p.c}u + c) * 2u]`,
  `partial[(r * ${p.c}u + c) * 2u + 1u]`,
];
