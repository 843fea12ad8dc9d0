/** The image files that a command is given. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FORMATS, isImage, isVisible } from '../../datasets/folder.ts';
import { check } from '../../engine/check.ts';

/** The files that are named, and in place of a folder all image files below it, in alphabetical order. */
export function imagesAt(paths: readonly string[]): string[] {
  return paths.flatMap(path => {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
    const inside = readdirSync(path, { recursive: true, encoding: 'utf8' });
    const files = inside.filter(name => isImage(name) && isVisible(name.replaceAll('\\', '/'))).sort();
    check(files.length, `${path}: there is no ${FORMATS} image in this folder`, 'give one that holds some');
    return files.map(name => join(path, name));
  });
}
