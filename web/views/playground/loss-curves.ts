/** Losses of training and test points by step. */
import type { CurveChart } from '../charts.ts';
import type { Point } from '../curves/line.ts';
import { runColour } from '../colours.ts';
import { el } from '../dom.ts';
import { overfitting } from '../gap.ts';
import type { PlayLook } from '../../worker/protocol.ts';

/** Points of a curve at most: beyond them every second one goes. */
const MOST = 1200;
/** Milliseconds from one drawing to the next. */
const EVERY = 300;

export class LossCurves {
  readonly element = el('div');
  #chart: CurveChart | undefined;
  #train: Point[] = [];
  #test: Point[] = [];
  #waiting = false;

  constructor() {
    void import('../charts.ts').then(({ curveChart }) => {
      this.#chart = curveChart(this.element, 'Loss by step', { height: 220 });
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
    if (this.#waiting) return;
    this.#waiting = true;
    setTimeout(() => {
      this.#waiting = false;
      this.draw();
    }, EVERY);
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
