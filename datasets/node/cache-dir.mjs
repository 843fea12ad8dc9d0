import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Where downloads and findings about this machine are kept (XDG Base Directory Specification: a relative path counts as unset). */
export function cacheDir() {
  const { XDG_CACHE_HOME: base } = process.env;
  return join(base && isAbsolute(base) ? base : join(homedir(), '.cache'), 'descent');
}

/** The file in a data set's folder that records its files once they are complete and checked: `{ name: [bytes, mtimeMs] }`. */
export const STAMP = '.complete.json';
