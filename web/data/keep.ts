/** Data that a user brings to the page: kept for its runs, and what is to be said of it. */
import { IN_BROWSER, inClasses, isPictureName, leftOutWords, splitFolder } from '../../datasets/folder.ts';
import { check } from '../../engine/check.ts';
import { count } from '../views/dom.ts';
import { isDataFile, keepData, type Dropped } from './dropped.ts';
import { digest, type FolderFile } from './folder.ts';

export interface Kept {
  /** A data set that is whole now. */
  readonly whole: string | undefined;
  readonly said: string;
}

/** Keeps files of known data sets, and says what these lack. Where one is damaged, those before it are kept. */
export async function keepFiles(files: readonly File[], dropped: Dropped): Promise<Kept> {
  const lacks = new Map<string, readonly string[]>();
  for (const file of files) {
    check(
      isDataFile(file.name),
      `${file.name}: is of no known data set`,
      'add the files of one as they are published',
      'a folder of images by class',
    );
    for (const [name, missing] of await keepData(file, dropped)) lacks.set(name, missing);
  }
  const whole = [...lacks.keys()].findLast(name => !lacks.get(name)!.length);
  const said = [...lacks].map(([name, missing]) =>
    missing.length
      ? `${name}: still needs ${missing.join(', ')}; add them too.`
      : `${name}: is complete${name === whole ? ', and chosen' : ''}.`,
  );
  return { whole, said: said.join(' ') };
}

/** Keeps a folder of images by class under its name. */
export async function keepFolder(files: readonly FolderFile[], dropped: Dropped): Promise<Kept> {
  const whole = files[0]?.path.split('/')[0]?.replace(/[,:=]/g, '-') ?? 'folder';
  const inside = files.map(({ path, file }) => ({ path: path.slice(path.indexOf('/') + 1), file }));
  const { classes, train, test, leftOut } = await splitFolder(whole, inside, { digest, reads: isPictureName });
  dropped.folders[whole] = inside;
  const some = classes.slice(0, 6).join(', ') + (classes.length > 6 ? ' …' : '');
  const others = leftOutWords(whole, leftOut, inClasses(IN_BROWSER));
  const said = `${whole}: ${count(train.length + test.length)} images of ${classes.length} classes (${some}), chosen.`;
  return { whole, said: others ? `${said} ${others}.` : said };
}
