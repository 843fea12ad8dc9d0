/** How the curves of runs are drawn: what lies across, which scale, how smooth; and what is taken away as a file. */
import { button, el, select, told } from '../dom.ts';
import type { View } from '../curves/line.ts';
import type { Run } from '../runs.ts';
import type { Across, Drawing } from './run-tracks.ts';

/** Shares of a curve over which its trend is taken, in the order of the slider; the trend of a fifteenth tells most. */
const SHARES = [0, 1 / 60, 1 / 30, 1 / 15, 1 / 8, 1 / 4, 1 / 2];

export class CurveBar {
  readonly element: HTMLElement;
  #changed: () => void;
  #zoom: View['zoom'];
  #across = select(
    [
      ['step', 'steps'],
      ['epoch', 'epochs'],
      ['seconds', 'time'],
    ],
    'step',
    { 'aria-label': 'Across', onchange: () => this.zoom(undefined) },
  );
  #scale = select(
    [
      ['most', 'linear, most values'],
      ['all', 'linear, all values'],
      ['log', 'logarithmic'],
    ],
    'most',
    { 'aria-label': 'Scale', onchange: () => this.#changed() },
  );
  #smoothing = el('input', {
    type: 'range',
    min: '0',
    max: String(SHARES.length - 1),
    value: '3',
    oninput: () => this.#changed(),
  });
  #back = button('Whole run', () => this.zoom(undefined), { hidden: true, title: 'Ends the zoom; a double click on a chart does too' });

  /** `changed` is called when the curves are to be drawn anew; `runs` gives those whose values are saved. */
  constructor(changed: () => void, runs: () => readonly Run[]) {
    this.#changed = changed;
    const csv = () => told(async () => (await import('./curves-csv.ts')).saveCsv(runs()));
    this.element = el(
      'div',
      { class: 'row small curve-bar', role: 'group', 'aria-label': 'Curves' },
      this.#across,
      this.#scale,
      el('label', {}, 'Smooth ', this.#smoothing),
      button('CSV', csv, { title: 'Saves the values of all runs as a table' }),
      this.#back,
    );
  }

  get drawing(): Drawing {
    return { across: this.#across.value as Across, smoothing: SHARES[Number(this.#smoothing.value)]!, zoom: this.#zoom };
  }

  get view(): View {
    const scale = this.#scale.value;
    return { across: this.#across.value, log: scale === 'log', whole: scale === 'all', zoom: this.#zoom };
  }

  /** Shows a part of what lies across; all of it where that is undefined. */
  zoom(part: View['zoom']): void {
    this.#zoom = part;
    this.#back.hidden = !part;
    this.#changed();
  }
}
