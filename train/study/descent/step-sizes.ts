/** `step-sizes`: on a parabola a rate below the best one goes straight down, a larger one jumps across, and twice the best one is the end. */
import { number } from '../../../engine/parameter.ts';
import { experiment, inTurn, type Expected } from '../experiment.ts';
import { trajectory } from './trajectory.ts';

/** Of the best rate, which is 1 over the curvature: one step to the minimum. */
const SHARES = [0.1, 0.5, 1, 1.5, 1.9, 2, 2.1];
const STEPS = 30;
/** The curvature. */
const CURVATURE = 2;

const behaviour = (share: number): string =>
  share < 1 ? 'monotone' : share === 1 ? 'one step' : share < 2 ? 'oscillates' : share === 2 ? 'swings for ever' : 'diverges';

export const stepSizes = experiment({
  about: 'Descent on a parabola: monotone, oscillating and diverging by the rate.',
  source: 'Goodfellow 2016, section 8.2; LeCun 1998',
  options: { share: number(0, 'of the best rate, this one alone; 0: seven beside each other', { min: 0, max: 3 }) },
  async run(lab, { share: only }) {
    const device = await lab.device();
    const land = { gradient: `${CURVATURE}.0 * vec2f(x, y)`, start: [1, 0] as const };
    const ways = await inTurn(
      lab,
      only ? [only] : SHARES,
      share => `${share} of the best rate`,
      async share => {
        const points = await trajectory(device, land, 'sgd', { steps: STEPS, lr: share / CURVATURE });
        return { share, x: points.map(([x]) => x) };
      },
    );
    const factor = (x: readonly number[]) => x[1]! / x[0]!;
    const name = (share: number) => `${share} of the best`;
    return {
      title: 'Rates on a parabola: x\u00b2, the best rate is 1/2',
      rows: ways.map(({ share, x }) => ({
        'rate / best': share,
        rate: share / CURVATURE,
        'what it does': behaviour(share),
        'factor a step': factor(x),
        [`distance after ${STEPS}`]: Math.abs(x.at(-1)!),
      })),
      expected: ways.map(
        ({ share, x }): Expected => ({
          what: `factor at ${name(share)}`,
          expected: Number((1 - share).toPrecision(12)),
          found: factor(x),
          source: '1 \u2212 rate \u00b7 curvature',
        }),
      ),
      panels: [
        {
          kind: 'line',
          title: 'Where it is',
          x: { label: 'step', min: 0, max: 12 },
          y: { label: 'x', min: -2, max: 2 },
          series: ways.map(({ share, x }) => ({ name: name(share), points: x.slice(0, 13).map((v, t) => [t, v] as const), dots: true })),
        },
        {
          kind: 'line',
          title: 'How far it is from the minimum',
          x: { label: 'step', min: 0, max: STEPS },
          y: { label: '|x|', log: true, min: 1e-8, max: 100 },
          series: ways.map(({ share, x }) => ({
            name: name(share),
            points: x.map((v, t) => [t, Math.abs(v) < 1e-8 ? NaN : Math.abs(v)] as const),
          })),
        },
      ],
      layout: { width: 440, height: 300 },
      values: ways,
    };
  },
});
