/** What a run will need, before it is asked for. */
import { datasetFrom, knownName } from '../../datasets/index.ts';
import type { Device } from '../../engine/device.ts';
import type { RunConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { openTrainer } from '../../train/run/open.ts';
import { heldDataset } from '../data/held.ts';
import { runDevice, type Opening } from './run-device.ts';

/** What each device compiled last: whoever passes over Start again and again asks for the same. */
const compiled = new WeakMap<Device, string>();

/**
 * Opens the device, makes data that are computed, and has a software adapter, which takes seconds for that, compile the programs of a run on
 * them: who presses Start meanwhile waits for the rest of it alone. What would have to be fetched or decoded waits until it is asked for, and
 * so does a GPU, whose first programs may have their kernels timed.
 */
export async function warm(config: RunConfig, opening: Opening): Promise<void> {
  const { dataset } = config;
  const isComputed = knownName(dataset) !== undefined && !datasetFrom(dataset).info.files.length;
  const data = isComputed ? heldDataset(config, { files: {}, folders: {} }, '') : undefined;
  const [device, images] = await Promise.all([runDevice(opening), data]);
  const asked = JSON.stringify(config);
  if (!images || !device.report.software || opening.tune || asked === compiled.get(device)) return;
  compiled.set(device, asked);
  const { trainer } = await openTrainer(recipeOf(config), images, device, { evaluatesAlone: true });
  trainer.destroy();
}
