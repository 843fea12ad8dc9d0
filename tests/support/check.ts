/** What layer and kernel tests share: devices, deterministic values, comparison, and the check of a layer against its reference. */
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import { withProgram } from '../../engine/compute.ts';
import { Device } from '../../engine/device.ts';
import type { Graph, Layer } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { Shape } from '../../shaders/kernel/shape.ts';
import { openAdapter } from '../../engine/node/adapters.ts';
import type { Program } from '../../engine/program.ts';
import { writePart } from '../../shaders/move/copy.ts';
import type { Profile } from '../../shaders/kernel/kernel.ts';
import { isLongRun } from './long.ts';

/**
 * One device per way of choosing variants, so that each variant runs on whatever adapter the machine has: `own` as the adapter asks,
 * `gpu` as on a GPU (workgroup memory and barriers), `plain` one thread per value. Beside them `swiftshader`: as that adapter asks, on
 * machines that have it.
 */
const overrides = { own: {}, gpu: { lanes: 0 }, plain: { lanes: 0, prefer: { '*': 'plain' } }, swiftshader: {} } satisfies Record<
  string,
  Partial<Profile>
>;
export type Way = keyof typeof overrides;
export const WAYS: readonly Way[] = ['own', 'gpu', 'plain'];
/** Those of a check that asks for no others: one thread per value is what the variants of kernels are held against (variants.test.ts). */
const USUAL: readonly Way[] = isLongRun ? WAYS : ['own', 'gpu'];
const opened = new Map<Way, Promise<Device>>();
export function deviceFor(way: Way = 'own'): Promise<Device> {
  if (!opened.has(way)) {
    opened.set(
      way,
      openAdapter(way === 'swiftshader' ? way : undefined).then(adapter => Device.open(adapter, overrides[way])),
    );
  }
  return opened.get(way)!;
}

/** Adds a test where `there`; else one that is skipped and says what the machine is without. */
export const testWhere =
  (test: Test, there: boolean, without: string) =>
  (name: string, run: () => Promise<void>): void =>
    there ? test(name, run) : test.skip(`${name}: ${without}`, run);

/** Deterministic values in [-1, 1), so that a failure repeats. */
export const random = (n: number, seed = 1): Float64Array =>
  Float64Array.from({ length: n }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return Math.fround((seed >>> 0) / 2 ** 31 - 1);
  });

/** Fails at the first value that differs by more than `tolerance` of the largest expected one (at least 1), naming it. */
export function close(what: string, got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number): void {
  assert.is(got.length, want.length, `${what}: ${got.length} values, expected ${want.length}`);
  let scale = 1;
  for (let i = 0; i < want.length; i++) scale = Math.max(scale, Math.abs(want[i]!));
  for (let i = 0; i < got.length; i++) {
    const error = Math.abs(got[i]! - want[i]!) / scale;
    if (!(error <= tolerance)) {
      assert.unreachable(`${what}[${i}] is ${got[i]}, expected ${want[i]} (error ${error.toExponential(1)}, tolerance ${tolerance})`);
    }
  }
}

/** float64 forward of a layer: input and parameters (and buffers) by name, output. */
export type Reference = (x: Float64Array, params: Record<string, Float64Array>) => ArrayLike<number>;

export interface CheckOptions {
  tolerance?: number;
  ways?: readonly Way[];
  training?: boolean;
  /** Input values; random ones in [-1, 1) without it. */
  input?: Float64Array;
  /** Gradient of the output; random values in [-1, 1) without it. */
  dy?: Float64Array;
  /** Parameters and buffers by name; random ones without it. */
  params?: Record<string, Float64Array>;
  /** Values of the step that the layer reads (seed, step …). */
  step?: Record<string, number>;
  /** Most elements of each tensor whose derivative is checked, spread evenly. */
  derivatives?: number;
  fuse?: boolean;
  /** Input, output and gradients pass through f16. */
  half?: boolean;
}

/** Runs a layer forward and backward on one device: output, gradient of the input, gradients of the parameters, buffers afterwards. */
export async function runLayer(way: Way, layer: Layer, shape: Shape, o: CheckOptions = {}) {
  const build = (g: Graph) => {
    const x0 = g.persistent('input', 'x', shape);
    const copied = (t: Tensor): Tensor => {
      // by a kernel that nothing joins
      const y = g.tensor(t.shape);
      if (o.half) g.run(writePart, { n: 1, size: t.size, source: t.size, start: 0, dest: t.size, offset: 0 }, { x: t, y });
      return o.half ? y : t;
    };
    const x = g.record([x0], g.map('v', x0), dy => [dy]);
    const half = layer(g, x);
    const y = copied(half);
    const dy = g.persistent('input', 'dy', y.shape);
    const found = g.backward(half, copied(dy)).get(x0);
    const dx = found && copied(found);
    g.kept.add(y);
    if (dx) g.kept.add(dx);
    return { g, x0, y, dy, dx };
  };
  const run = async (program: Program, { g, x0, y, dy, dx }: ReturnType<typeof build>) => {
    const { memory } = program;
    const values = o.input ?? random(x0.size);
    const r = o.dy ?? random(y.size, 2);
    memory.write(x0, Float32Array.from(values));
    const used = (t: Tensor | undefined) => g.ops.some(op => Object.values(op.tensors).includes(t!)); // a layer may be the identity
    if (used(dy)) memory.write(dy, Float32Array.from(r));
    const params: Record<string, Float64Array> = {};
    const persistent: Tensor[] = [...g.init.keys()];
    persistent.forEach((t, i) => {
      memory.write(t, Float32Array.from((params[t.name] = o.params?.[t.name] ?? random(t.size, 10 + i))));
    });
    program.run({ accumulate: 0, seed: 1, step: 1, valid: shape[0]!, ...o.step });
    const read = async (t: Tensor) => Float64Array.from(await program.read(t));
    const gradients: Record<string, Float64Array> = {};
    const buffers: Record<string, Float64Array> = {};
    const given = { shape: y.shape, x: values, r, params };
    const out = { ...given, y: await read(y), dx: dx && used(dx) ? await read(dx) : undefined, gradients, buffers };
    if (g.training) for (const [name, p] of g.params) gradients[name] = await read(p.grad);
    for (const t of persistent) if (t.role === 'buffer') buffers[t.name] = await read(t);
    return out;
  };
  const { training = true, fuse, half } = o;
  return withProgram(await deviceFor(way), build, run, { training, fuse, half });
}

/**
 * Checks a layer in every way against its float64 forward: the output directly, the gradients by central differences of that same
 * reference, so that one function is the only oracle and float32 noise stays out of it.
 */
export async function checkLayer(layer: Layer, shape: Shape, reference: Reference, o: CheckOptions = {}): Promise<void> {
  const { tolerance = 1e-5, ways = USUAL, derivatives = 60 } = o;
  for (const way of ways) {
    const got = await runLayer(way, layer, shape, o);
    close(`${way} output`, got.y, reference(got.x, got.params), tolerance);
    const slopes = (values: Float64Array): Map<number, number> => {
      const h = 1e-6;
      const stride = Math.max(1, Math.floor(values.length / derivatives));
      const out = new Map<number, number>();
      for (let i = 0; i < values.length; i += stride) {
        const at = (d: number) => {
          const v = values[i]!;
          values[i] = v + d;
          const y = reference(got.x, got.params);
          values[i] = v;
          return dot(y, got.r);
        };
        out.set(i, (at(h) - at(-h)) / (2 * h));
      }
      return out;
    };
    const compare = (what: string, seen: Float64Array, values: Float64Array) => {
      const want = slopes(values);
      close(
        what,
        [...want.keys()].map(i => seen[i]!),
        [...want.values()],
        tolerance,
      );
    };
    if (got.dx) compare(`${way} gradient of x`, got.dx, got.x);
    for (const [name, gradient] of Object.entries(got.gradients)) compare(`${way} gradient of ${name}`, gradient, got.params[name]!);
  }
}

export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let s = 0;
  for (let i = 0; i < a.length; i++) s += a[i]! * b[i]!;
  return s;
};
