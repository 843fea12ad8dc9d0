/** The image files that a command is given. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FORMATS, isVisible, leftOutWords } from '../../datasets/folder.ts';
import { readable } from '../../datasets/node/decode.ts';
import { check } from '../../engine/check.ts';
import { note } from '../output.ts';

/** The files that are named, and in place of a folder all image files below it, in alphabetical order; what is left out there is told. */
export async function imagesAt(paths: readonly string[], quiet = false): Promise<string[]> {
  const all: string[] = [];
  for (const path of paths) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      all.push(path);
      continue;
    }
    const reads = await readable();
    const inside = readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter(name => isVisible(name.replaceAll('\\', '/')) && !statSync(join(path, name), { throwIfNoEntry: false })?.isDirectory())
      .sort();
    const files = inside.filter(reads);
    check(files.length, `${path}: there is no ${FORMATS} image in this folder`, 'give one that holds some');
    const others = leftOutWords(
      path,
      inside.filter(name => !reads(name)),
    );
    if (others && !quiet) note(others);
    all.push(...files.map(name => join(path, name)));
  }
  return all;
}
