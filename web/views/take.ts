/** What becomes of files that are dropped on the page or pasted: weights, runs, files of a data set, and pictures to classify. */
import { isDataFile } from '../data/dropped.ts';
import { filesOf, type FolderFile } from '../data/folder.ts';
import { leftOut, pictured, type Named } from '../data/refused.ts';
import { inPageWords } from '../words.ts';
import { notice } from './dom.ts';
import type { TrainView } from './train/train-view.ts';

/** The view that answers for pictures. */
export interface Classifier {
  classify(pictures: readonly Named[]): Promise<void>;
}

/** Takes each file that can be taken. Throws why a file alone is not; of several it says which are left out. */
export async function take(files: readonly File[], train: TrainView, predict: () => Promise<Classifier>): Promise<void> {
  const wrong: Error[] = [];
  const tried = (work: Promise<unknown>) => work.catch(error => void wrong.push(error as Error));
  const data = files.filter(f => isDataFile(f.name));
  const others: File[] = [];
  if (data.length) await tried(train.configuration.addData(data));
  for (const file of files.filter(f => !data.includes(f))) {
    if (file.name.endsWith('.safetensors')) await tried(file.arrayBuffer().then(b => train.importWeights(new Uint8Array(b), file.name)));
    else if (file.name.endsWith('.json')) await tried(file.text().then(text => train.loadRuns(text, file.name)));
    else others.push(file);
  }
  const found = await pictured(others);
  wrong.push(...found.wrong);
  if (found.pictures.length) {
    location.hash = '#predict';
    await (await predict()).classify(found.pictures);
  }
  if (wrong.length && files.length === 1) throw wrong[0]!;
  if (wrong.length) notice(leftOut(wrong.map(inPageWords)));
}

/** What was dropped, as a `drop` event tells of it. */
interface Dropping {
  readonly entries: readonly (FileSystemEntry | null)[];
  readonly files: readonly File[];
}

/** Takes dropped files as `take` does and each dropped folder as a data set, unless the view that is shown takes them itself. */
export async function drop(
  { entries, files }: Dropping,
  byView: (files: readonly File[], inFolders: readonly FolderFile[]) => Promise<boolean | undefined>,
  train: TrainView,
  predict: () => Promise<Classifier>,
): Promise<void> {
  const folders = entries.filter((e): e is FileSystemEntry => Boolean(e?.isDirectory));
  const alone = files.filter(({ name }) => !folders.some(folder => folder.name === name));
  const inFolders = await Promise.all(folders.map(folder => filesOf([folder])));
  if (await byView(alone, inFolders.flat())) return;
  if (folders.length) location.hash = '#train';
  for (const inside of inFolders) await train.configuration.addFolder(inside);
  if (alone.length) await take(alone, train, predict);
}
