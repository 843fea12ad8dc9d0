/** Labels and answers as a table. */
import { el } from './dom.ts';

/** `counts` [label, answer]. A cell's colour is its share of the label. */
export function confusionTable(classes: readonly string[], counts: ArrayLike<number>): HTMLElement {
  const k = classes.length;
  const head = classes.map(c => el('th', { scope: 'col', title: c }, el('span', { textContent: c })));
  const rows = classes.map((label, r) => {
    const row = classes.map((_, c) => counts[r * k + c]!);
    const sum = Math.max(
      1,
      row.reduce((a, b) => a + b, 0),
    );
    return el(
      'tr',
      {},
      el('th', { textContent: label, scope: 'row' }),
      ...row.map((n, c) => {
        const title = `${label} taken for ${classes[c]}: ${n}`;
        const cell = el('td', { textContent: n ? String(n) : '', class: c === r ? 'right' : 'wrong', title });
        cell.style.setProperty('--share', String(n / sum));
        return cell;
      }),
    );
  });
  return el(
    'div',
    { class: 'scroll' },
    el(
      'table',
      { class: 'confusion', 'aria-label': 'Labels and answers' },
      el('thead', {}, el('tr', {}, el('th', { textContent: 'label \\ answer', scope: 'col' }), ...head)),
      el('tbody', {}, ...rows),
    ),
  );
}
