/** `step-sizes`: on a parabola a rate below the best one goes straight down, a larger one jumps across, and twice the best one is the end. */
import { number } from '../../../engine/parameter.ts';
import type { Panel } from '../../../plots/panel.ts';
import { experiment, inTurn, type Expected } from '../experiment.ts';
import { trajectory } from './trajectory.ts';

/** Of the best rate, which is 1 over the curvature: one step to the minimum. */
const SHARES = [0.1, 0.5, 1, 1.5, 1.9, 2, 2.1];
const STEPS = 30;
/** Steps of the first panel, and the least distance of the second. */
const DRAWN = 12;
const FLOOR = 1e-8;
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
      async (share): Promise<Way> => {
        const points = await trajectory(device, land, 'sgd', { steps: STEPS, lr: share / CURVATURE });
        return { share, x: points.map(([x]) => x) };
      },
    );
    return {
      title: 'Rates on a parabola: x\u00b2, the best rate is 1/2',
      rows: ways.map(way => ({
        'rate / best': way.share,
        rate: way.share / CURVATURE,
        'what it does': behaviour(way.share),
        'factor a step': factorOf(way),
        [`distance after ${STEPS}`]: Math.abs(way.x.at(-1)!),
      })),
      expected: ways.map(
        (way): Expected => ({
          what: `factor at ${nameOf(way)}`,
          expected: Number((1 - way.share).toPrecision(12)),
          found: factorOf(way),
          source: '1 \u2212 rate \u00b7 curvature',
        }),
      ),
      panels: [placesPanel(ways), distancesPanel(ways)],
      layout: { width: 440, height: 300 },
      values: ways,
    };
  },
});

/** The places before each step at a share of the best rate, and after the last. */
interface Way {
  readonly share: number;
  readonly x: readonly number[];
}

const nameOf = ({ share }: Way): string => `${share} of the best`;
const factorOf = ({ x }: Way): number => x[1]! / x[0]!;

const placesPanel = (ways: readonly Way[]): Panel => ({
  kind: 'line',
  title: 'Where it is',
  x: { label: 'step', min: 0, max: DRAWN },
  y: { label: 'x', min: -2, max: 2 },
  series: ways.map(way => ({ name: nameOf(way), points: way.x.slice(0, DRAWN + 1).map((v, t) => [t, v] as const), dots: true })),
});

const distancesPanel = (ways: readonly Way[]): Panel => ({
  kind: 'line',
  title: 'How far it is from the minimum',
  x: { label: 'step', min: 0, max: STEPS },
  y: { label: '|x|', log: true, min: FLOOR, max: 100 },
  series: ways.map(way => ({
    name: nameOf(way),
    points: way.x.map((v, t) => [t, Math.abs(v) < FLOOR ? NaN : Math.abs(v)] as const),
  })),
});
