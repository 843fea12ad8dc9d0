/** The way of one racer, by the very update that trains nets. */
import type { Device } from '../../engine/device.ts';
import type { Point } from '../../train/study/descent/landscapes.ts';
import { trajectory } from '../../train/study/descent/trajectory.ts';
import { openDevice } from '../../engine/open.ts';
import type { RaceRequest } from './protocol.ts';

let device: Promise<Device> | undefined;

export async function runRace({ rule, hyper, land, start, steps }: RaceRequest): Promise<Point[]> {
  return trajectory(await (device ??= openDevice({ tune: false })), { ...land, start }, rule, { steps, hyper });
}
