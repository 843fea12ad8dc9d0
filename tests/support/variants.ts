/** Every variant of the kernels, at the calls of shaders/calls.ts, beside the one of a thread for each value on a GPU. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withProgram } from '../../engine/compute.ts';
import type { Device } from '../../engine/device.ts';
import type { Graph } from '../../engine/graph.ts';
import { calls } from '../../shaders/calls.ts';
import { fitting, isWritten, typeOf, waysOf, type Profile } from '../../shaders/kernel/kernel.ts';
import type { CallRow } from '../../shaders/kernel/row.ts';
import { close, deviceFor, random } from './check.ts';

/** As the adapter asks, as on a GPU, and as on one that may round operands to f16: 11 bits are left then. */
const WAYS: readonly { way: 'own' | 'gpu'; profile: Partial<Profile>; tolerance: number }[] = [
  { way: 'own', profile: {}, tolerance: 1e-5 },
  { way: 'gpu', profile: {}, tolerance: 1e-5 },
  { way: 'gpu', profile: { half: true }, tolerance: 2e-3 },
];

/**
 * Tiles left to the run with `all`: two that differ from others in numbers alone, and compile for five to ten seconds; and of those with
 * stages in f16, which are read in one way, all but one of many slices, of one, and of the most values a thread.
 */
const isLeft = (variant: string): boolean =>
  ['tiled 64x128', 'tiled 32x256'].includes(variant) || (variant.startsWith('tiled f16') && !HALVED.includes(variant));
const HALVED = ['tiled f16 16x16 / 16', 'tiled f16 64x64', 'tiled f16 128x128'];

/** Adds a test for each call: with `all` of every variant that fits, else of those that no call before has run and that are not left to it. */
export function testVariants(name: string, { all }: { all: boolean }): void {
  const test = suite(name);
  const done = new Set<string>();
  /** Whether a variant is still to be run. The tiles of all products are one piece of code. */
  const isNew = (way: string, kernel: string, variant: string): boolean => {
    if (all) return true;
    if (isLeft(variant)) return false;
    const key = variant.startsWith('tiled') ? variant : `${way} ${kernel} ${variant}`;
    return !done.has(key) && Boolean(done.add(key));
  };
  for (const call of calls) {
    const { kernel, params } = call;
    test(`${kernel.name}, ${call.why}`, async () => {
      const gpu = await deviceFor('gpu');
      const fitGpu = fitting(kernel, params, gpu.profile);
      const reference = fitGpu.find(v => v.name === 'plain') ?? fitGpu[0];
      let want: Outputs | undefined;
      for (const { way, profile, tolerance } of WAYS) {
        const device = (await deviceFor(way)).withProfile(profile);
        for (const name of waysOf(kernel, params, device.profile).filter(name => isNew(way, kernel.name, name))) {
          want ??= await runCall(gpu, call, reference!.name);
          const what = `${name} (${way}${profile.half ? ', f16' : ''})`;
          for (const [binding, values] of Object.entries(await runCall(device, call, name))) {
            close(`${what}: ${binding}`, values, want[binding]!, tolerance);
          }
        }
      }
    });
  }
  test.run();
}

/** What a call writes, by binding. */
type Outputs = Readonly<Record<string, ArrayLike<number>>>;

/** What a call writes by one variant. */
export function runCall(on: Device, call: CallRow, variant: string): Promise<Outputs> {
  const { kernel, params, values = {}, slices = {} } = call;
  const device = on.withProfile({ prefer: { [kernel.name]: variant } });
  const build = (g: Graph) => {
    const tensors = Object.entries(call.tensors(params)).map(([name, n]) => [name, g.persistent('input', name, [n])] as const);
    g.run(kernel, params, Object.fromEntries(tensors));
    return tensors;
  };
  return withProgram(
    device,
    build,
    async (program, tensors) => {
      if (program.commands.length === 1) assert.is(program.commands[0]!.pipeline.variant.name, variant);
      else
        assert.ok(
          kernel.staged?.some(way => way.name === variant),
          variant,
        );
      for (const [i, [name, t]] of tensors.entries()) {
        const given = values[name] && Array.from({ length: t.size }, (_, at) => values[name]!(at));
        const Typed = typeOf(kernel.bindings[name]!) === 'u32' ? Uint32Array : Float32Array;
        program.memory.write(t, Typed.from(given ?? random(t.size, i + 1)));
      }
      program.run({ accumulate: 0, seed: 1, step: 1, valid: 1e6 });
      const written = tensors.filter(([name]) => isWritten(kernel.bindings[name]!));
      const read = written.map(async ([name, t]) => {
        const raw = await program.read(t);
        return [
          name,
          typeOf(kernel.bindings[name]!) === 'u32'
            ? new Uint32Array(raw.buffer, raw.byteOffset, raw.length)
            : summed(raw, slices[name] ?? 1),
        ];
      });
      return Object.fromEntries(await Promise.all(read)) as Outputs;
    },
    { fuse: false },
  );
}

/** Which values are in which slice is each variant's own affair. */
function summed(values: Float32Array, slices: number): Float32Array {
  const size = values.length / slices;
  return Float32Array.from({ length: size }, (_, i) => {
    let s = 0;
    for (let k = 0; k < slices; k++) s += values[k * size + i]!;
    return s;
  });
}
