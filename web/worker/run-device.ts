/** The device of all runs of a worker: what is compiled for one of them is there for the others. */
import type { Device } from '../../engine/device.ts';
import { openDevice } from '../../engine/open.ts';

/** A run on the device. */
export interface DeviceUser {
  /** Is told that the first use of an adapter times so many calls. */
  timing(calls: number, device: Device): void;
  lost(device: Device): void;
}

/** How the device is opened. */
export interface Opening {
  /** Time the variants of kernels on a software adapter too, whose best ones are known. */
  readonly tune?: boolean;
  /** Bytes that one binding may span, in place of what the adapter says: `?maxBinding=` shows how the page does on a small GPU. */
  readonly maxBinding?: number | undefined;
}

const users = new Set<DeviceUser>();
const devices = new Map<string, Promise<Device>>();

/** The device, opened where there is none, and again where it is lost or nobody can go on with it; `user` hears of it until it leaves. */
export async function runDevice({ tune = false, maxBinding }: Opening = {}, user?: DeviceUser): Promise<Device> {
  if (user) users.add(user);
  const key = `${tune} ${maxBinding}`;
  const known = devices.get(key);
  const before = await known?.catch(() => undefined);
  if (devices.get(key) === known && (!before || before.lost || before.fault)) devices.set(key, open({ tune, maxBinding }));
  return devices.get(key)!;
}

export const leaveDevice = (user: DeviceUser): unknown => users.delete(user);

async function open({ tune, maxBinding }: Opening): Promise<Device> {
  const device: Device = await openDevice({
    tune: tune || undefined,
    profile: maxBinding === undefined ? {} : { maxBinding },
    onTune: (done, total) => {
      if (done === 0) for (const user of users) user.timing(total, device);
    },
  });
  void device.gpu.lost.then(() => {
    for (const user of [...users]) user.lost(device);
  });
  return device;
}
