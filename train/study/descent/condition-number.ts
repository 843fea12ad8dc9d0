/** `condition-number`: the steps that plain descent needs grow in proportion to how oblong the valley is, even at its best rate. */
import type { Panel } from '../../../plots/panel.ts';
import { experiment, inTurn, type Expected } from '../experiment.ts';
import { trajectory } from './trajectory.ts';

const NUMBERS = [2, 5, 10, 20, 50, 100];
/** The distance is to become so much smaller. */
const GAIN = 1e3;
/** Steps that are drawn. */
const DRAWN = 200;

/** By how much the distance shrinks with each step at the best rate, 2 / (1 + k). */
const factorOf = (k: number): number => (k - 1) / (k + 1);
const stepsOf = (k: number): number => Math.log(GAIN) / -Math.log(factorOf(k));

export const conditionNumber = experiment({
  about: 'The steps that plain descent needs at its best rate, by the condition number of the valley.',
  source: 'Nocedal & Wright 2006, section 3.3; Nesterov 2004',
  options: {},
  async run(lab) {
    const device = await lab.device();
    const ways = await inTurn(
      lab,
      NUMBERS,
      k => `condition number ${k}`,
      async (k): Promise<Way> => {
        const land = { gradient: `vec2f(x, ${k}.0 * y)`, start: [1, 1] as const };
        const points = await trajectory(device, land, 'sgd', { steps: Math.ceil(1.2 * stepsOf(k)), lr: 2 / (1 + k) });
        const distances = points.map(([x, y]) => Math.hypot(x, y) / Math.SQRT2);
        return { k, distances, needed: distances.findIndex(d => d <= 1 / GAIN) };
      },
    );
    return {
      title: 'Plain descent at its best rate on (x\u00b2 + k y\u00b2) / 2',
      rows: ways.map(({ k, distances, needed }) => ({
        'condition number k': k,
        rate: 2 / (1 + k),
        'factor a step': distances[1]!,
        [`steps to 1/${GAIN}`]: needed,
      })),
      expected: ways.flatMap(({ k, distances, needed }): Expected[] => [
        { what: `factor at k = ${k}`, expected: factorOf(k), found: distances[1]!, source: '(k \u2212 1) / (k + 1)' },
        { what: `steps at k = ${k}`, expected: Math.ceil(stepsOf(k)), found: needed, source: `ln ${GAIN} / ln of that` },
      ]),
      panels: [distancePanel(ways), stepsPanel(ways)],
      layout: { width: 440, height: 300 },
      values: ways,
    };
  },
});

/** The distances before each step, of the first, and how many steps the gain takes. */
interface Way {
  readonly k: number;
  readonly distances: readonly number[];
  readonly needed: number;
}

const distancePanel = (ways: readonly Way[]): Panel => ({
  kind: 'line',
  title: 'Distance to the minimum',
  x: { label: 'step', min: 0, max: DRAWN },
  y: { label: 'of the first', log: true, min: 1 / GAIN, max: 1 },
  series: ways.map(({ k, distances }) => ({ name: `k = ${k}`, points: distances.map((d, t) => [t, d] as const).slice(0, DRAWN + 1) })),
});

const stepsPanel = (ways: readonly Way[]): Panel => ({
  kind: 'line',
  title: `Steps until it is 1/${GAIN}`,
  x: { label: 'condition number', log: true, min: 1, max: NUMBERS.at(-1)! },
  y: { label: 'steps', log: true },
  series: [
    { name: 'needed', points: ways.map(({ k, needed }) => [k, needed] as const), dots: true },
    { name: 'theory', points: NUMBERS.map(k => [k, stepsOf(k)] as const), dashed: true },
  ],
});
