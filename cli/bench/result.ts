/** What the bench commands have in common: their options, and the file that their results go to. */
import type { Device } from '../../engine/device.ts';
import { writeWhole } from '../../train/run/node/files.ts';
import type { DeviceOptions } from '../run/device.ts';
import { webgpuVersion } from '../../train/run/node/platform.ts';
import { commit, version } from '../version.ts';
import { print } from '../output.ts';

export interface BenchOptions extends DeviceOptions {
  dataDir?: string;
  out?: string;
}

/** What every result file says of where it was measured. */
function facts(device: Device): Record<string, unknown> {
  return {
    descent: version(),
    webgpu: webgpuVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    adapter: device.report,
    commit: commit(),
  };
}

/** Prints the results with --json, and writes them with --out. */
export const result = (options: BenchOptions, device: Device, data: Record<string, unknown>): void =>
  writeResult(options, { ...facts(device), ...data });

/** As `result`, of results that say where they were measured. */
export function writeResult(options: BenchOptions, data: object): void {
  const text = JSON.stringify(data, undefined, options.json ? undefined : 2);
  if (options.json) print(text);
  if (options.out) {
    writeWhole(options.out, `${text}\n`);
    if (!options.json && !options.quiet) print(`written to ${options.out}`);
  }
}
