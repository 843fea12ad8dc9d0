/** The charts of all runs: loss, and of classes accuracy, of numbers their error. */
import type { CurveChart } from '../curves/charts.ts';
import { button, el, saveBlob, told } from '../dom.ts';
import type { View } from '../curves/line.ts';
import { CurveBar } from './curve-bar.ts';
import { namesOf } from './run-names.ts';
import { marksOf } from './change/marks.ts';
import { MEASURES, RunTracks, type Measure } from './run-tracks.ts';
import { isRegression } from './run-view.ts';
import type { Run } from '../runs.ts';

const TITLES: Readonly<Record<Measure, readonly [title: string, hint: string]>> = {
  loss: [
    'Loss',
    'Solid: training, smoothed; faint: as it was. Dashed: validation. Shaded: where validation is worse, the overfitting gap.',
  ],
  accuracy: ['Accuracy', 'Share of right answers.'],
  rmse: ['Root mean squared error', 'Of the numbers that are predicted.'],
};

export class RunCurves {
  readonly element: HTMLElement;
  #bar = new CurveBar(
    () => this.#draw(),
    () => this.#runs,
  );
  #charts: Record<Measure, CurveChart> | undefined;
  /** Those of accuracy and of RMSE are there where a run has it. */
  #panels: Record<Measure, HTMLElement>;
  #tracks = new Map<Run, RunTracks>();
  #runs: readonly Run[] = [];
  #group: number | undefined;

  constructor() {
    const places = { loss: place(), accuracy: place(), rmse: place() };
    const panel = (measure: Measure) => {
      const [title, hint] = TITLES[measure];
      const png = () => told(async () => saveBlob(`descent-${measure}.png`, await this.#charts![measure].picture(title)));
      return el(
        'section',
        { class: 'panel' },
        el(
          'div',
          { class: 'row small head' },
          el('h2', { textContent: title }),
          button('PNG', png, { title: 'Saves this chart as a picture', 'aria-label': `${title} as PNG` }),
        ),
        el('p', { class: 'hint', textContent: hint }),
        places[measure],
      );
    };
    this.#panels = { loss: panel('loss'), accuracy: panel('accuracy'), rmse: panel('rmse') };
    this.#panels.rmse.hidden = true;
    this.element = el('div', { class: 'curves' }, this.#bar.element, el('div', { class: 'two' }, ...Object.values(this.#panels)));
    void import('../curves/charts.ts').then(({ curveChart }) => {
      const onZoom = (zoom: View['zoom']) => this.#bar.zoom(zoom);
      this.#charts = {
        loss: curveChart(places.loss, 'Loss', { onZoom }),
        accuracy: curveChart(places.accuracy, 'Accuracy', { percent: true, onZoom }),
        rmse: curveChart(places.rmse, 'Root mean squared error', { onZoom }),
      };
      this.#draw();
    });
  }

  show(runs: readonly Run[]): void {
    this.#runs = runs;
    if (!runs.some(run => run.id === this.#group)) this.#group = undefined; // a row that is removed is never left by the pointer
    for (const run of this.#tracks.keys()) if (!runs.includes(run)) this.#tracks.delete(run);
    this.#draw();
  }

  /** Lets the curves of a run stand out; undefined for all alike. */
  highlight(run: Run | undefined): void {
    this.#group = run?.id;
    this.#draw();
  }

  #draw(): void {
    const runs = this.#runs;
    const regressions = runs.filter(isRegression).length;
    this.#panels.rmse.hidden = regressions === 0;
    this.#panels.accuracy.hidden = regressions > 0 && regressions === runs.length;
    const charts = this.#charts;
    if (!charts) return;
    const names = namesOf(runs);
    const { drawing, view } = this.#bar;
    for (const measure of MEASURES) {
      if (this.#panels[measure].hidden) continue;
      const drawn = runs.flatMap((run, i) => {
        if (run.hidden) return [];
        const tracks = this.#tracks.get(run) ?? new RunTracks();
        this.#tracks.set(run, tracks);
        const label = runs.length > 1 ? String(run.id + 1) : undefined; // not everyone tells them by their colours
        return [tracks.of(run, names[i]!.brief, measure, drawing, label)];
      });
      charts[measure].show(
        drawn.flatMap(d => d.curves),
        drawn.map(d => d.gap),
        { ...view, group: this.#group },
        runs.flatMap(run => (run.hidden ? [] : marksOf(run, drawing.across))),
      );
    }
  }
}

/** Where a chart comes to stand; it has its height before. */
const place = (): HTMLElement => el('div', { class: 'chart empty' });
