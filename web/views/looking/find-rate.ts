/** The learning-rate range test of what the form says: loss against rate, and the rate where it falls fastest. */
import type { RangeTest } from '../../../train/study/find-lr.ts';
import { button, el } from '../dom.ts';
import { rateText } from './rate-picture.ts';
import { search, type Searched } from './search.ts';
import { smallChart } from './small-chart.ts';

/** As `descent find-lr` has it. */
const RANGE = { from: 1e-5, to: 10, steps: 200 };

export function findRate({ config, dropped, take }: Searched): HTMLElement {
  const result = el('div');
  const { controls, said } = search('Try rates', async engine => {
    const found = await engine.call('findRate', config(), RANGE, document.baseURI, dropped());
    result.replaceChildren(...pictureOf(found, take));
    if (found.proposed === undefined) return `The loss never falls between ${RANGE.from} and ${RANGE.to}.`;
    return `The loss falls fastest at ${rateText(found.proposed)}.`;
  });
  const about = `At most ${RANGE.steps} steps of the first optimizer from new weights, at rates from ${RANGE.from} to ${RANGE.to}, until the loss leaps.`;
  return el('div', {}, el('p', { class: 'hint', textContent: about }), controls, result, said);
}

function pictureOf({ points, proposed }: RangeTest, take: Searched['take']): HTMLElement[] {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return [];
  const top = Math.ceil(Math.max(first.loss, first.smooth) * 3) / 2;
  const rate = proposed === undefined ? undefined : rateText(Number(proposed.toPrecision(2)));
  const chart = smallChart({
    title: 'Loss by rate',
    label: `Loss by learning rate, from ${first.smooth.toPrecision(3)} at ${rateText(first.lr)} to ${last.smooth.toPrecision(3)} at ${rateText(last.lr)}${rate ? `; it falls fastest at ${rate}` : ''}`,
    curves: [
      { kind: 'muted', points: points.map(p => [p.lr, p.loss] as const) },
      { kind: 'main', points: points.map(p => [p.lr, p.smooth] as const) },
    ],
    x: [first.lr, last.lr],
    y: [0, top],
    log: true,
    mark: proposed === undefined ? undefined : { x: proposed, text: rate! },
    ends: { left: rateText(first.lr), right: rateText(last.lr), top: String(top) },
  });
  return rate === undefined ? [chart] : [chart, button(`Take ${rate}`, () => take(rate))];
}
