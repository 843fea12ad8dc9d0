import { isSoftware, type Staged } from '../kernel/kernel.ts';
import { areBoth } from '../kernel/pair.ts';
import { patches } from './patches.ts';
import { isInside, type ConvWeight } from './shape.ts';

/** Input channels of a group from which on reading the pixels a second time is worth it. */
const ENOUGH = 32;

/**
 * The weight gradient of a strided 1x1 convolution by that of stride 1, of the pixels that it reads: four of them lie side by side then, and
 * it shares its pipeline with the 1x1 convolutions around it.
 */
export const subsampled: Staged<ConvWeight> = {
  name: 'subsampled',
  fits: (p, d) => isSoftware(d) && areBoth(p.k, 1) && !areBoth(p.stride, 1) && isInside(p),
  leads: p => p.c / p.groups >= ENOUGH,
  gives: (call, _, make) => {
    const p = call.params as ConvWeight;
    const { n, c, oh, ow } = p;
    const { x, ...tensors } = call.tensors;
    const read = make('pixels read', [n, c, oh, ow]);
    return [
      { ...call, kernel: patches, params: { ...p, bias: false }, tensors: { x: x!, y: read } },
      { ...call, params: { ...p, h: oh, w: ow, stride: [1, 1] }, tensors: { x: read, ...tensors } },
    ];
  },
};
