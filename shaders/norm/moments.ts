/** Sums over each channel of a batch, and the means and variances that normalisation takes from them. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { variants, type Grid, type Profile, type Variant } from '../kernel/kernel.ts';
import { ceilDiv, each, fold, MAX_GRID } from '../kernel/loops.ts';
import { total, totalNeeds } from '../kernel/total.ts';
import { float } from '../kernel/wgsl.ts';

/** Sizes of x [n, c, hw]; sums over n and hw are taken in `split` runs of images. */
export interface Channels {
  n: number;
  c: number;
  hw: number;
  split: number;
}

/** Runs of images to sum apart, so that few channels fill the device too. */
export const momentSplits = ({ n, c, hw }: Omit<Channels, 'split'>, d: Profile): number =>
  Math.max(1, Math.min(n, ceilDiv(d.lanes ? 16 : 512, c), Math.floor((n * hw) / 4096)));

/** Images of one run. */
const perSplit = (p: Channels) => ceilDiv(p.n, p.split);
/** `split` may be more than the runs it gives: 5 images in 4 runs are 2 + 2 + 1. */
export const runs = (p: Channels) => ceilDiv(p.n, perSplit(p));
/** WGSL: the values of one channel in run `r`. */
const valuesOf = (p: Channels, r: string) => `f32(min(${perSplit(p)}u, ${p.n}u - ${r} * ${perSplit(p)}u) * ${p.hw}u)`;

/** Threads of one workgroup. */
export const workers = (d: Profile) => d.lanes || Math.min(256, d.maxWorkgroup);

/** The two sums of a channel, over the threads of a workgroup. */
const totals = (d: Profile) => total(d, workers(d), { type: 'vec2f' });

/** What a variant that takes four values at a time asks for. */
export const vec4Variant = { name: 'vec4', fits: (p: { hw: number }) => p.hw % 4 === 0 };
const joined = (vec4: boolean, v: string) => (vec4 ? `dot(${v}, vec4f(1.0))` : v);

/** WGSL before, in and after a loop; `body` sees `i`, the place of a value (or of four). */
export interface Loop {
  before: string;
  body: string;
  after: string;
}

/** A workgroup for each channel and run, whose `body` adds to `first` and `second`; `after` sees their sums as `total`. */
export function overChannels(p: Channels, d: Profile, vec4: boolean, { before, body, after }: Loop): string {
  const hw = vec4 ? p.hw / 4 : p.hw;
  return (
    totals(d).declared +
    wgsl`
@compute @workgroup_size(${workers(d)})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
  let c = group.x + group.y * ${MAX_GRID}u;
  if (c >= ${p.c}u) { return; }
  let start = group.z * ${perSplit(p)}u;
  let values = min(${perSplit(p)}u, ${p.n}u - start) * ${hw}u;
  var first = ${vec4 ? 'vec4f(0.0)' : '0.0'};
  var second = first;
  ${before}
  for (var j = lane; j < values; j += ${workers(d)}u) {
    let i = ((start + j / ${hw}u) * ${p.c}u + c) * ${hw}u + j % ${hw}u;
    ${body}
  }
  ${totals(d).of(`vec2f(${joined(vec4, 'first')}, ${joined(vec4, 'second')})`)}
  if (lane == 0u) {
    let out = (group.z * ${p.c}u + c) * 2u;
    ${after}
  }
}`
  );
}

export const overChannelsGrid = (p: Channels): Grid => [Math.min(p.c, MAX_GRID), ceilDiv(p.c, MAX_GRID), runs(p)];

const momentsVariant = (vec4: boolean): Variant<Channels> => ({
  ...(vec4 ? { ...vec4Variant, vec4: ['x'] } : { name: 'plain' }),
  needs: totalNeeds,
  grid: overChannelsGrid,
  // Sums of the distances from a value of the channel itself: E[x^2] - E[x]^2 would cancel where the mean is large.
  code: (p, d) =>
    overChannels(p, d, vec4, {
      before: vec4
        ? `let shift = dot(x[(start * ${p.c}u + c) * ${p.hw / 4}u], vec4f(0.25));`
        : `let shift = x[(start * ${p.c}u + c) * ${p.hw}u];`,
      body: `
    let v = x[i] - shift;
    first += v;
    second += v * v;`,
      after: `
    let count = ${valuesOf(p, 'group.z')};
    partial[out] = shift + total.x / count;
    partial[out + 1u] = max(0.0, total.y - total.x * total.x / count);`,
    }),
});

/** partial [split, c, 2]: mean and sum of squared distances from it, of each channel in each run of images. */
export const moments = variants({
  name: 'moments',
  bindings: { x: 'read', partial: 'write' },
  variants: [momentsVariant(true), momentsVariant(false)],
});

export interface JoinMoments extends Channels {
  eps: number;
  /** Of running statistics, where the call has any. */
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
export const joinMoments = variants({
  name: 'join_moments',
  bindings: { partial: 'read f32', stats: 'write f32', running_mean: 'write?', running_var: 'write?' },
  variants: [
    {
      name: 'wide', // the many runs of a convolution's own statistics: a workgroup for each channel
      fits: (p: JoinMoments) => runs(p) > 32,
      needs: totalNeeds,
      grid: p => fold(p.c),
      code: (p, d) =>
        squared +
        totals(d).declared +
        wgsl`
@compute @workgroup_size(${workers(d)})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
  let i = group.x + group.y * ${MAX_GRID}u;
  if (i >= ${p.c}u) { return; }
  var part = vec2f(0.0);
  for (var r = lane; r < ${runs(p)}u; r += ${workers(d)}u) { part.x += ${meanOf(p)}; }
  var mean = 0.0;
  {
    ${totals(d).of('part', true)}
    mean = total.x;
  }
  for (var r = lane; r < ${runs(p)}u; r += ${workers(d)}u) { part.y += ${squaresOf(p)}; }
  ${totals(d).of('part', true)}
  let squares = total.y;
  if (lane == 0u) {
    ${statistics(p)}
  }
}`,
    },
    {
      name: 'plain',
      grid: (p, d) => each(p.c, d).grid,
      code: (p, d) =>
        squared +
        each(p.c, d).main(`
    var mean = 0.0; var squares = 0.0;
    for (var r = 0u; r < ${runs(p)}u; r++) { mean += ${meanOf(p)}; }
    for (var r = 0u; r < ${runs(p)}u; r++) { squares += ${squaresOf(p)}; }
    ${statistics(p)}`),
    },
  ],
});
