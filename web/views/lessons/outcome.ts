/** What came of an experiment: pictures, what is expected beside what was found, all numbers. */
import type { Cell } from '../../../train/study/experiment.ts';
import type { Drawn } from '../../worker/protocol.ts';
import { count, el, percent } from '../dom.ts';

/** A number with as many digits as say something. */
function digits(n: number): string {
  if (Number.isInteger(n)) return count(n || 0); // a negative 0 too
  const size = Math.abs(n);
  return size >= 1e6 || size < 1e-3 ? n.toExponential(2) : String(Number(n.toPrecision(3)));
}

let pictures = 0;

/** A picture whose references are its own: several stand in one page. */
function picture({ title, svg }: Drawn['panels'][number], of: string): HTMLElement {
  const own = svg.replaceAll('zr-', `p${pictures++}-`);
  const drawing = document.importNode(new DOMParser().parseFromString(own, 'image/svg+xml').documentElement, true);
  drawing.setAttribute('role', 'img');
  drawing.setAttribute('aria-label', title || of);
  const figure = el('figure', {}, title && el('figcaption', { textContent: title }));
  figure.append(drawing);
  return figure;
}

/** `label` names it among all on the page. */
function table(label: string, heads: readonly string[], rows: readonly (readonly Cell[])[], shares: readonly string[] = []): HTMLElement {
  const isNumber = (i: number) => rows.every(row => typeof row[i] !== 'string');
  const cell = (value: Cell, head: string, i: number) => {
    if (typeof value !== 'number') return el('td', { class: isNumber(i) ? undefined : 'word', textContent: value ?? '–' });
    return el('td', { textContent: shares.includes(head) ? percent(value) : digits(value) });
  };
  return el(
    'div',
    { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': label },
    el(
      'table',
      { class: 'numbers' },
      el(
        'thead',
        {},
        el('tr', {}, ...heads.map((h, i) => el('th', { scope: 'col', class: isNumber(i) ? 'number' : 'word', textContent: h }))),
      ),
      el('tbody', {}, ...rows.map(row => el('tr', {}, ...heads.map((h, i) => cell(row[i], h, i))))),
    ),
  );
}

export function outcome({ title, panels, rows, shares = [], expected = [] }: Drawn): HTMLElement[] {
  const heads = [...new Set(rows.flatMap(row => Object.keys(row)))];
  const parts: HTMLElement[] = [
    el('h4', { textContent: title }),
    el('div', { class: 'pictures' }, ...panels.map(panel => picture(panel, title))),
  ];
  if (expected.length) {
    const found = expected.map(e => [e.what, e.expected, e.found, e.source]);
    parts.push(
      el('h4', { textContent: 'Expected beside found' }),
      table(`${title}: expected beside found`, ['what', 'expected', 'found', 'source'], found),
    );
  }
  const numbers = rows.map(row => heads.map(h => row[h]));
  parts.push(
    el(
      'details',
      { open: rows.length <= 8 },
      el('summary', { textContent: 'All numbers' }),
      table(`${title}: all numbers`, heads, numbers, shares),
    ),
  );
  return parts;
}
