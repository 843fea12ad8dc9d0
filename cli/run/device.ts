/** The device that a command computes on, with its fastest variants. */
import { counted } from '../../engine/counted.ts';
import type { Device } from '../../engine/device.ts';
import { openDevice as open } from '../../engine/open.ts';
import { useNode } from '../../train/run/node/platform.ts';
import { note } from '../output.ts';

useNode();

/** `tune`: true also on a software adapter, whose best variants are known; false never. */
export interface DeviceOptions {
  adapter?: string;
  tune?: boolean;
  quiet?: boolean;
  json?: boolean;
}

export async function openDevice({ adapter, tune, quiet, json }: DeviceOptions): Promise<Device> {
  const shown = quiet || json ? undefined : showTuning(() => device);
  const device = await open({ adapter, tune, onNote: note, onTune: shown });
  return device;
}

/** A line at the beginning and one at the end; on a terminal a counter between them. */
function showTuning(device: () => Device): (done: number, total: number) => void {
  const terminal = process.stderr.isTTY;
  let start = 0;
  return (done, total) => {
    const calls = counted(total, 'kernel call');
    if (done === 0) {
      start = performance.now();
      note(`tuning ${calls} for ${device().report.description}, once; --no-tune leaves it out`);
    } else if (done === total) {
      const seconds = (performance.now() - start) / 1000;
      note(`${terminal ? '\r' : ''}tuned ${calls} in ${seconds.toFixed(1)} s`);
    } else if (terminal) process.stderr.write(`\r${done} of ${total}`);
  };
}
