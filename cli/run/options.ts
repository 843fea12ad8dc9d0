/** The options of `descent train`, and what those say that are no part of the configuration. */
import { COUNT } from '../../engine/range.ts';
import type { Key } from '../../train/config/options.ts';
import { parseNumber } from '../../engine/spec.ts';
import type { LoopOptions } from '../../train/run/loop.ts';
import type { SessionOptions } from './session.ts';

/** As the command line gives them: texts, checked by parseConfig. */
export type TrainOptions = SessionOptions & { [K in Key]?: string | boolean } & {
  out?: string;
  resume?: string;
  dataDir?: string;
  checkpointEvery?: string;
  exchange?: string;
  trust?: boolean;
  plan?: string | true;
  stats?: string | true;
};

/** Milliseconds of training that a crash may cost where nothing else is asked for. */
const CHECKPOINT_AFTER = 10 * 60_000;

/** When checkpoints are due within an epoch: `500` steps, or `5m`. */
export function checkpointsFrom({ checkpointEvery: given }: TrainOptions): Pick<LoopOptions, 'checkpointAfter' | 'checkpointEvery'> {
  if (given === undefined) return { checkpointAfter: CHECKPOINT_AFTER };
  if (!given.endsWith('m')) return { checkpointEvery: parseNumber('--checkpoint-every', given, COUNT) };
  return { checkpointAfter: 60_000 * parseNumber('--checkpoint-every', given.slice(0, -1), { above: 0 }) };
}

/** How often within an epoch layers are looked at: every so many steps, or never. */
export const statsEvery = (given: string | true): number => (given === true ? Infinity : parseNumber('--stats', given, COUNT));
