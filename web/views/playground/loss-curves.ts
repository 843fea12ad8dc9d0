/** Losses of training and test points by step. */
import type { CurveChart } from '../curves/charts.ts';
import type { Point } from '../curves/line.ts';
import { runColour } from '../colours.ts';
import { count, el, gathered, percent } from '../dom.ts';
import { overfitting } from '../curves/gap.ts';
import type { PlayLook, PlayScore } from '../../worker/protocol.ts';

/** Points of a curve at most: beyond them every second one goes. */
const MOST = 1200;
/** Milliseconds from one drawing to the next. */
const EVERY = 300;

export class LossCurves {
  readonly element: HTMLElement;
  #chart: CurveChart | undefined;
  #train: Point[] = [];
  #test: Point[] = [];
  #drawLater = gathered(() => this.draw(), EVERY);

  constructor() {
    const place = el('div');
    this.element = el(
      'section',
      { class: 'panel losses', 'aria-label': 'Loss' },
      el('h2', { textContent: 'Loss' }),
      el('p', { class: 'hint', textContent: 'Solid: points to train on. Dashed: points to test on. Shaded: the overfitting gap.' }),
      place,
    );
    void import('../curves/charts.ts').then(({ curveChart }) => {
      this.#chart = curveChart(place, 'Loss by step', { height: 220 });
      this.draw();
    });
  }

  clear(): void {
    this.#train = [];
    this.#test = [];
    this.draw();
  }

  add({ step, train, test }: PlayLook): void {
    for (const [points, { loss }] of [
      [this.#train, train],
      [this.#test, test],
    ] as const) {
      if (points.at(-1)?.[0] === step) points.pop(); // it was changed where it stood
      if (Number.isFinite(loss)) points.push([step, loss]);
    }
    if (this.#train.length > MOST) {
      this.#train = this.#train.filter((_, i) => i % 2 === 0);
      this.#test = this.#test.filter((_, i) => i % 2 === 0);
    }
    this.#drawLater();
  }

  draw(): void {
    const colour = runColour(0);
    this.#chart?.show(
      this.#train.length
        ? [
            { name: 'training', colour, points: this.#train },
            { name: 'test', colour, points: this.#test, dashed: true },
          ]
        : [],
      [{ colour, ...overfitting(this.#train, this.#test, 1) }],
    );
  }
}

/** Where training stands. */
export function inWords({ step, epoch, train, test }: PlayLook): string {
  const score = ({ loss, accuracy }: PlayScore) => `loss ${loss.toFixed(3)}${accuracy === undefined ? '' : `, right ${percent(accuracy)}`}`;
  const held = Number.isFinite(test.loss) ? `; test: ${score(test)}` : '';
  return `Step ${count(step)}, epoch ${count(Math.floor(epoch))}. Training: ${score(train)}${held}.`;
}
