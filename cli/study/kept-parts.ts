/** Parts of an experiment in a folder beside its picture, until it is complete. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, readWhole, writeWhole } from '../../train/run/node/files.ts';
import type { Kept } from '../../train/study/experiment.ts';

const ENDING = '.part';

export interface KeptParts extends Kept {
  readonly folder: string;
  /** Parts that are there. */
  readonly count: number;
  /** Removes them. */
  clear(): void;
}

/** The parts of what `of` describes in full, so that another seed, option or version finds none of them. `stem` is the picture's path. */
export function keptParts(stem: string, of: unknown): KeptParts {
  const hash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12);
  const folder = `${stem}-parts-${hash(JSON.stringify(of))}`;
  const path = (name: string) => join(folder, `${name.replace(/[^\w.-]+/g, '_').slice(0, 60)}-${hash(name)}${ENDING}`);
  const parts = () => (existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith(ENDING)) : []);
  return {
    folder,
    get count() {
      return parts().length;
    },
    async read(name) {
      return existsSync(path(name)) ? readWhole(path(name), `remove ${folder} to begin anew`) : undefined;
    },
    async write(name, bytes) {
      makeFolder(folder, 'choose another place with --out');
      writeWhole(path(name), bytes);
    },
    clear() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
