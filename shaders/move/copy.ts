/** Kernels that only move values: parts of channels, the shortcut by subsampling and channels of zeros (He 2015, option A). */
import { kernel, type Target } from '../kernel/define.ts';
import type { Epilogue } from '../kernel/epilogue.ts';
import { values } from '../kernel/loops.ts';
import { fitsVec4 } from '../kernel/wgsl.ts';

/** `size` values of each of `n` images: from place `start` of images of `source` values to place `offset` of images of `dest` values. */
export interface Copy {
  n: number;
  size: number;
  source: number;
  start: number;
  dest: number;
  offset: number;
  epilogue?: readonly Epilogue[];
}

/** Values are copied where they stand as they come, or four at a time. */
const copies = {
  vec4: { of: ['x', 'y'], where: (p: Copy) => [p.size, p.source, p.start, p.dest, p.offset].every(fitsVec4) },
  over: (p: Copy, d: Target) => values((p.n * p.size) / d.width, d),
};

/** WGSL: the places in x and in y of value (or vec4) `i` of all that are copied. */
function placesOf(p: Copy, { width }: Target) {
  const image = `i / ${p.size / width}u`;
  const rest = `i % ${p.size / width}u`;
  return {
    from: `${image} * ${p.source / width}u + ${p.start / width}u + ${rest}`,
    to: `${image} * ${p.dest / width}u + ${p.offset / width}u + ${rest}`,
  };
}

/** Part of y; the other parts come from other calls, so that no function of the whole can be fused here. */
export const writePart = kernel({
  name: 'write_part',
  bindings: { x: 'read', y: 'write' },
  ...copies,
  body: (p, d) => `    y[${placesOf(p, d).to}] = x[${placesOf(p, d).from}];`,
});

/** All of y from a part of x. */
export const readPart = kernel({
  name: 'read_part',
  bindings: { x: 'read', y: 'write' },
  epilogue: 'y',
  ...copies,
  body: (p, d) => `
    let at = ${placesOf(p, d).to};
    y[at] = finish(x[${placesOf(p, d).from}], at);`,
});

/** y [n, o, oh, ow] from every `stride`-th row and column of x [n, c, h, w], `before` channels of zeros in front and the rest behind. */
export interface Subsample {
  n: number;
  c: number;
  h: number;
  w: number;
  o: number;
  oh: number;
  ow: number;
  stride: number;
  before: number;
  epilogue?: readonly Epilogue[];
}

export const subsample = kernel({
  name: 'subsample',
  bindings: { x: 'read', y: 'write' },
  epilogue: 'y',
  over: (p: Subsample, d) => values(p.n * p.o * p.oh * p.ow, d),
  body: p => `
    let plane = i / ${p.oh * p.ow}u; let at = i % ${p.oh * p.ow}u;
    let c = plane % ${p.o}u - ${p.before}u; // below zero wraps to a large number
    var v = 0.0;
    if (c < ${p.c}u) {
      let row = at / ${p.ow}u * ${p.stride}u; let column = at % ${p.ow}u * ${p.stride}u;
      v = x[((plane / ${p.o}u * ${p.c}u + c) * ${p.h}u + row) * ${p.w}u + column];
    }
    y[i] = finish(v, i);`,
});

/** dx [n, c, h, w] from dy [n, o, oh, ow]: the values that were taken get theirs back. */
export const subsampleBackward = kernel({
  name: 'subsample_backward',
  bindings: { dy: 'read', dx: 'write' },
  epilogue: 'dx',
  over: (p: Subsample, d) => values(p.n * p.c * p.h * p.w, d),
  body: p => `
    let plane = i / ${p.h * p.w}u; let row = i % ${p.h * p.w}u / ${p.w}u; let column = i % ${p.w}u;
    var v = 0.0;
    if ((row % ${p.stride}u == 0u) & (column % ${p.stride}u == 0u)) {
      let channel = plane / ${p.c}u * ${p.o}u + plane % ${p.c}u + ${p.before}u;
      v = dy[(channel * ${p.oh}u + row / ${p.stride}u) * ${p.ow}u + column / ${p.stride}u];
    }
    dx[i] = finish(v, i);`,
});
