/** `safe-region`: how wide a ReLU net must be at each depth so that few are dead from birth. */
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { range } from '../../../shaders/kernel/wgsl.ts';
import { experiment } from '../experiment.ts';
import { bornDeadBounds, bornDeadBy, countsOf, depthPanel, type Width } from './born.ts';

const WIDTHS = range(15).map(i => i + 2);
const LAYERS = [5, 10, 20, 30, 40, 50];
const MOST = LAYERS.at(-1)!;
/** How many may be dead. */
const LEVELS = [0.1, 0.01];

const percents = (level: number): string => `${100 * level} %`;

export const safeRegion = experiment({
  about: 'The width that a ReLU net needs at each depth so that at most 10 % or 1 % are dead from birth.',
  source: 'Lu, Shin, Su & Karniadakis 2020',
  options: { nets: number(3000, 'drawn of each width', COUNT) },
  async run(lab, { nets }) {
    const found = await bornDeadBy(lab, WIDTHS, MOST, nets);
    return {
      title: 'Width that keeps ReLU nets alive at birth',
      rows: LAYERS.map(layers => ({
        layers,
        ...Object.fromEntries(
          LEVELS.flatMap(level => [
            [`width for ${percents(level)}`, leastDrawn(found, layers, level)],
            [`at least, for ${percents(level)}`, leastBy('lower', layers, level)],
            [`enough for ${percents(level)}`, leastBy('upper', layers, level)],
          ]),
        ),
      })),
      panels: [
        depthPanel(MOST, { label: 'width', min: 0, max: WIDTHS.at(-2)! }, depths =>
          LEVELS.map(level => ({
            name: `at most ${percents(level)} dead`,
            points: depths.flatMap(layers => {
              const width = leastDrawn(found, layers, level);
              return width === undefined ? [] : [[layers, width] as const];
            }),
            band: depths.map(layers => [layers, leastBy('lower', layers, level), leastBy('upper', layers, level)] as const),
          })),
        ),
      ],
      layout: { width: 640, height: 340 },
      values: countsOf(found),
    };
  },
});

/** The least width with which at most `level` of the drawn nets of so many layers are dead; undefined where none is wide enough. */
const leastDrawn = (drawn: readonly Width[], layers: number, level: number): number | undefined =>
  drawn.find(({ dead }) => dead[layers]! <= level)?.width;

/** The same by a bound of theory. */
const leastBy = (which: 'lower' | 'upper', layers: number, level: number): number =>
  range(40)
    .map(i => i + 1)
    .find(width => bornDeadBounds(width, layers)[which] <= level)!;
