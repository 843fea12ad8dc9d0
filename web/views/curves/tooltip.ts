/** What all curves are at the pointer, beside it. */
import { el } from '../dom.ts';
import './tooltip.css';

export interface Row {
  readonly name: string;
  readonly colour: string;
  readonly dashed?: boolean | undefined;
  readonly value?: string | undefined;
  /** Of the dashed curve beside it. */
  readonly held?: string | undefined;
  /** How far the nearer of its curves is from the pointer. */
  readonly away: number;
}

/** Pixels between the box and the edge of the window. */
const EDGE = 8;
/** Pixels in which a name, shortened, and a value can still be read; and a second value. */
const NARROWEST = 110;
const SECOND = 60;

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
   * All rows, in columns where one is higher than the window; of more than it holds those of the curves nearest to the pointer. `left` and
   * `top` are pixels within the parent, beside which it stands on the side where there is more room; `keys` says which keys do what.
   */
  show(title: string, all: readonly Row[], left: number, top: number, keys = ''): void {
    const { top: above, bottom: below } = this.#parent.getBoundingClientRect();
    const { clientHeight } = document.documentElement;
    if (!all.length || below < 0 || above > clientHeight) {
      this.hide();
      return;
    }
    const box = this.#box;
    const isPaired = all.some(row => row.held !== undefined);
    const lineOf = (row: Row) => written(row, isPaired);
    const lines = el('div', { class: 'lines' }, ...all.map(lineOf));
    const fill = (rows: number) => (lines.style.gridTemplateRows = `repeat(${rows}, auto)`);
    fill(all.length);
    box.replaceChildren(el('strong', { textContent: title }), lines, el('small', { textContent: keys }));
    box.hidden = false;
    const { clientWidth: room } = this.#parent;
    const bottom = clientHeight - EDGE;
    const beside = box.offsetHeight - lines.offsetHeight;
    const fits = Math.max(1, Math.floor((bottom - EDGE - beside) / (lines.offsetHeight / all.length)));
    const columns = Math.min(Math.ceil(all.length / fits), Math.max(1, Math.floor(room / (isPaired ? NARROWEST + SECOND : NARROWEST))));
    if (all.length > columns * fits) {
      const nearest = new Set([...all].sort((a, b) => a.away - b.away).slice(0, columns * fits - 1));
      const shown = all.filter(row => nearest.has(row)).map(lineOf);
      lines.replaceChildren(...shown, el('div', { textContent: `and ${all.length - shown.length} more` }));
    }
    fill(Math.ceil(lines.childElementCount / columns));
    const aside = left > room / 2 ? left - 12 - box.offsetWidth : left + 12;
    box.style.left = `${Math.max(0, Math.min(aside, room - box.offsetWidth))}px`; // within the chart, or a narrow page would become wider
    box.style.top = `${Math.max(EDGE, Math.min(above + top + 4, bottom - box.offsetHeight)) - above}px`; // within the window
  }
}

function written({ name, value, held, colour, dashed = false }: Row, isPaired: boolean): HTMLElement {
  const told = (text = '', isDashed: boolean) => {
    const stroke = el('span', { class: 'stroke' });
    if (text) stroke.style.borderTop = `2px ${isDashed ? 'dashed' : 'solid'} ${colour}`;
    return [stroke, el('b', { textContent: text })] as const;
  };
  const [stroke, number] = told(value, dashed);
  return el('div', {}, stroke, el('span', { class: 'name', textContent: name }), number, ...(isPaired ? told(held, true) : []));
}
