/** Kernels that only move values: parts of channels, the zero-padded shortcut. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { epilogueBindings, finish, type Epilogue } from './epilogue.ts';
import { each, kernel, type Profile } from './kernel.ts';

/** `size` values of each of `n` images: from place `start` of images of `source` values to place `offset` of images of `dest` values. */
export interface Copy { n: number; size: number; source: number; start: number; dest: number; offset: number;
  epilogue?: readonly Epilogue[] }

const copy = (p: Copy, d: Profile) => each(p.n * p.size, d).main(wgsl`
    let at = i / ${p.size}u * ${p.dest}u + ${p.offset}u + i % ${p.size}u;
    y[at] = finish(x[i / ${p.size}u * ${p.source}u + ${p.start}u + i % ${p.size}u], at);`);
const quarter = (p: Copy): Copy => ({ ...p, size: p.size / 4, source: p.source / 4, start: p.start / 4, dest: p.dest / 4,
  offset: p.offset / 4 });
const inQuarters = (p: Copy) => [p.size, p.source, p.start, p.dest, p.offset].every(v => v % 4 === 0);
const copies = [
  { name: 'vec4', fits: inQuarters, vec4: ['x', 'y', 'e0', 'e1'], grid: (p: Copy, d: Profile) => each(p.n * p.size / 4, d).grid,
    code: (p: Copy, d: Profile) => finish(p.epilogue, 'vec4f') + copy(quarter(p), d) },
  { name: 'plain', grid: (p: Copy, d: Profile) => each(p.n * p.size, d).grid, code: (p: Copy, d: Profile) => finish(p.epilogue, 'f32')
    + copy(p, d) },
];

/** Part of y; the other parts come from other calls, so that no function of the whole can be fused here. */
export const writePart = { name: 'write_part', bindings: { x: 'read', y: 'write' } as const, variants: copies };
/** All of y from a part of x. */
export const readPart = { name: 'read_part', bindings: { x: 'read', y: 'write', ...epilogueBindings } as const, epilogue: 'y',
  variants: copies };

/** y [n, o, oh, ow] from every `stride`-th row and column of x [n, c, h, w], `before` channels of zeros in front and the rest behind. */
export interface Subsample { n: number; c: number; h: number; w: number; o: number; oh: number; ow: number; stride: number; before: number;
  epilogue?: readonly Epilogue[] }

export const subsample = kernel({
  name: 'subsample',
  bindings: { x: 'read', y: 'write', ...epilogueBindings },
  epilogue: 'y',
  grid: (p: Subsample, d) => each(p.n * p.o * p.oh * p.ow, d).grid,
  code: (p, d) => finish(p.epilogue, 'f32') + each(p.n * p.o * p.oh * p.ow, d).main(wgsl`
    let plane = i / ${p.oh * p.ow}u; let at = i % ${p.oh * p.ow}u; let c = plane % ${p.o}u - ${p.before}u; // below zero wraps to a large number
    var v = 0.0;
    if (c < ${p.c}u) { v = x[((plane / ${p.o}u * ${p.c}u + c) * ${p.h}u + at / ${p.ow}u * ${p.stride}u) * ${p.w}u + at % ${p.ow}u * ${p.stride}u]; }
    y[i] = finish(v, i);`),
});

/** dx [n, c, h, w] from dy [n, o, oh, ow]: the values that were taken get theirs back. */
export const subsampleBackward = kernel({
  name: 'subsample_backward',
  bindings: { dy: 'read', dx: 'write', ...epilogueBindings },
  epilogue: 'dx',
  grid: (p: Subsample, d) => each(p.n * p.c * p.h * p.w, d).grid,
  code: (p, d) => finish(p.epilogue, 'f32') + each(p.n * p.c * p.h * p.w, d).main(wgsl`
    let plane = i / ${p.h * p.w}u; let row = i % ${p.h * p.w}u / ${p.w}u; let column = i % ${p.w}u;
    var v = 0.0;
    if ((row % ${p.stride}u == 0u) & (column % ${p.stride}u == 0u)) {
      let channel = plane / ${p.c}u * ${p.o}u + plane % ${p.c}u + ${p.before}u;
      v = dy[(channel * ${p.oh}u + row / ${p.stride}u) * ${p.ow}u + column / ${p.stride}u];
    }
    dx[i] = finish(v, i);`),
});

/** y [planes] = the mean of each plane of x [planes, size]. */
export interface PlaneMean { planes: number; size: number; epilogue?: readonly Epilogue[] }
const vec = (p: PlaneMean) => p.size % 4 === 0;

const threadPerPlane = (vec4: boolean) => ({
  name: vec4 ? 'vec4' : 'plain',
  ...vec4 && { fits: vec, vec4: ['x'] },
  grid: (p: PlaneMean, d: Profile) => each(p.planes, d).grid,
  code: (p: PlaneMean, d: Profile) => finish(p.epilogue, 'f32') + each(p.planes, d).main(wgsl`
    var sum = ${vec4 ? 'vec4f(0.0)' : '0.0'};
    for (var at = 0u; at < ${vec4 ? p.size / 4 : p.size}u; at++) { sum += x[i * ${vec4 ? p.size / 4 : p.size}u + at]; }
    y[i] = finish(${vec4 ? 'dot(sum, vec4f(1.0))' : 'sum'} * ${1 / p.size}, i);`),
});
export const planeMean = {
  name: 'plane_mean',
  bindings: { x: 'read', y: 'write', ...epilogueBindings } as const,
  epilogue: 'y',
  variants: [threadPerPlane(true), threadPerPlane(false)],
};

/** dx [planes, size]: dy [planes] / size everywhere in its plane. */
const spread = (p: PlaneMean, d: Profile, size: number, type: 'f32' | 'vec4f') => finish(p.epilogue, type) + each(p.planes * size, d).main(`
    dx[i] = finish(${type}(dy[i / ${size}u] * ${1 / p.size}), i);`);
export const planeMeanBackward = {
  name: 'plane_mean_backward',
  bindings: { dy: 'read', dx: 'write', ...epilogueBindings } as const,
  epilogue: 'dx',
  variants: [
    { name: 'vec4', fits: vec, vec4: ['dx', 'e0', 'e1'], grid: (p: PlaneMean, d: Profile) => each(p.planes * p.size / 4, d).grid,
      code: (p: PlaneMean, d: Profile) => spread(p, d, p.size / 4, 'vec4f') },
    { name: 'plain', grid: (p: PlaneMean, d: Profile) => each(p.planes * p.size, d).grid, code: (p: PlaneMean, d: Profile) =>
      spread(p, d, p.size, 'f32') },
  ],
};
