import type { CallRow } from '../kernel/row.ts';
import { readPart, writePart, type Copy } from './copy.ts';
import { dropSample, type DropSample } from './noise.ts';

const copies = (why: string, params: Copy): CallRow<Copy>[] =>
  [writePart, readPart].map(kernel => ({ why, kernel, params, tensors: p => ({ x: p.n * p.source, y: p.n * p.dest }) }));

const drop = (why: string, params: DropSample): CallRow<DropSample> => ({
  why,
  kernel: dropSample,
  params,
  tensors: p => ({ x: p.n * p.size, y: p.n * p.size }),
});

export const calls: readonly CallRow[] = [
  ...copies('as vec4', { n: 3, size: 8, source: 12, start: 4, dest: 16, offset: 4 }),
  ...copies('nothing divides', { n: 3, size: 7, source: 9, start: 2, dest: 11, offset: 3 }),
  drop('as vec4', { n: 9, size: 12, p: 0.4, layer: 3, perSample: true, scale: 1.5 }),
  drop('nothing divides', { n: 9, size: 11, p: 0.4, layer: 3, perSample: true, scale: 1.5 }),
];
