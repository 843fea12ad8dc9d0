/** Opens a device, in a browser and in Node alike. */
import type { Profile } from '../shaders/kernel/kernel.ts';
import { kindOf } from './adapter.ts';
import { built } from './build.ts';
import { check, named, onlyOptions, say, type Known } from './check.ts';
import { Device } from './device.ts';
import { platform } from './platform.ts';

/** What `openDevice` takes; all of it may be left out. */
export interface DeviceOptions {
  /**
   * In place of the strongest adapter: one of your own, or under Node a part of the name or the kind (`hardware`, `lavapipe`, `swiftshader`)
   * of one of this machine's. There the environment variable DESCENT_ADAPTER does the same, and who gives an adapter must hold on to the
   * GPU that `create` of the package webgpu returned: collected, it takes the process with it.
   */
  readonly adapter?: GPUAdapter | string | undefined;
  /**
   * Whether the fastest variant of each kernel call is found by timing at its first use, once for an adapter. Without it this is done on
   * GPUs, and not on software adapters, whose best variants are known.
   */
  readonly tune?: boolean | undefined;
  /** Called before each call is timed, and once more when all are. */
  readonly onTune?: ((done: number, total: number) => void) | undefined;
  /** Told in one line what tuning passes over: a variant that a driver cannot compile, findings that cannot be kept. */
  readonly onNote?: ((line: string) => void) | undefined;
  /** What kernels are told of the adapter, in place of what it says of itself. */
  readonly profile?: Partial<Profile> | undefined;
}

const OPTIONS: Known<DeviceOptions> = { adapter: true, tune: 'boolean', onTune: true, onNote: true, profile: true };

/**
 * A WebGPU device to train and predict on. It is kept alive until `device.close()`; it waits without taking a core from a software driver,
 * and tunes its kernels on a GPU. Throws a DescentError that says what is missing where there is no WebGPU.
 */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  onlyOptions('openDevice', options, OPTIONS);
  const { adapter, tune, onTune: progress, onNote: note, profile } = options;
  check(
    adapter === undefined || typeof adapter === 'string' || typeof (adapter as GPUAdapter | null)?.requestDevice === 'function',
    say`${named('adapter')}: it is neither a GPUAdapter nor a name`,
    'leave it out, and the strongest is taken',
  );
  const { tuned: store, runtime, adapter: find, cores } = platform();
  const found = await find(adapter);
  const device = await Device.open(found, profile);
  // An adapter gives one device, so that one which was given cannot open more.
  if (cores > 1 && typeof adapter !== 'object' && kindOf(found.info) === 'lavapipe') {
    const { compilersOn } = await import('./compilers.ts');
    device.compilers = compilersOn(device.gpu, cores - 1, async () => (await Device.open(await find(adapter))).gpu);
  }
  if (tune ?? !device.report.software) {
    const { Tuner } = await import('./tune.ts');
    device.tuner = new Tuner({ store, version: `descent ${built?.version ?? 'checkout'} ${runtime()}`, progress, note });
  }
  return device;
}

let shared: Promise<Device> | undefined;

/** The device that the library opens by itself where it is given none: once, and again where it was lost. */
export async function sharedDevice(): Promise<Device> {
  const before = await shared?.catch(() => undefined);
  if (!before || before.lost) shared = openDevice();
  return shared!;
}
