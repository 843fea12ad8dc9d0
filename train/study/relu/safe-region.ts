/** `safe-region`: how wide a ReLU net must be at each depth so that few are dead from birth. */
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { range } from '../../../shaders/kernel/wgsl.ts';
import { experiment, inTurn } from '../experiment.ts';
import { bornDead, bornDeadBounds } from './born.ts';

const WIDTHS = range(15).map(i => i + 2);
const LAYERS = [5, 10, 20, 30, 40, 50];
const MOST = LAYERS.at(-1)!;
/** How many may be dead. */
const LEVELS = [0.1, 0.01];

/** The least width of which `share` is at most `level`. */
const leastWidth = (widths: readonly number[], level: number, share: (width: number) => number): number | undefined =>
  widths.find(width => share(width) <= level);

const percents = (level: number): string => `${100 * level} %`;

export const safeRegion = experiment({
  about: 'The width that a ReLU net needs at each depth so that at most 10 % or 1 % are dead from birth.',
  source: 'Lu, Shin, Su & Karniadakis 2020',
  options: { nets: number(3000, 'drawn of each width', COUNT) },
  async run(lab, { nets }) {
    const drawn = await inTurn(
      lab,
      WIDTHS,
      width => `nets of width ${width}`,
      width => bornDead(lab, width, MOST, nets),
    );
    const widths = WIDTHS.slice(0, drawn.length);
    const counted = (layers: number, level: number) => leastWidth(widths, level, width => drawn[width - 2]![layers]!);
    const bound = (which: 'lower' | 'upper', layers: number, level: number) =>
      leastWidth(
        range(40).map(i => i + 1),
        level,
        width => bornDeadBounds(width, layers)[which],
      )!;
    const depths = range(MOST - 1).map(i => i + 2);
    return {
      title: 'Width that keeps ReLU nets alive at birth',
      rows: LAYERS.map(layers => ({
        layers,
        ...Object.fromEntries(
          LEVELS.flatMap(level => [
            [`width for ${percents(level)}`, counted(layers, level)],
            [`at least, for ${percents(level)}`, bound('lower', layers, level)],
            [`enough for ${percents(level)}`, bound('upper', layers, level)],
          ]),
        ),
      })),
      panels: [
        {
          kind: 'line',
          title: 'Lines: drawn nets; shades: between the bounds',
          x: { label: 'layers', min: 2, max: MOST },
          y: { label: 'width', min: 0, max: WIDTHS.at(-2)! },
          series: LEVELS.map(level => ({
            name: `at most ${percents(level)} dead`,
            points: depths.flatMap(layers => {
              const width = counted(layers, level);
              return width === undefined ? [] : [[layers, width] as const];
            }),
            band: depths.map(layers => [layers, bound('lower', layers, level), bound('upper', layers, level)] as const),
          })),
        },
      ],
      layout: { width: 640, height: 340 },
      values: widths.map((width, i) => ({ width, deadByLayers: Array.from(drawn[i]!) })),
    };
  },
});
