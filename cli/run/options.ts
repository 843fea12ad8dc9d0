/** The options of `descent train`. */
import type { Key } from '../../train/config/options.ts';
import type { SessionOptions } from './session.ts';

/** As the command line gives them: texts, checked by parseConfig. */
export type TrainOptions = SessionOptions & { [K in Key]?: string | boolean } & {
  out?: string;
  resume?: string;
  dataDir?: string;
  checkpointEvery?: string;
  exchange?: string;
  trust?: boolean;
  plan?: boolean;
  stats?: string | true;
};
