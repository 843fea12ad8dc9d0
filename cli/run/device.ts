/** The device that a command computes on, with its fastest variants. */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheDir } from '../../datasets/node/cache-dir.mjs';
import { Device } from '../../engine/device.ts';
import { openAdapter } from '../../engine/node/adapters.ts';
import { Tuner, type TuneStore } from '../../engine/tune.ts';
import { writeWhole } from '../../train/run/node/files.ts';
import { messageOf } from '../flags.ts';
import { note } from '../output.ts';
import { version, webgpuVersion } from '../version.ts';

/** `tune`: true also on a software adapter, whose best variants are known; false never. */
export interface DeviceOptions {
  adapter?: string;
  tune?: boolean;
  quiet?: boolean;
  json?: boolean;
}

export async function openDevice({ adapter, tune, quiet, json }: DeviceOptions): Promise<Device> {
  const device = await Device.open(await openAdapter(adapter));
  if (tune ?? !device.report.software) {
    device.tuner = new Tuner({
      store: storeAt(join(cacheDir(), 'tuned.json')),
      version: `descent ${version()} webgpu ${webgpuVersion()}`,
      note,
      progress: quiet || json ? undefined : showTuning(device),
    });
  }
  return device;
}

/** A file; a cache that cannot be written costs the next start some seconds and nothing else. */
export function storeAt(path: string): TuneStore {
  return {
    name: path,
    async load() {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    },
    async save(text) {
      try {
        mkdirSync(dirname(path), { recursive: true });
        writeWhole(path, text);
      } catch (error) {
        note(`${path}: the fastest variants are not kept, ${messageOf(error)}`);
      }
    },
  };
}

/** A line at the beginning and one at the end; on a terminal a counter between them. */
function showTuning(device: Device): (done: number, total: number) => void {
  const terminal = process.stderr.isTTY;
  let start = 0;
  return (done, total) => {
    const calls = `${total} kernel ${total === 1 ? 'call' : 'calls'}`;
    if (done === 0) {
      start = performance.now();
      note(`tuning ${calls} for ${device.report.description}, once; --no-tune leaves it out`);
    } else if (done === total) {
      const seconds = (performance.now() - start) / 1000;
      note(`${terminal ? '\r' : ''}tuned ${calls} in ${seconds.toFixed(1)} s`);
    } else if (terminal) process.stderr.write(`\r${done} of ${total}`);
  };
}
