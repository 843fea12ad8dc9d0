/** What all curves are at the pointer, beside it. */
import { el } from '../dom.ts';

export interface Row {
  readonly name: string;
  readonly value: string;
  readonly colour: string;
  readonly dashed?: boolean | undefined;
}

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

  /** `left` and `top` are pixels within the parent, beside which it stands on the side where there is more room. */
  show(title: string, rows: readonly Row[], left: number, top: number): void {
    const box = this.#box;
    if (!rows.length) {
      this.hide();
      return;
    }
    const lines = rows.map(({ name, value, colour, dashed }) => {
      const stroke = el('span', { class: 'stroke' });
      stroke.style.borderTop = `2px ${dashed ? 'dashed' : 'solid'} ${colour}`;
      return el('div', {}, stroke, el('span', { textContent: name }), el('b', { textContent: value }));
    });
    box.replaceChildren(el('strong', { textContent: title }), ...lines);
    box.hidden = false;
    const room = this.#parent.clientWidth;
    const isRight = left > room / 2;
    const beside = isRight ? left - 12 - box.offsetWidth : left + 12;
    box.style.left = `${Math.max(0, Math.min(beside, room - box.offsetWidth))}px`; // within the chart, or a narrow page would become wider
    box.style.top = `${top + 4}px`;
  }
}
