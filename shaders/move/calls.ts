import type { CallRow } from '../kernel/row.ts';
import { readPart, writePart, type Copy } from './copy.ts';
import { product } from '../kernel/shape.ts';
import { broadcast, broadcastSum } from './broadcast.ts';
import type { Broadcast, BroadcastSum } from './broadcast-shape.ts';
import { dropSample, type DropSample } from './noise.ts';

const copies = (why: string, params: Copy): CallRow<Copy>[] =>
  [writePart, readPart].map(kernel => ({ why, kernel, params, tensors: p => ({ x: p.n * p.source, y: p.n * p.dest }) }));

const drop = (why: string, params: DropSample): CallRow<DropSample> => ({
  why,
  kernel: dropSample,
  params,
  tensors: p => ({ x: p.n * p.size, y: p.n * p.size }),
});

const repeated = (why: string, params: Broadcast, bench?: CallRow<Broadcast>['bench']): CallRow<Broadcast> => ({
  why,
  kernel: broadcast,
  params,
  tensors: ({ shape, of: { v, a, b } }) => ({ v: product(v), ...(a && { a: product(a) }), ...(b && { b: product(b) }), y: product(shape) }),
  ...(bench && { bench }),
});
/** Images times a gate for each of their channels. */
const gate = (n: number, c: number, h: number, w: number): Broadcast => ({
  shape: [n, c, h, w],
  of: { v: [n, c, h, w], a: [n, c, 1, 1] },
  f: 'v * a',
});

const sums = (why: string, params: BroadcastSum, bench?: CallRow<BroadcastSum>['bench']): CallRow<BroadcastSum> => ({
  why,
  kernel: broadcastSum,
  params,
  tensors: ({ of: { v, a, b }, kept }) => ({ v: product(v), ...(a && { a: product(a) }), ...(b && { b: product(b) }), out: product(kept) }),
  ...(bench && { bench }),
});
/** The gradient of the gates. */
const gateSums = (n: number, c: number, h: number, w: number): BroadcastSum => ({
  shape: [n, c, h, w],
  of: { v: [n, c, h, w], a: [n, c, h, w] },
  f: 'v * a',
  kept: [n, c, 1, 1],
});
const slope = 'select(v * b, v, a > zero)';

export const calls: readonly CallRow[] = [
  ...copies('as vec4', { n: 3, size: 8, source: 12, start: 4, dest: 16, offset: 4 }),
  ...copies('nothing divides', { n: 3, size: 7, source: 9, start: 2, dest: 11, offset: 3 }),
  repeated('a gate, as vec4', gate(2, 3, 4, 4), n => [{ label: 'squeeze and excite', params: gate(n, 96, 16, 16) }]),
  repeated('a gate, nothing divides', gate(2, 3, 3, 3)),
  repeated('a gate beside another operand, as vec4', {
    shape: [4, 3, 8],
    of: { v: [1, 3, 8], a: [1, 3, 1], b: [4, 3, 8] },
    f: 'v * a + b',
  }),
  repeated('a slope, as vec4', { shape: [2, 3, 8], of: { v: [2, 3, 8], a: [2, 3, 8], b: [1, 3, 1] }, f: slope }),
  repeated('a slope of rows, as vec4', { shape: [3, 8], of: { v: [3, 8], a: [3, 8], b: [1, 8] }, f: slope }),
  drop('as vec4', { n: 9, size: 12, p: 0.4, layer: 3, perSample: true, scale: 1.5 }),
  drop('nothing divides', { n: 9, size: 11, p: 0.4, layer: 3, perSample: true, scale: 1.5 }),
  sums('rows as vec4', gateSums(8, 9, 4, 4), n => [{ label: 'squeeze and excite backward', params: gateSums(n, 96, 16, 16) }]),
  sums('rows that nothing divides, with a number for each and a row for all', {
    shape: [70, 3, 3],
    of: { v: [70, 3, 3], a: [70, 1, 1], b: [1, 3, 3] },
    f: 'v * a + b',
    kept: [70, 1, 1],
  }),
  sums('as vec4, the same', {
    shape: [70, 8],
    of: { v: [70, 8], a: [70, 1], b: [1, 8] },
    f: 'v * a + b',
    kept: [70, 1],
    gradient: 'more',
  }),
];
