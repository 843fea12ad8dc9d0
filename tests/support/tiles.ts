/**
 * The tiles of the GPU's matrix products on shapes that they fit, beside the variant of one thread a value, which is tested against
 * float64.
 */
import * as assert from 'uvu/assert';
import type { Device } from '../../engine/device.ts';
import { withProgram } from '../../engine/compute.ts';
import type { Graph, Tensor } from '../../engine/graph.ts';
import type { Program } from '../../engine/program.ts';
import { conv, convBackwardInput, convBackwardWeight, inputGradient } from '../../shaders/conv/conv.ts';
import type { Conv } from '../../shaders/conv/shape.ts';
import { fitting, type Kernel } from '../../shaders/kernel/kernel.ts';
import { matmul, type Matmul } from '../../shaders/product/matmul.ts';
import { close, deviceFor, random } from './check.ts';

export interface Case {
  readonly why: string;
  readonly kernel: Kernel<any>;
  readonly params: object;
  readonly sizes: Readonly<Record<string, number>>;
  readonly out: string;
  /** The tiles tested with the others; the long tests do all that fit. */
  readonly tiles: readonly string[];
}

const product = (why: string, p: Matmul, ...tiles: string[]): Case => ({
  why,
  kernel: matmul,
  params: p,
  sizes: { a: p.m * p.k, b: p.k * p.n, ...(p.bias && { bias: p.n }), y: p.m * p.n, ...(p.epilogue && { e0: p.m * p.n }) },
  out: 'y',
  tiles,
});
const shape = (n: number, c: number, size: number, o: number, k: number, stride = 1, groups = 1): Conv => {
  const pad = k >> 1;
  const out = Math.floor((size + 2 * pad - k) / stride) + 1;
  return { n, c, h: size, w: size, o, oh: out, ow: out, k, stride, pad, dilation: 1, groups };
};
const x = (p: Conv) => p.n * p.c * p.h * p.w;
const y = (p: Conv) => p.n * p.o * p.oh * p.ow;
const weight = (p: Conv) => ((p.o * p.c) / p.groups) * p.k * p.k;
const forward = (why: string, p: Conv, ...tiles: string[]): Case => ({
  why,
  kernel: conv,
  params: p,
  sizes: { x: x(p), weight: weight(p), y: y(p) },
  out: 'y',
  tiles,
});
const added = [{ f: 'max(v + a, zero)', operand: 'e0' as const }];

export const CASES: readonly Case[] = [
  product(
    'all four at a time, bias and residual',
    { m: 132, n: 136, k: 70, ta: true, bias: true, epilogue: added },
    'tiled 128x64',
    'tiled 128x128',
  ),
  product('nothing divides', { m: 131, n: 129, k: 67, tb: true, bias: true, epilogue: added }),
  product('rows of A and columns of B, a gradient', { m: 66, n: 70, k: 33, gradient: 'first' }),
  product('few rows, a long k', { m: 13, n: 301, k: 203, tb: true }, 'tiled 16x256', 'tiled 16x16 / 16'),
  product('few rows, in fours', { m: 16, n: 260, k: 128 }, 'tiled 32x128'),
  product('a classifier', { m: 64, n: 10, k: 512, tb: true, bias: true }),
  forward('3x3', shape(2, 20, 8, 16, 3), 'tiled 32x32 / 4'),
  forward('3x3 that fills no tile', shape(3, 9, 7, 33, 3)),
  forward('1x1, read as it lies', shape(2, 72, 8, 70, 1), 'tiled 64x64'),
  forward('1x1 in groups', shape(2, 24, 8, 24, 1, 1, 2)),
  forward('flipped: an input gradient', inputGradient(shape(2, 16, 8, 72, 3))),
  ...[8, 9].map((size): Case => {
    const p = shape(2, 20, size, 34, 3, 2);
    return {
      why: `input gradient of stride 2, ${size}x${size}`,
      kernel: convBackwardInput,
      params: p,
      sizes: { dy: y(p), weight: weight(p), dx: x(p) },
      out: 'dx',
      tiles: [],
    };
  }),
  ...[8, 7].map((size): Case => {
    const p = { ...shape(4, size, size, 34, 3), split: 3 };
    return {
      why: `weight gradient in slices, ${size}x${size}`,
      kernel: convBackwardWeight,
      params: p,
      sizes: { x: x(p), dy: y(p), dweight: 3 * weight(p) },
      out: 'dweight',
      tiles: [],
    };
  }),
];

/** With `half` the variants whose stages are f16: operands are rounded to 11 bits. */
export async function tilesAgree(c: Case, { all = false, half = false } = {}): Promise<void> {
  const device = (await deviceFor('gpu')).withProfile({ half });
  const names = fitting(c.kernel, c.params, device.profile)
    .map(v => v.name)
    .filter(name => name.startsWith(half ? 'tiled f16' : 'tiled'));
  const chosen = all ? names : half ? c.tiles.slice(0, 1).map(name => name.replace('tiled', 'tiled f16')) : c.tiles;
  const want = await runCase(device, c, 'plain');
  for (const tile of chosen) {
    assert.ok(names.includes(tile), `${tile} is not among ${names.join(', ')}`);
    close(tile, await runCase(device, c, tile), want, half ? 2e-3 : 1e-5);
  }
}

/** What a case gives by one variant. */
export async function runCase(on: Device, { kernel, params, sizes, out }: Case, variant: string): Promise<Float32Array> {
  const own = on.withProfile({ prefer: { [kernel.name]: variant } });
  const build = (g: Graph) => {
    const tensors = Object.entries(sizes).map(([name, n]) => [name, g.persistent('input', name, [n])] as const);
    g.run(kernel, params, Object.fromEntries(tensors));
    return new Map(tensors);
  };
  const run = (program: Program, tensors: ReadonlyMap<string, Tensor>) => {
    assert.is(program.commands[0]!.pipeline.variant.name, variant);
    [...tensors.values()].forEach((t, i) => program.memory.write(t, Float32Array.from(random(t.size, i + 1))));
    program.run({ accumulate: 0 });
    return program.read(tensors.get(out)!);
  };
  const values = await withProgram(own, build, run, { fuse: false });
  return 'split' in params ? summed(values, 3) : values; // which pixels are in which slice is the variant's own affair
}

function summed(values: Float32Array, slices: number): Float32Array {
  const size = values.length / slices;
  return Float32Array.from({ length: size }, (_, i) => {
    let s = 0;
    for (let k = 0; k < slices; k++) s += values[k * size + i]!;
    return s;
  });
}
