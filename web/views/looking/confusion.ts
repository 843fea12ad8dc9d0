/** Labels and answers as a table. */
import type { ClassScores } from '../../../train/evaluate/report.ts';
import { button, count, el } from '../dom.ts';
import { quiet } from '../panel.ts';
import './confusion.css';

export interface ConfusionTable {
  readonly element: HTMLElement;
  /** `counts` [label, answer]; with `scores` recall and precision stand at the margins. */
  show(counts: ArrayLike<number>, scores?: readonly ClassScores[]): void;
}

/** Classes beyond which a table is too wide; the pairs that are confused most stand in its place. */
export const MOST = 20;
/** How many these are. */
export const PAIRS = 12;

/** What is said above them. */
export const insteadOfTable = (classes: number): HTMLElement =>
  quiet(`${count(classes)} classes are too many for a table: these are confused most.`);

const STEPS: Readonly<Record<string, readonly [down: number, right: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/**
 * A cell's colour is its share of the label. With `open` a cell can be pressed, and arrow keys go from one to the next. The elements stay
 * while their numbers change, so that a press and the keyboard find them.
 */
export function confusionTable(classes: readonly string[], open?: (label: number, answer: number) => void): ConfusionTable {
  const cells = classes.map((_, r) => classes.map((_, c) => cellOf(r, c)));
  const recall = classes.map(() => el('td', { class: 'margin' }));
  const precision = classes.map(() => el('td', { class: 'margin' }));
  const accuracy = el('td', { class: 'margin' });
  const header = (text: string, scope: string) => el('th', { scope, title: text }, el('span', { textContent: text }));
  const element = el(
    'div',
    { class: 'scroll', ...(!open && { tabIndex: 0 }) }, // by the keys too where it holds nothing that takes the focus
    el(
      'table',
      { class: 'confusion', 'aria-label': 'Labels and answers', ...(open && { role: 'grid' }) },
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          el('th', { textContent: 'label \\ answer', scope: 'col' }),
          ...classes.map(name => header(name, 'col')),
          open && header('recall, %', 'col'),
        ),
      ),
      el(
        'tbody',
        {},
        ...cells.map((row, r) => el('tr', {}, el('th', { textContent: classes[r]!, scope: 'row' }), ...row, open && recall[r]!)),
        open && el('tr', {}, el('th', { textContent: 'precision, %', scope: 'row' }), ...precision, accuracy),
      ),
    ),
  );

  function cellOf(r: number, c: number): HTMLTableCellElement {
    const cell = el('td', { class: c === r ? 'right' : 'wrong' });
    if (!open) return cell;
    const pressed = button('', () => open(r, c), { tabIndex: r + c ? -1 : 0 });
    pressed.onkeydown = event => {
      const step = STEPS[event.key];
      const next = step && cells[r + step[0]]?.[c + step[1]]?.querySelector('button');
      if (!next) return;
      event.preventDefault();
      pressed.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    };
    cell.append(pressed);
    return cell;
  }

  return {
    element,
    show(counts, scores) {
      const k = classes.length;
      let right = 0;
      let all = 0;
      for (const [r, row] of cells.entries()) {
        const sum = row.reduce((total, _, c) => total + counts[r * k + c]!, 0);
        all += sum;
        right += counts[r * k + r]!;
        for (const [c, cell] of row.entries()) {
          const n = counts[r * k + c]!;
          const title = `${classes[r]} taken for ${classes[c]}: ${n}`;
          const inner = cell.querySelector('button') ?? cell;
          inner.textContent = n ? String(n) : '';
          cell.title = title;
          if (inner !== cell) inner.setAttribute('aria-label', title);
          cell.style.setProperty('--share', String(n / Math.max(1, sum)));
        }
      }
      if (!scores) return;
      for (const [c, score] of scores.entries()) {
        const answered = cells.reduce((total, _, r) => total + counts[r * k + c]!, 0);
        recall[c]!.textContent = score.support ? whole(score.recall) : '–';
        precision[c]!.textContent = answered ? whole(score.precision) : '–';
      }
      accuracy.textContent = whole(right / Math.max(1, all));
      accuracy.title = 'accuracy';
    },
  };
}

/** A share as whole per cent. */
const whole = (share: number): string => String(Math.round(100 * share));
