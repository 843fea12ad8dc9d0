/** Kernels that only move values: parts of channels, the zero-padded shortcut. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { epilogueBindings, finish, type Epilogue } from '../kernel/epilogue.ts';
import { kernel, variants, type Variant } from '../kernel/kernel.ts';
import { each } from '../kernel/loops.ts';

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

/** The same copy of vec4f. */
const quarter = (p: Copy): Copy => ({
  ...p,
  size: p.size / 4,
  source: p.source / 4,
  start: p.start / 4,
  dest: p.dest / 4,
  offset: p.offset / 4,
});

const copyVariant = (vec4: boolean): Variant<Copy> => ({
  ...(vec4
    ? { name: 'vec4', fits: p => [p.size, p.source, p.start, p.dest, p.offset].every(v => v % 4 === 0), vec4: ['x', 'y', 'e0', 'e1'] }
    : { name: 'plain' }),
  grid: (p, d) => each((p.n * p.size) / (vec4 ? 4 : 1), d).grid,
  code: (p, d) => {
    const { n, size, source, start, dest, offset } = vec4 ? quarter(p) : p;
    return (
      finish(p.epilogue, vec4 ? 'vec4f' : 'f32') +
      each(n * size, d).main(wgsl`
    let at = i / ${size}u * ${dest}u + ${offset}u + i % ${size}u;
    y[at] = finish(x[i / ${size}u * ${source}u + ${start}u + i % ${size}u], at);`)
    );
  },
});
const copies = [copyVariant(true), copyVariant(false)];

/** Part of y; the other parts come from other calls, so that no function of the whole can be fused here. */
export const writePart = variants({
  name: 'write_part',
  bindings: { x: 'read', y: 'write' },
  variants: copies,
});

/** All of y from a part of x. */
export const readPart = variants({
  name: 'read_part',
  bindings: { x: 'read', y: 'write', ...epilogueBindings },
  epilogue: 'y',
  variants: copies,
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
  bindings: { x: 'read', y: 'write', ...epilogueBindings },
  epilogue: 'y',
  grid: (p: Subsample, d) => each(p.n * p.o * p.oh * p.ow, d).grid,
  code: (p, d) =>
    finish(p.epilogue, 'f32') +
    each(p.n * p.o * p.oh * p.ow, d).main(wgsl`
    let plane = i / ${p.oh * p.ow}u; let at = i % ${p.oh * p.ow}u;
    let c = plane % ${p.o}u - ${p.before}u; // below zero wraps to a large number
    var v = 0.0;
    if (c < ${p.c}u) {
      let row = at / ${p.ow}u * ${p.stride}u; let column = at % ${p.ow}u * ${p.stride}u;
      v = x[((plane / ${p.o}u * ${p.c}u + c) * ${p.h}u + row) * ${p.w}u + column];
    }
    y[i] = finish(v, i);`),
});

/** dx [n, c, h, w] from dy [n, o, oh, ow]: the values that were taken get theirs back. */
export const subsampleBackward = kernel({
  name: 'subsample_backward',
  bindings: { dy: 'read', dx: 'write', ...epilogueBindings },
  epilogue: 'dx',
  grid: (p: Subsample, d) => each(p.n * p.c * p.h * p.w, d).grid,
  code: (p, d) =>
    finish(p.epilogue, 'f32') +
    each(p.n * p.c * p.h * p.w, d).main(wgsl`
    let plane = i / ${p.h * p.w}u; let row = i % ${p.h * p.w}u / ${p.w}u; let column = i % ${p.w}u;
    var v = 0.0;
    if ((row % ${p.stride}u == 0u) & (column % ${p.stride}u == 0u)) {
      let channel = plane / ${p.c}u * ${p.o}u + plane % ${p.c}u + ${p.before}u;
      v = dy[(channel * ${p.oh}u + row / ${p.stride}u) * ${p.ow}u + column / ${p.stride}u];
    }
    dx[i] = finish(v, i);`),
});
