/** Sums over all but the channels. */
import { kernel } from '../kernel/define.ts';
import { accumulated, accumulates, type Gradient } from '../kernel/gradient.ts';
import { isSoftware, type Profile } from '../kernel/kernel.ts';
import { ceilDiv, items, rows } from '../kernel/loops.ts';
import { total } from '../kernel/total.ts';
import { fitsVec4 } from '../kernel/wgsl.ts';
import type { ChannelSizes } from './channels.ts';

/** out[c] = the sum of x [n, c, hw] over n and hw: the gradient of a bias. With `split` so many shares of it by themselves, [split, c]. */
export interface ChannelSum extends ChannelSizes {
  split?: number;
  gradient?: Gradient;
}

/** Threads for a channel, or a share of one, on a GPU. */
const TREE = 256;

/** Shares of each channel to sum apart, so that few channels fill a GPU too; a software adapter has enough to do with one each. */
export const channelSplits = ({ n, c, hw }: ChannelSizes, d: Profile): number =>
  isSoftware(d) || hw === 1 ? 1 : Math.max(1, Math.min(32, ceilDiv(512, c), Math.floor((n * hw) / (4 * TREE))));

/** WGSL that declares channel and share of row number `row` of out, and of the numbers of its values the first and the end. */
function shareOf({ n, c, hw, split = 1 }: ChannelSum, row: string): string {
  const span = ceilDiv(n * hw, split);
  return `
  let c = ${row} % ${c}u;
  let first = ${row} / ${c}u * ${span}u;
  let end = min(first + ${span}u, ${n * hw}u);`;
}

/** WGSL: value number `at` of the channel. */
const channelValue = ({ c, hw }: ChannelSum) => `x[(at / ${hw}u * ${c}u + c) * ${hw}u + at % ${hw}u]`;

/** out [c] from x [n, c, hw], written as a gradient (see gradient.ts). */
export const channelSum = kernel({
  name: 'channel_sum',
  bindings: { x: 'read', out: 'write' },
  step: (p: ChannelSum) => accumulates(p.gradient),
  variants: [
    {
      name: 'lanes', // a subgroup for each channel
      fits: (p, d) => isSoftware(d) && p.hw > 1 && !p.split,
      needs: ['subgroups'],
      vec4: { of: ['x'], where: (p: ChannelSum) => fitsVec4(p.hw) },
      over: (p, d) => rows(p.c, d.lanes),
      body: (p, d) => `
  var own = ${d.type}(0.0);
  for (var n = 0u; n < ${p.n}u; n++) {
    let base = (n * ${p.c}u + row) * ${p.hw / d.width}u;
    for (var i = lane; i < ${p.hw / d.width}u; i += ${d.lanes}u) { own += x[base + i]; }
  }
  ${total(d, d.lanes).of(d.sum('own'))}
  ${storeTotal(p)}`,
    },
    {
      name: 'tree',
      fits: (p, d) => !isSoftware(d) && p.hw > 1 && d.maxWorkgroup >= TREE,
      over: p => rows(p.c * (p.split ?? 1), TREE),
      body: (p, d) => ({
        declared: total(d, TREE).declared,
        each: `
  ${shareOf(p, 'row')}
  var own = 0.0;
  for (var at = first + lane; at < end; at += ${TREE}u) { own += ${channelValue(p)}; }
  ${total(d, TREE).of('own')}
  ${storeTotal(p)}`,
      }),
    },
    {
      over: (p, d) => items(p.c * (p.split ?? 1), d),
      body: p => `
  ${shareOf(p, 'i')}
  var v = 0.0;
  for (var at = first; at < end; at++) { v += ${channelValue(p)}; }
  out[i] = ${accumulated(p.gradient, 'out[i]')};`,
    },
  ],
});

const storeTotal = (p: ChannelSum) => `if (lane == 0u) { let v = total; out[row] = ${accumulated(p.gradient, 'out[row]')}; }`;
