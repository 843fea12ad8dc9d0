/** Test-time augmentation: the average of the predictions for several views of each image. */
import { check, lookUp } from '../../engine/check.ts';
import type { Transform } from '../../shaders/images/transform.ts';
import type { Part } from '../data/split.ts';
import { softmaxRows } from './probabilities.ts';
import type { Trainer } from '../step/trainer.ts';

/** One view; the empty list is the image itself. */
export type View = readonly Transform[];

/**
 * A window of `share` of the sides, at (x, y) of the room there is, and whether it is mirrored. One of `padding` is of the image's own size,
 * in the image with so many pixels more on each side, which are its reflection.
 */
interface Look {
  readonly share: number;
  readonly x: number;
  readonly y: number;
  readonly mirrored: boolean;
  readonly padding?: number;
}

/** The window is resized to the whole. */
function viewOf({ share, x, y, mirrored, padding }: Look): View {
  const moved: Transform = { name: 'crop', o: { padding: padding ?? 0, x, y }, fill: 'reflect' };
  const window: Transform = { name: 'scale', o: { min: share, max: share, x, y }, fill: 'edge' };
  const mirror: Transform = { name: 'flip', o: { p: 1, vertical: 0, alternate: 0 } };
  return [...(padding ? [moved] : []), ...(share === 1 ? [] : [window]), ...(mirrored ? [mirror] : [])];
}

const both = (looks: readonly Look[]): Look[] => [...looks, ...looks.map(look => ({ ...look, mirrored: true }))];

/** 28 of 32 pixels, as 224 of 256. */
const CROP = 0.875;
const CORNERS_AND_CENTRE = [
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
  [0.5, 0.5],
] as const;
const crops: readonly Look[] = CORNERS_AND_CENTRE.map(([x, y]) => ({ share: CROP, x, y, mirrored: false }));
const centre = (share: number): Look => ({ share, x: 0.5, y: 0.5, mirrored: false });
const shifts: readonly Look[] = [0, 1].map(at => ({ share: 1, x: at, y: at, mirrored: false, padding: 1 }));

/** Shares of the sides that are looked at: the whole and two closer ones; windows of 224 in images of 224, 256, 384, 480 and 640 (He 2015). */
const SCALES: Readonly<Record<string, readonly number[]>> = {
  scales: [1, 0.9, 0.8],
  '5scales': [224, 256, 384, 480, 640].map(size => 224 / size),
};

/**
 * Ways of looking by name: both mirrorings; four corners and the centre (Krizhevsky 2012), also mirrored; a pixel down and right, and up and
 * left, both mirrored too (Jordan 2024, whose six views are `flip+flip+shifts`); the middle at scales.
 */
const LOOKS: Readonly<Record<string, readonly Look[]>> = {
  flip: both([centre(1)]),
  '5crop': crops,
  '10crop': both(crops),
  shifts: both(shifts),
  ...Object.fromEntries(Object.entries(SCALES).map(([name, shares]) => [name, shares.map(centre)])),
};

/** The views that `--tta` names: `10crop`, at each of some scales `10crop@5scales` or `10crop@0.9/0.8`, or several joined by `+`. */
export function viewsOf(text: string): readonly View[] {
  return text.split('+').flatMap(part => {
    const [name = '', at, ...more] = part.split('@');
    check(!more.length, `view '${part}' has more than one @`, 'write it as 10crop@5scales');
    const looks = lookUp('view', name, LOOKS);
    const shares = at === undefined ? undefined : sharesOf(at);
    check(!shares || looks.every(look => !look.padding), `view '${part}': ${name} are of the whole image`, `write ${name}`);
    return (shares?.flatMap(share => looks.map(look => ({ ...look, share }))) ?? looks).map(viewOf);
  });
}

/** The scales of a name, or those that are written out. */
function sharesOf(text: string): readonly number[] {
  const numbers = text.split('/').map(Number);
  if (numbers.some(Number.isNaN)) return lookUp('scales', text, SCALES);
  const odd = numbers.find(share => !(share > 0 && share <= 1));
  check(odd === undefined, `scale ${odd} is out of range`, 'give shares of the sides above 0 and at most 1');
  return numbers;
}

/** What is averaged over views: probabilities, or the logits that they are the softmax of. */
export const MEANS = ['probabilities', 'logits'] as const;

/** The softmax [size, classes] of the images of a part, averaged over views, or the softmax of their averaged logits. */
export async function predictViews(
  trainer: Pick<Trainer, 'logits'>,
  part: Part,
  classes: number,
  views: readonly View[],
  of: (typeof MEANS)[number] = 'probabilities',
): Promise<Float64Array> {
  check(views.length, 'tta: no view is given', 'give at least one');
  let mean: Float64Array | undefined;
  const distinct = new Map(views.map(view => [JSON.stringify(view), view])); // the corners of the whole are all the whole
  for (const [key, view] of distinct) {
    const share = views.filter(other => JSON.stringify(other) === key).length / views.length;
    const logits = await trainer.logits(part, undefined, view.length ? view : undefined);
    const seen = of === 'logits' ? logits : softmaxRows(logits, classes);
    mean ??= new Float64Array(seen.length);
    for (let i = 0; i < seen.length; i++) mean[i]! += seen[i]! * share;
  }
  return of === 'logits' ? Float64Array.from(softmaxRows(Float32Array.from(mean!), classes)) : mean!;
}
