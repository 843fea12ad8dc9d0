/** What all curves are at the pointer, beside it. */
import { el } from '../dom.ts';

export interface Row {
  readonly name: string;
  readonly value: string;
  readonly colour: string;
  readonly dashed?: boolean | undefined;
  /** How far the curve is from the pointer. */
  readonly away: number;
}

/** Most rows: more would be higher than the chart. */
const MOST = 9;

export class Tooltip {
  #parent: HTMLElement;
  #box = el('div', { class: 'tooltip', 'aria-hidden': 'true', hidden: true });

  constructor(parent: HTMLElement) {
    this.#parent = parent;
    parent.append(this.#box);
  }

  hide(): void {
    this.#box.hidden = true;
  }

  /**
   * Of many rows those of the curves nearest to the pointer. `left` and `top` are pixels within the parent, beside which it stands on the
   * side where there is more room.
   */
  show(title: string, all: readonly Row[], left: number, top: number): void {
    const box = this.#box;
    if (!all.length) {
      this.hide();
      return;
    }
    const nearest = [...all].sort((a, b) => a.away - b.away).slice(0, MOST);
    const rows = all.filter(row => nearest.includes(row));
    const more = all.length - rows.length;
    const lines = rows.map(({ name, value, colour, dashed }) => {
      const stroke = el('span', { class: 'stroke' });
      stroke.style.borderTop = `2px ${dashed ? 'dashed' : 'solid'} ${colour}`;
      return el('div', {}, stroke, el('span', { textContent: name }), el('b', { textContent: value }));
    });
    box.replaceChildren(el('strong', { textContent: title }), ...lines, more ? `and ${more} more` : '');
    box.hidden = false;
    const room = this.#parent.clientWidth;
    const isRight = left > room / 2;
    const beside = isRight ? left - 12 - box.offsetWidth : left + 12;
    box.style.left = `${Math.max(0, Math.min(beside, room - box.offsetWidth))}px`; // within the chart, or a narrow page would become wider
    box.style.top = `${top + 4}px`;
  }
}
