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
    const isRight = left > this.#parent.clientWidth / 2;
    box.style.left = isRight ? '' : `${left + 12}px`;
    box.style.right = isRight ? `${this.#parent.clientWidth - left + 12}px` : '';
    box.style.top = `${top + 4}px`;
  }
}
