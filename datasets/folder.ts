/** How the images of a folder by class become training and test images, the same wherever the folder is read. */
import { check, named, say, some } from '../engine/check.ts';
import { UNLABELLED } from './dataset.ts';

/** An image file: its path below the folder, with slashes, and its class. */
export interface FolderItem {
  readonly path: string;
  readonly label: number;
}

export interface FolderSplit<T> {
  /** In alphabetical order. */
  readonly classes: readonly string[];
  readonly train: readonly (T & FolderItem)[];
  /** So many of `train`, the first, lie in a folder for validation. */
  readonly validation: number;
  readonly test: readonly (T & FolderItem)[];
  /** Files that take no part, in alphabetical order. */
  readonly leftOut: readonly string[];
}

/** How a folder is read. */
export interface SplitBy {
  /** SHA-256 in hex, by whose value of their paths samples are shuffled: an image keeps its side of the split when others come or go. */
  readonly digest: (text: string) => string | Promise<string>;
  /** Whether a file is an image that the decoder at hand reads. */
  readonly reads: (path: string) => boolean;
  /** Subfolders that are known, empty ones too. */
  readonly folders?: readonly string[];
  /** The subfolder of images that have no label. */
  readonly ignoreLabel?: string | undefined;
}

/** Files that are pictures by their names, whichever decoder reads them. */
export const isPictureName = (path: string): boolean =>
  /\.(png|jpe?g|jpe|jfif|webp|gif|avif|tiff?|bmp|ico|heic|heif|jxl|jp2|svg)$/i.test(path);
/** Those that sharp and all browsers read. */
export const isImage = (path: string): boolean => /\.(png|jpe?g|webp|gif|avif)$/i.test(path);
export const FORMATS = 'PNG, JPEG, WebP, GIF, AVIF or TIFF';
/** What a page reads. */
export const IN_BROWSER = 'what the browser decodes';
/** What of such files is read of a folder. */
export const inClasses = (formats: string): string =>
  `${formats} in a folder for each class (of train/, val/ and test/, where there are these)`;

/** Whether a file takes part: no part of its path begins with a dot. */
export const isVisible = (path: string): boolean => !path.split('/').some(part => part.startsWith('.'));

/** What a folder of images to validate on is called beside train/ and test/. */
const VALIDATION = ['val', 'valid', 'validation', 'dev'];

/**
 * Images by class and split from the files `<class>/**`, or `train/<class>/**` and `test/<class>/**`, with `val/<class>/**` beside them where
 * there is such a folder. Without a test/ folder a fifth of each class is held back; what has no label is trained on alone. Throws where there
 * are fewer than two classes, an empty one, or none to test on.
 */
export async function splitFolder<T extends { readonly path: string }>(
  who: string,
  files: readonly T[],
  { digest, reads, folders = [], ignoreLabel }: SplitBy,
): Promise<FolderSplit<T>> {
  const parts = (path: string) => path.split('/');
  const visible = files.filter(f => isVisible(f.path));
  const images = visible.filter(f => reads(f.path) && parts(f.path).length > 1);
  const tops = new Set([...images.map(f => f.path), ...folders].map(path => parts(path)[0]!));
  const given = tops.has('train') && (tops.has('test') || tops.size === 1);
  const validation = VALIDATION.find(name => tops.has(name));
  check(
    tops.size > 2 || !tops.has('train') || validation === undefined,
    `${who}: holds train/ and ${validation}/, which would be its two classes`,
    `rename ${validation}/ to test/, which is what nets are tested on; validation takes a share of train/`,
  );
  const below = (top: string) => images.filter(f => f.path.startsWith(`${top}/`) && parts(f.path).length > 2);
  const classOf = (path: string) => parts(path)[given ? 1 : 0]!;
  const own = given ? below('train') : images;
  const known = folders.filter(path => (given ? /^train\/[^/]+$/.test(path) : !path.includes('/')));
  const all = [...new Set([...own.map(f => f.path), ...known].map(classOf))].sort();
  check(
    ignoreLabel === undefined || all.includes(ignoreLabel),
    say`${named('ignoreLabel', ignoreLabel)}: ${who} has no such subfolder`,
    `give one of ${some(all)}`,
  );
  const classes = all.filter(name => name !== ignoreLabel);
  check(
    classes.length > 1,
    `${who}: ${classes.length ? `one class only ('${classes[0]}')` : 'no class'}`,
    `at least two subfolders of ${FORMATS} images are needed, one a class`,
  );
  const empty = classes.find(name => !own.some(f => classOf(f.path) === name));
  check(empty === undefined, `${who}: class '${empty}' has no ${FORMATS} image`, 'add some or remove its folder');
  // the 0 was a seed once: with another text, folders that are known would be split anew
  const places = new Map(await Promise.all(images.map(async ({ path }) => [path, await digest(`0\n${path}`)] as const)));
  const labelOf = (path: string) => (classOf(path) === ignoreLabel ? UNLABELLED : classes.indexOf(classOf(path)));
  const shuffled = (from: readonly T[]) =>
    from.map(f => ({ ...f, label: labelOf(f.path) })).sort((a, b) => (places.get(a.path)! < places.get(b.path)! ? -1 : 1));
  const training = shuffled(own);
  const labelled = (top: string) => labelledIn(who, top, classes, shuffled(below(top)), classOf);
  const parted = given
    ? aside(who, training, validation === undefined ? [] : labelled(validation), labelled('test'))
    : heldBack(who, classes, training);
  const taken = new Set([...parted.train, ...parted.test].map(item => item.path));
  const leftOut = visible.filter(f => !taken.has(f.path)).map(f => f.path);
  return { classes, ...parted, leftOut: leftOut.sort() };
}

type Parted<I> = { readonly train: readonly I[]; readonly validation: number; readonly test: readonly I[] };

/** Those of the images in `top`/ that have a label. Throws where it is of a class that is not trained on. */
function labelledIn<I extends FolderItem>(
  who: string,
  top: string,
  classes: readonly string[],
  all: readonly I[],
  classOf: (path: string) => string,
): readonly I[] {
  const labelled = all.filter(item => item.label !== UNLABELLED);
  const stray = labelled.find(item => item.label < 0);
  check(!stray, `${who}: class '${stray && classOf(stray.path)}' is in ${top}/ but not in train/`, `known: ${classes.join(', ')}`);
  return labelled;
}

/** Images that lie in folders of their own already. */
function aside<I>(who: string, train: readonly I[], validation: readonly I[], test: readonly I[]): Parted<I> {
  check(test.length, `${who}: ${train.length} images leave none for testing`, 'put some into test/');
  return { train: [...validation, ...train], validation: validation.length, test };
}

/** A fifth of each class is for testing. */
function heldBack<I extends FolderItem>(who: string, classes: readonly string[], all: readonly I[]): Parted<I> {
  const held = classes.flatMap((_, label) => {
    const members = all.filter(item => item.label === label);
    return members.slice(0, members.length > 1 ? Math.max(1, Math.round(members.length / 5)) : 0);
  });
  const isHeld = new Set(held);
  check(held.length, `${who}: ${all.length} images leave none for testing`, 'at least two a class are needed, or train/ and test/ folders');
  return { train: all.filter(item => !isHeld.has(item)), validation: 0, test: all.filter(item => isHeld.has(item)) };
}

/** What of a folder's images is not as it lies there. */
export interface Departures {
  readonly leftOut: readonly string[];
  /** What is read, where that is not FORMATS. */
  readonly formats?: string;
  readonly broken: readonly string[];
  /** Grey images among coloured ones. */
  readonly grey: number;
}

const are = (n: number, what: string) => `${n} ${what}${n === 1 ? ' is' : 's are'}`;

/** Files that are left out in words; nothing where there are none. `only` is what is read. */
export function leftOutWords(who: string, files: readonly string[], only = FORMATS): string | undefined {
  if (!files.length) return undefined;
  const advice = files.some(path => isPictureName(path) && !isImage(path)) ? '; convert the pictures among them' : '';
  return `${who}: ${are(files.length, 'file')} left out, since only ${only} is read: ${some(files)}${advice}`;
}

/** The departures in words, a line each. */
export function departures(who: string, { leftOut, broken, grey, formats = FORMATS }: Departures): string[] {
  const files = leftOutWords(who, leftOut, inClasses(formats));
  return [
    ...(files ? [files] : []),
    ...(broken.length ? [`${who}: ${are(broken.length, 'broken image')} left out: ${some(broken)}`] : []),
    ...(grey ? [`${who}: ${are(grey, 'grey image')} taken as coloured, as the others are`] : []),
  ];
}

/** Throws where all images of a class are broken, or all to test on. */
export function checkLeft(who: string, classes: readonly string[], train: readonly FolderItem[], test: readonly FolderItem[]): void {
  const empty = classes.find((_, label) => !train.some(item => item.label === label));
  check(empty === undefined, `${who}: no image of class '${empty}' can be read to train on`, 'add some or remove its folder');
  check(test.length, `${who}: no image to test on can be read`, 'add some');
}
