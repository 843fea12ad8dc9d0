/** Test-time augmentation: the average of the predictions for several views of each image. */
import { check, lookUp } from '../../engine/check.ts';
import type { Transform } from '../../shaders/images/transform.ts';
import type { Part } from '../data/split.ts';
import { softmaxRows } from './probabilities.ts';
import type { Trainer } from '../step/trainer.ts';

/** One view; the empty list is the image itself. */
export type View = readonly Transform[];

const mirror: Transform = { name: 'flip', o: { p: 1, vertical: 0, alternate: 0 } };

/** A window of `share` of the sides, at (x, y) of the room there is, resized to the whole. */
const window = (share: number, x = 0.5, y = 0.5): Transform => ({
  name: 'scale',
  o: { min: share, max: share, x, y },
  fill: 'edge',
});

/** 28 of 32 pixels, as 224 of 256. */
const CROP = 0.875;
const CORNERS_AND_CENTRE = [
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
  [0.5, 0.5],
] as const;
const crops: readonly View[] = CORNERS_AND_CENTRE.map(([x, y]) => [window(CROP, x, y)]);

/** Ways of looking by name: both mirrorings; four corners and the centre (Krizhevsky 2012), also mirrored; the whole and closer looks. */
export const VIEWS: Readonly<Record<string, readonly View[]>> = {
  flip: [[], [mirror]],
  '5crop': crops,
  '10crop': [...crops, ...crops.map(v => [...v, mirror])],
  scales: [[], [window(0.9)], [window(0.8)]],
};

/** The views that `--tta` names: one name, or several joined by `+`. */
export function viewsOf(text: string): readonly View[] {
  return text.split('+').flatMap(name => lookUp('view', name, VIEWS));
}

/** The averaged softmax [size, classes] over views of the images of a part. */
export async function predictViews(
  trainer: Pick<Trainer, 'logits'>,
  part: Part,
  classes: number,
  views: readonly View[],
): Promise<Float64Array> {
  check(views.length, 'tta: no view is given', 'give at least one');
  let mean: Float64Array | undefined;
  for (const view of views) {
    const seen = softmaxRows(await trainer.logits(part, undefined, view.length ? view : undefined), classes);
    mean ??= new Float64Array(seen.length);
    for (let i = 0; i < seen.length; i++) mean[i]! += seen[i]! / views.length;
  }
  return mean!;
}
