/** The charts of all runs: loss, and of classes accuracy, of numbers their error. */
import type { CurveChart } from '../charts.ts';
import { el } from '../dom.ts';
import { curvesOf, isRegression, type Measure } from '../run-view.ts';
import type { Run } from '../runs.ts';

export class RunCurves {
  readonly element: HTMLElement;
  #charts: Record<Measure, CurveChart> | undefined;
  /** Those of accuracy and of RMSE are there where a run has it. */
  #panels: Record<Measure, HTMLElement>;

  /** `loaded` is called once there is something to draw on. */
  constructor(loaded: () => void) {
    const places = { loss: el('div'), accuracy: el('div'), rmse: el('div') };
    const panel = (title: string, hint: string, chart: HTMLElement) =>
      el('section', { class: 'panel' }, el('h2', { textContent: title }), el('p', { class: 'hint', textContent: hint }), chart);
    this.#panels = {
      loss: panel(
        'Loss',
        'Solid: training, smoothed; faint: as it was. Dashed: validation. Shaded: where validation is worse, the overfitting gap.',
        places.loss,
      ),
      accuracy: panel('Accuracy', 'Share of right answers by step.', places.accuracy),
      rmse: panel('Root mean squared error', 'Of the numbers that are predicted, by step.', places.rmse),
    };
    this.element = el('div', { class: 'two' }, ...Object.values(this.#panels));
    void import('../charts.ts').then(({ curveChart }) => {
      this.#charts = {
        loss: curveChart(places.loss, 'Loss by step'),
        accuracy: curveChart(places.accuracy, 'Accuracy by step', { percent: true }),
        rmse: curveChart(places.rmse, 'Root mean squared error by step'),
      };
      loaded();
    });
  }

  show(runs: readonly Run[]): void {
    const regressions = runs.filter(isRegression).length;
    this.#panels.rmse.hidden = regressions === 0;
    this.#panels.accuracy.hidden = regressions > 0 && regressions === runs.length;
    for (const measure of ['loss', 'accuracy', 'rmse'] as const) this.#charts?.[measure].show(...curvesOf(runs, measure));
  }
}
