/** What `descent export` is asked for, and what it says of what it wrote. */
import type { CheckpointOptions } from '../run/checkpoint.ts';

export interface ExportOptions extends CheckpointOptions {
  to: string;
  out?: string;
  normalizedInput?: boolean;
  softmax?: boolean;
  dataDir?: string;
  json?: boolean;
  quiet?: boolean;
}

/** What is written, in words, and where. */
export interface Written {
  readonly path: string;
  readonly about: string;
}
