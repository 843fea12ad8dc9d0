/** Functions of tensors of which some are repeated along some dimensions, and sums along these: both as numpy broadcasts. */
import { kernel, type Looped, type Target } from '../kernel/define.ts';
import { accumulates } from '../kernel/gradient.ts';
import { isSoftware, type Profile, type Variant } from '../kernel/kernel.ts';
import { ceilDiv, rows, threads, values } from '../kernel/loops.ts';
import { product } from '../kernel/shape.ts';
import { totalNeeds } from '../kernel/total.ts';
import { fitsVec4, widthOf } from '../kernel/wgsl.ts';
import { operandsOf, repeatedLast, rowsOf, runsOf, type Broadcast, type BroadcastSum, type Rows } from './broadcast-shape.ts';

/** The WGSL, which the first nets that many train do without. */
const code = () => import('./broadcast-code.ts');

/** Whether rows can be taken four at a time, `repeated` being what is one number along them. */
const wide = (repeated: readonly string[]) => (p: Broadcast) =>
  fitsVec4(runsOf(p.shape, { ...p.of }).at(-1)!.size) && repeatedLast(p).join() === repeated.join();

const form = {
  over: (p: Broadcast, d: Target) => values(product(p.shape) / d.width, d),
  body: async (p: Broadcast, d: Target) => (await code()).broadcastBody(p, d),
};

/** y of `shape` from its operands, a thread for each value, or for four along the last run. */
export const broadcast = kernel({
  name: 'broadcast',
  bindings: { v: 'read', a: 'read?', b: 'read?', y: 'write' },
  epilogue: 'y',
  variants: [
    { ...form, name: 'vec4, a repeated', vec4: ['v', 'b', 'y'], fits: wide(['a']) },
    { ...form, name: 'vec4, b repeated', vec4: ['v', 'a', 'y'], fits: wide(['b']) },
    { ...form, name: 'vec4', vec4: ['v', 'a', 'b', 'y'], fits: wide([]) },
    form,
  ],
});

/** Workgroups that fill a processor. */
const ENOUGH = 64;
/** Values of the longest row that one lane adds up, to 1e-5. */
const LONGEST = 1 << 14;

/** The rows of each. */
const shareOf = ({ count }: Rows, { lanes }: Profile) => ceilDiv(ceilDiv(count, ENOUGH), lanes) * lanes;

/** A lane for each value of out on software adapters: a workgroup costs as much there as a row of hundreds. */
const inLanes = (vec4: boolean): Variant<BroadcastSum> => ({
  name: vec4 ? 'lanes vec4' : 'lanes',
  fits: (p, d) => {
    const rows = isSoftware(d) ? rowsOf(p) : undefined;
    return rows !== undefined && rows.count >= ENOUGH && rows.size <= LONGEST && (!vec4 || fitsVec4(rows.size));
  },
  vec4: p => (vec4 ? operandsOf(p.of).filter(rowsOf(p)!.perValue) : []),
  sizes: (p, d) => {
    const rows = rowsOf(p)!;
    return { rows: rows.count, size: rows.size / widthOf(vec4).width, share: shareOf(rows, d) };
  },
  grid: (p, d) => {
    const rows = rowsOf(p)!;
    return [ceilDiv(rows.count, shareOf(rows, d)), 1, 1];
  },
  code: async (p, d) => (await code()).rowSumsCode(p, rowsOf(p)!, d, vec4),
});

/** A workgroup for each value of out. */
const ofWorkgroups: Looped<BroadcastSum> = {
  needs: totalNeeds,
  over: (p, d) => rows(product(p.kept), threads(d, 256)),
  body: async (p, d) => (await code()).sumBody(p, d),
};

export const broadcastSum = kernel({
  name: 'broadcast_sum',
  bindings: { v: 'read', a: 'read?', b: 'read?', out: 'write' },
  step: (p: BroadcastSum) => accumulates(p.gradient),
  variants: [inLanes(true), inLanes(false), ofWorkgroups],
});
