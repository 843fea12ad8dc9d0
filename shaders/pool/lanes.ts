/** Pooling for software adapters: a lane goes down a strip of columns, each row of which it loads once. */
import { tilesAcross } from '../conv/lane-tiles.ts';
import { isSoftware, type Profile, type Variant } from '../kernel/kernel.ts';
import { ceilDiv, folded } from '../kernel/loops.ts';
import { fitsVec4 } from '../kernel/wgsl.ts';
import { isDilated, tiles, unrolls, type Pool } from './shape.ts';

/** What a call computes. */
export type PoolOutput = 'y' | 'dx';

/** Largest windows whose rows are held. */
const MOST = 5;

/** Strips across an image: how many windows begin in one, how many there are, and whether x (dx) and y (dy) are read or written as vec4f. */
export function stripsOf(output: PoolOutput, { w, ow, stride: [, step] }: Pool) {
  const windows = output === 'y' ? ow : Math.max(ow, ceilDiv(w, step));
  const wide = fitsVec4(w) || fitsVec4(ow);
  const { width, across } = tilesAcross(windows, wide ? [4] : windows < 8 ? [windows] : [4, 5, 7]);
  const last = (across - 1) * width;
  return { width, across, x: fitsVec4(w) && last * step < w, y: fitsVec4(ow) && last < ow };
}

const itemsOf = (output: PoolOutput, p: Pool): number => p.planes * stripsOf(output, p).across;

const groupsOf = (output: PoolOutput, p: Pool, d: Profile) => folded(ceilDiv(itemsOf(output, p), d.lanes), 'xy');

/** The variant that computes `output`. A forward pass whose rows are no vec4f gains nothing where its windows lie inside the image. */
export const inLanes = (output: PoolOutput): Variant<Pool> => ({
  name: 'lanes',
  needs: ['subgroups'],
  fits: (p, d) =>
    isSoftware(d) &&
    !p.adaptive &&
    !isDilated(p) &&
    !tiles(p) &&
    Math.max(...p.k) <= MOST &&
    p.stride.every((stride, axis) => stride <= p.k[axis]!) &&
    !(output === 'y' && unrolls(p) && !stripsOf('y', p).x),
  vec4: p => {
    const { x, y } = stripsOf(output, p);
    const [larger, smaller] = output === 'y' ? ['x', ['y', 'argmax']] : ['dx', ['dy', 'argmax']];
    return [...(x ? [larger] : []), ...(y ? smaller : [])];
  },
  sizes: p => ({ items: itemsOf(output, p), across: stripsOf(output, p).across, h: p.h, w: p.w, oh: p.oh, ow: p.ow }),
  grid: (p, d) => [...groupsOf(output, p, d).counts, 1],
  code: async (p, d) => (await import('./lanes-code.ts')).poolCode(output, p, d, groupsOf(output, p, d).number),
});
