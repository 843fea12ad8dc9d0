/** How the images of a folder by class become training and test images, the same wherever the folder is read. */
import { check } from '../engine/check.ts';

/** An image file: its path below the folder, with slashes, and its class. */
export interface FolderItem {
  readonly path: string;
  readonly label: number;
}

export interface FolderSplit<T> {
  /** In alphabetical order. */
  readonly classes: readonly string[];
  readonly train: readonly (T & FolderItem)[];
  readonly test: readonly (T & FolderItem)[];
}

/** The formats that sharp and browsers read alike. */
export const isImage = (path: string): boolean => /\.(png|jpe?g|webp|gif|avif)$/i.test(path);
export const FORMATS = 'PNG, JPEG, WebP, GIF or AVIF';

/** Whether a file takes part: no part of its path begins with a dot. */
export const isVisible = (path: string): boolean => !path.split('/').some(part => part.startsWith('.'));

/**
 * Images by class and split from the files `<class>/**`, or `train/<class>/**` and `test/<class>/**`. Without a test/ folder a fifth of
 * each class is held back. `folders` are the subfolders that are known, empty ones too. `digest` is SHA-256 in hex, by whose value of their
 * paths samples are shuffled: an image keeps its side of the split when others come or go. Throws where there are fewer than two classes,
 * an empty one, or none to test on.
 */
export async function splitFolder<T extends { readonly path: string }>(
  who: string,
  files: readonly T[],
  digest: (text: string) => string | Promise<string>,
  folders: readonly string[] = [],
): Promise<FolderSplit<T>> {
  const parts = (path: string) => path.split('/');
  const images = files.filter(f => isImage(f.path) && isVisible(f.path) && parts(f.path).length > 1);
  const tops = new Set([...images.map(f => f.path), ...folders].map(path => parts(path)[0]!));
  const given = tops.has('train') && (tops.has('test') || tops.size === 1);
  const below = (top: string) => images.filter(f => f.path.startsWith(`${top}/`) && parts(f.path).length > 2);
  const classOf = (path: string) => parts(path)[given ? 1 : 0]!;
  const own = given ? below('train') : images;
  const known = folders.filter(path => (given ? /^train\/[^/]+$/.test(path) : !path.includes('/')));
  const classes = [...new Set([...own.map(f => f.path), ...known].map(classOf))].sort();
  check(
    classes.length > 1,
    `${who}: ${classes.length ? `one class only ('${classes[0]}')` : 'no class'}`,
    `at least two subfolders of ${FORMATS} images are needed, one a class`,
  );
  const empty = classes.find(name => !own.some(f => classOf(f.path) === name));
  check(empty === undefined, `${who}: class '${empty}' has no ${FORMATS} image`, 'add some or remove its folder');
  // the 0 was a seed once: with another text, folders that are known would be split anew
  const places = new Map(await Promise.all(images.map(async ({ path }) => [path, await digest(`0\n${path}`)] as const)));
  const shuffled = (from: readonly T[]) =>
    from.map(f => ({ ...f, label: classes.indexOf(classOf(f.path)) })).sort((a, b) => (places.get(a.path)! < places.get(b.path)! ? -1 : 1));
  const all = shuffled(own);
  if (given) {
    const test = shuffled(below('test'));
    check(test.length, `${who}: ${all.length} images leave none for testing`, 'put some into test/');
    const stray = test.find(item => item.label < 0);
    check(!stray, `${who}: class '${stray && classOf(stray.path)}' is in test/ but not in train/`, `known: ${classes.join(', ')}`);
    return { classes, train: all, test };
  }
  const held = classes.flatMap((_, label) => {
    const members = all.filter(item => item.label === label);
    return members.slice(0, members.length > 1 ? Math.max(1, Math.round(members.length / 5)) : 0);
  });
  const isHeld = new Set(held);
  check(held.length, `${who}: ${all.length} images leave none for testing`, 'at least two a class are needed, or train/ and test/ folders');
  return { classes, train: all.filter(item => !isHeld.has(item)), test: all.filter(item => isHeld.has(item)) };
}
