/** Pooling for software adapters: a lane goes down a strip of columns, each row of which it loads once. */
import { isSoftware, type Profile, type Variant } from '../kernel/kernel.ts';
import { ceilDiv, folded } from '../kernel/loops.ts';
import { isDilated, tiles, unrolls, type Pool } from './shape.ts';
import { stripsOf, type PoolOutput } from './strips.ts';

/** Largest windows whose rows are held. */
const MOST = 5;

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
