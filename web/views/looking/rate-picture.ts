/** The learning rate by step, as a run would have it, drawn below the field of the schedule. */
import { datasetFrom, knownName } from '../../../datasets/index.ts';
import type { Recipe } from '../../../train/config/recipe.ts';
import { rateCurve, type RateCurve } from '../../../train/run/rates.ts';
import { batchFor } from '../../data/batch-size.ts';
import { count, el } from '../dom.ts';
import { svg } from '../svg.ts';

const [WIDTH, HEIGHT] = [300, 64];
const [LEFT, RIGHT, TOP, BOTTOM] = [6, 6, 14, 14];
/** Steps that are looked at within one column of the picture. */
const WITHIN = 16;

/** Points of the curve from step `from` to `to`: the least and the greatest rate of each column, so that nothing quick is missed. */
export function columnsOf(
  rateAt: RateCurve['rateAt'],
  from: number,
  to: number,
  columns: number,
): (readonly [step: number, rate: number])[] {
  const steps = to - from + 1;
  if (steps <= columns * WITHIN) return Array.from({ length: steps }, (_, i) => [from + i, rateAt(from + i)]);
  return Array.from({ length: columns }, (_, column) => {
    const step = (k: number) => from + Math.floor(((column + k / WITHIN) / columns) * steps);
    const looked = Array.from({ length: WITHIN }, (_, k) => [step(k), rateAt(step(k))] as const);
    const low = looked.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = looked.reduce((a, b) => (b[1] > a[1] ? b : a));
    if (low[0] === high[0]) return [low];
    return low[0] < high[0] ? [low, high] : [high, low];
  }).flat();
}

export const rateText = (rate: number): string =>
  rate !== 0 && Math.abs(rate) < 1e-3 ? rate.toExponential(1).replace('.0e', 'e') : String(Number(rate.toPrecision(3)));

export interface RatePicture {
  /** Draws what is known of a recipe; nothing where there is none, or nobody knows yet how many images it is on. */
  show(recipe: Recipe | undefined): void;
}

/** The rates of a run, where it is known on how many images it is. */
function curveOf(recipe: Recipe): { readonly curve: RateCurve; readonly note?: string } | undefined {
  const { dataset, limitTrain = Infinity, valSplit, schedule } = recipe;
  if (knownName(dataset) === undefined) return undefined;
  const { info, options } = datasetFrom(dataset);
  const { points = info.train } = options as { points?: number };
  const all = Math.min(points, limitTrain);
  const images = all - Math.round(all * valSplit);
  const curve = rateCurve({ ...recipe, batchSize: batchFor(recipe.batchSize, images) }, images);
  if (schedule?.name === 'plateau') return { curve, note: 'It falls where the validation loss does not, which nobody knows before.' };
  if (schedule?.name === 'batch-growth') return { curve, note: 'The batch grows in place of a falling rate.' };
  return { curve };
}

/** Fills an element with the rates of a recipe. */
export function ratePicture(element: HTMLElement): RatePicture {
  return {
    show(recipe) {
      const { curve, note } = (recipe && curveOf(recipe)) ?? {};
      element.hidden = !curve || curve.total < 2;
      if (!curve || element.hidden) return;
      const { stretches, total, rateAt } = curve;
      const x = (step: number) => LEFT + ((step - 1) / (total - 1)) * (WIDTH - LEFT - RIGHT);
      const word = (at: number, down: number, text: string, anchor = 'start') =>
        svg('text', { x: at, y: down, 'text-anchor': anchor }, text);
      const parts = stretches.map(({ name, from, to }) => {
        const [left, right] = [x(Math.max(1, from)), x(to)];
        const points = columnsOf(rateAt, from + 1, to, Math.ceil(right - left));
        const most = points.reduce((a, [, rate]) => Math.max(a, rate), 0);
        // of several rules each has a scale of its own: what is small for one is large for another
        const y = (rate: number) => TOP + (1 - rate / (most || 1)) * (HEIGHT - TOP - BOTTOM);
        const d = points.map(([step, rate], i) => `${i ? 'L' : 'M'}${x(step).toFixed(1)} ${y(rate).toFixed(1)}`).join('');
        const text = stretches.length > 1 ? `${name}: most ${rateText(most)}` : `most ${rateText(most)}`;
        return { name, from, to, left, most, text, d, isWide: right - left > 6.5 * text.length };
      });
      const means = parts.map(({ name, to, most }) => `${name} to step ${count(to)}, ${rateText(most)} at most`).join('; ');
      const [first, last] = [rateText(rateAt(1)), rateText(rateAt(total))];
      element.replaceChildren(
        svg(
          'svg',
          {
            viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
            role: 'img',
            'aria-label': `Learning rate by step: ${first} at first, ${last} at the end; ${means}`,
          },
          svg('path', { class: 'axis', d: `M${LEFT} ${HEIGHT - BOTTOM}H${WIDTH - RIGHT}` }),
          ...parts.flatMap(({ from, left, text, d, isWide }) => [
            from > 0 && svg('path', { class: 'end', d: `M${left} ${TOP}V${HEIGHT - BOTTOM}` }),
            isWide && word(left, 10, text),
            svg('path', { class: 'rate', d }),
          ]),
          word(LEFT, HEIGHT - 2, `step 1: ${first}`),
          word(WIDTH - RIGHT, HEIGHT - 2, `step ${count(total)}: ${last}`, 'end'),
        ),
        note ? el('p', { class: 'hint', textContent: note }) : '',
      );
    },
  };
}
