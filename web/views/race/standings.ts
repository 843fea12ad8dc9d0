/** Who has come how far: heights by step, when the goal was reached, and the table of it. */
import type { Point } from '../../../train/study/descent/landscapes.ts';
import { strokeOf, racerColour } from '../colours.ts';
import { el } from '../dom.ts';
import type { Land } from './land.ts';
import { RULES } from './settings.ts';

export interface Standing {
  readonly rule: string;
  /** f above its least value, by step. */
  readonly heights: readonly number[];
  /** The steps after which it stays within a hundredth of the way down from the start; undefined where it never does. */
  readonly arrival: number | undefined;
}

/** Sorted by who arrives first, and then by who is lower at the end. */
export function standings(land: Land, paths: ReadonlyMap<string, readonly Point[]>): Standing[] {
  const { value, minima } = land;
  const values = [...paths].map(([rule, path]) => ({ rule, path, all: path.map(at => value(...at)) }));
  // below the lowest point that was found some racer may know a lower one
  const known = land.isSearched
    ? values.flatMap(({ path, all }) => all.filter((v, t) => Number.isFinite(v) && isInside(land, path[t]!)))
    : [];
  const least = [...minima.map(at => value(...at)), ...known].reduce((a, b) => Math.min(a, b), Infinity);
  const found = values.map(({ rule, all }): Standing => {
    const heights = all.map(v => Math.max(0, v - least)); // rounding may end below a minimum
    const near = 0.01 * heights[0]!;
    const after = heights.findLastIndex(h => !(h <= near)) + 1;
    return { rule, heights, arrival: after < heights.length ? after : undefined };
  });
  const end = ({ heights }: Standing) => (Number.isFinite(heights.at(-1)) ? heights.at(-1)! : Infinity);
  return found.sort((a, b) => (a.arrival ?? Infinity) - (b.arrival ?? Infinity) || end(a) - end(b));
}

const isInside = ({ x, y }: Land, [a, b]: Point): boolean => a >= x[0] && a <= x[1] && b >= y[0] && b <= y[1];

/** Three digits, and 0 for what rounding leaves. */
export function written(height: number, of: number): string {
  if (!Number.isFinite(height)) return 'no number';
  if (height <= 1e-10 * of) return '0';
  return height < 1e-3 || height >= 1e5 ? height.toExponential(1) : String(Number(height.toPrecision(3)));
}

export const swatchOf = (rule: string): HTMLElement => {
  const i = RULES.indexOf(rule);
  const swatch = el('span', { class: 'stroke', 'aria-hidden': 'true' });
  swatch.style.borderTop = `3px ${strokeOf(i).style} ${racerColour(i)}`;
  return swatch;
};

export class StandingsTable {
  readonly element: HTMLElement;
  #body = el('tbody');

  constructor() {
    const head = ['Racer', 'Steps until within 1\u00a0%', 'f above its minimum, at the end'].map((text, i) =>
      el('th', { scope: 'col', textContent: text, class: i ? 'number' : '' }),
    );
    this.element = el(
      'div',
      { class: 'scroll' },
      el('table', { class: 'numbers standings', 'aria-label': 'Standings' }, el('thead', {}, el('tr', {}, ...head)), this.#body),
    );
  }

  show(all: readonly Standing[]): void {
    this.#body.replaceChildren(
      ...all.map(({ rule, heights, arrival }) =>
        el(
          'tr',
          {},
          el('th', { scope: 'row' }, el('span', { class: 'who' }, swatchOf(rule), rule)),
          el('td', { textContent: arrival === undefined ? 'never' : String(arrival) }),
          el('td', { textContent: written(heights.at(-1)!, heights[0]!) }),
        ),
      ),
    );
  }
}
