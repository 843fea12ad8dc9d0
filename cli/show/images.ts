/** The image files that a command is given. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { FORMATS, leftOutWords } from '../../datasets/folder.ts';
import { readable } from '../../datasets/node/decode.ts';
import { filesBelow } from '../../datasets/node/folder.ts';
import { check } from '../../engine/check.ts';
import { note } from '../output.ts';

/**
 * The files that are named, and in place of a folder all image files below it, in alphabetical order, links followed as openFolder does; what
 * is left out there is told.
 */
export async function imagesAt(paths: readonly string[], quiet = false): Promise<string[]> {
  const all: string[] = [];
  for (const path of paths) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      all.push(path);
      continue;
    }
    const { files, others } = await filesBelow(path, path, await readable());
    check(files.length, `${path}: there is no ${FORMATS} image in this folder`, 'give one that holds some');
    const told = leftOutWords(path, others.sort());
    if (told && !quiet) note(told);
    all.push(...files.map(file => join(path, file.path)).sort());
  }
  return all;
}
