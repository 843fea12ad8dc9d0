/** Who trains together, as a table. */
import type { Who } from '../../../train/distribute/channels/protocol.ts';
import { count, el } from '../dom.ts';

const HEADS = [
  ['who', true],
  ['device', true],
  ['state', true],
  ['images/s', false],
  ['last exchange', false],
  ['stale', false],
] as const;

export class WhoTable {
  readonly element: HTMLElement;
  #rows = el('tbody');

  constructor() {
    const heads = HEADS.map(([text, word]) => el('th', { scope: 'col', class: word ? 'word' : '', textContent: text }));
    this.element = el(
      'div',
      { class: 'scroll' },
      el('table', { class: 'numbers', 'aria-label': 'Who trains together' }, el('thead', {}, el('tr', {}, ...heads)), this.#rows),
    );
  }

  /** `own` is the number of this tab. */
  show(all: readonly Who[], own: number): void {
    this.#rows.replaceChildren(...all.map(who => rowOf(who, own)));
  }
}

function rowOf({ id, adapter, state, imagesPerSecond, exchanged, stale }: Who, own: number): HTMLElement {
  const name = `${id === 1 ? 'host' : `member ${id}`}${id === own ? ', this tab' : ''}`;
  const cells: [text: string, word: boolean][] = [
    [adapter || '–', true],
    [state, true],
    [imagesPerSecond ? count(Math.round(imagesPerSecond)) : '–', false],
    [exchanged === undefined ? '–' : `${exchanged} s ago`, false],
    [stale === undefined ? '–' : String(stale), false],
  ];
  return el(
    'tr',
    {},
    el('th', { scope: 'row', textContent: name }),
    ...cells.map(([textContent, word]) => el('td', { class: word ? 'word' : '', textContent })),
  );
}
