/** How samples come into a lesson: from the camera while a button is held, and from pictures. */
import { isPictureName } from '../../../datasets/folder.ts';
import type { Lesson, TaughtClass } from '../../data/lessons.ts';
import { leftOut } from '../../data/refused.ts';
import { sampleOf } from '../../data/samples.ts';
import { inPageWords } from '../../words.ts';
import type { TaughtNet } from '../../worker/protocol.ts';
import { count } from '../dom.ts';
import type { Place } from './place.ts';
import type { Stage } from './stage.ts';

/** Milliseconds between two samples while a button is held. */
const EVERY = 100;

/** What samples come into. */
export interface Collection {
  readonly lesson: Lesson;
  /** Of the images that the backbone takes. */
  shape(): Promise<TaughtNet['shape']>;
  /** Shows the samples as they are now. */
  changed(): void;
}

/** Takes samples as long as the button is held, one at least. A camera that was off is only switched on by a short press. */
export function capture(one: TaughtClass, { lesson, shape, changed }: Collection, stage: Stage, place: Place, isHeld: () => boolean) {
  return place.told(async () => {
    const was = !stage.video.hidden;
    if (!(await stage.watch())) return;
    if (!was && !isHeld()) return place.say('The camera is on: hold the button now.');
    place.say();
    const size = await shape();
    do {
      const begun = performance.now();
      const sample = await sampleOf(stage.video, one.id, size);
      void lesson.put([sample]);
      changed();
      await new Promise(resolve => setTimeout(resolve, EVERY - (performance.now() - begun)));
    } while (isHeld());
  });
}

/** Adds pictures to a class; those that cannot be read are left out, and the first of them is named. */
export function addPictures(one: TaughtClass, files: readonly File[], { lesson, shape, changed }: Collection, place: Place) {
  return place.told(async () => {
    const size = await shape();
    const wrong: string[] = [];
    for (const [i, file] of files.entries()) {
      if (files.length > 1) place.say(`Picture ${i + 1} of ${files.length} …`);
      try {
        void lesson.put([await sampleOf(file, one.id, size)]);
        changed();
      } catch (error) {
        wrong.push(inPageWords(error as Error));
      }
    }
    if (wrong.length) place.say(leftOut(wrong));
    else place.say(files.length > 1 ? `${count(files.length)} pictures added.` : '');
  });
}

/** Whether a file says that it is a picture: by its name where the system knows no type for that. */
export const isPicture = ({ name, type }: File): boolean => (type ? type.startsWith('image/') : isPictureName(name));

/** Files by the folder that they are in. */
export function byFolder(files: readonly { readonly path: string; readonly file: File }[]): Map<string, File[]> {
  const groups = new Map<string, File[]>();
  for (const { path, file } of files) {
    const name = path.split('/').at(-2)!;
    groups.set(name, [...(groups.get(name) ?? []), file]);
  }
  return groups;
}
