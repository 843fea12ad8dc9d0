import type { Conv } from './shape.ts';
import { areaOf, declared, namesOf } from '../kernel/pair.ts';

/** Sizes as WGSL constants, for the variants that are cheap to compile; CG and OG are channels of one group, KK taps. */
export const constants = (p: Conv) => `
const N = ${p.n};
const C = ${p.c}; const H = ${p.h}; const W = ${p.w};
const O = ${p.o}; const OH = ${p.oh}; const OW = ${p.ow};
${declared('K', p.k)} const KK = ${areaOf(p.k)}; ${declared('STRIDE', p.stride)} ${declared('PAD', p.pad)} ${declared('DIL', p.dilation)}
const CG = ${p.c / p.groups}; const OG = ${p.o / p.groups};
`;

/** The names of its constants for rows and for columns. */
export function axesOf(p: Conv) {
  const [k, stride, pad, dil] = [namesOf('K', p.k), namesOf('STRIDE', p.stride), namesOf('PAD', p.pad), namesOf('DIL', p.dilation)];
  const axis = (i: 0 | 1) => ({ k: k[i], stride: stride[i], pad: pad[i], dil: dil[i] });
  return [axis(0), axis(1)] as const;
}
