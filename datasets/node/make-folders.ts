/** Folders that are made with those above them. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and those above it that are missing; returns the outermost of these. Level by level, since Node's recursive way does not
 * end under /proc.
 */
export function makeFolders(path: string): string | undefined {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const folder of missing) mkdirSync(folder);
  if (!missing.length && !statSync(path).isDirectory()) throw Object.assign(new Error(path), { code: 'EEXIST' });
  return missing[0];
}
