/** f by step of each racer, with a line where the map stands. */
import type { CurveChart } from '../curves/charts.ts';
import { racerColour, strokeOf } from '../colours.ts';
import { el, gathered, isDark } from '../dom.ts';
import type { Standing } from './standings.ts';
import { RULES } from './settings.ts';

/** Milliseconds from one drawing to the next. */
const EVERY = 60;
/** Heights that differ by less than this factor have few numbers on a logarithmic axis. */
const DECADES = 30;
/** Share of the height at the start below which rounding is all that there is. */
const NOISE = 1e-10;

export class HeightChart {
  readonly element: HTMLElement;
  #chart: CurveChart | undefined;
  #standings: readonly Standing[] = [];
  #step = 0;
  #isLinear = false;
  #drawLater = gathered(() => this.draw(), EVERY);

  constructor(scale: HTMLElement) {
    const place = el('div');
    this.element = el(
      'section',
      { class: 'panel', 'aria-label': 'f by step' },
      el('div', { class: 'row head' }, el('h2', { textContent: 'f above its minimum, by step' }), scale),
      place,
    );
    void import('../curves/charts.ts').then(({ curveChart }) => {
      this.#chart = curveChart(place, 'f above its minimum by step', { height: 260 });
      this.draw();
    });
  }

  show(standings: readonly Standing[], isLinear: boolean): void {
    this.#standings = standings;
    this.#isLinear = isLinear;
    this.draw();
  }

  /** Moves the line; several moves at once are drawn once. */
  at(step: number): void {
    if (step === this.#step) return;
    this.#step = step;
    this.#drawLater();
  }

  draw(): void {
    const heights = this.#standings.flatMap(s => s.heights.filter(h => h > 0 && Number.isFinite(h)));
    const [least, most] = [heights.reduce((a, h) => Math.min(a, h), Infinity), heights.reduce((a, h) => Math.max(a, h), 0)];
    const log = !this.#isLinear && most > DECADES * least;
    const curves = this.#standings.map(({ rule, heights }) => ({
      name: rule,
      colour: racerColour(RULES.indexOf(rule)),
      dashed: strokeOf(RULES.indexOf(rule)).dash.length > 0,
      points: heights.map((h, t) => [t, log ? Math.max(h, NOISE * heights[0]!) : h] as const),
    }));
    const isOnWay = this.#standings.some(s => this.#step < s.heights.length - 1);
    const colour = isDark() ? '#aab4c0' : '#56606b';
    const line = { x: this.#step, step: this.#step, colour, name: 'The map', group: 0, label: 'on the map' };
    this.#chart?.show(curves, [], { log }, isOnWay ? [line] : []);
  }
}
