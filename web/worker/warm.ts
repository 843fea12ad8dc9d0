/** What a run will need, before it is asked for. */
import { datasetFrom, knownName } from '../../datasets/index.ts';
import type { RunConfig } from '../../train/config/config.ts';
import { heldDataset } from '../data/held.ts';
import { runDevice, type Opening } from './run-device.ts';

/** Opens the device, and makes data that are computed. What would have to be fetched or decoded waits until it is asked for. */
export async function warm(config: RunConfig, opening: Opening): Promise<void> {
  const { dataset } = config;
  const isComputed = knownName(dataset) !== undefined && !datasetFrom(dataset).info.files.length;
  const data = isComputed ? heldDataset(config, { files: {}, folders: {} }, '') : undefined;
  await Promise.all([runDevice(opening), data]);
}
