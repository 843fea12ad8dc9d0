/** `born-dead`: the share of nets that are dead from birth, by depth, a line for each width, between the bounds of theory. */
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import type { Series } from '../../../plots/panel.ts';
import { range } from '../../../shaders/kernel/wgsl.ts';
import { experiment, inTurn, type Expected } from '../experiment.ts';
import { bornDead, bornDeadBounds } from './born.ts';

const WIDTHS = [2, 3, 4, 5, 8];
const LAYERS = [3, 5, 10, 20];
const MOST = 40;

/** Of whole matrices drawn in NumPy, 6,000 nets of each shape, by width and layers. */
const DRAWN: readonly (readonly [width: number, layers: number, share: number])[] = [
  [2, 3, 0.165],
  [2, 5, 0.511],
  [2, 10, 0.868],
  [2, 20, 0.994],
  [3, 3, 0.045],
  [3, 5, 0.2],
  [3, 10, 0.589],
  [3, 20, 0.889],
  [4, 3, 0.011],
  [4, 5, 0.071],
  [4, 10, 0.298],
  [4, 20, 0.637],
];

export const bornDeadNets = experiment({
  about: 'The share of ReLU nets that are dead from birth, by width and depth, between the bounds of theory.',
  source: 'Lu, Shin, Su & Karniadakis 2020',
  options: { nets: number(6000, 'drawn of each width', COUNT) },
  async run(lab, { nets }) {
    const counted = await inTurn(
      lab,
      WIDTHS,
      width => `nets of width ${width}`,
      async width => ({ width, dead: await bornDead(lab, width, MOST, nets) }),
    );
    const rows = counted.flatMap(({ width, dead }) =>
      LAYERS.map(layers => {
        const { lower, upper } = bornDeadBounds(width, layers);
        const share = dead[layers]!;
        return {
          width,
          layers,
          'born dead': share,
          'standard error': Math.sqrt((share * (1 - share)) / nets),
          'at least': lower,
          'at most': upper,
        };
      }),
    );
    const expected = DRAWN.flatMap(([width, layers, share]): Expected[] => {
      const found = counted.find(c => c.width === width)?.dead[layers];
      return found === undefined
        ? []
        : [{ what: `${layers} layers of width ${width}`, expected: share, found, source: 'whole matrices in NumPy, 6,000 nets' }];
    });
    return {
      title: `ReLU nets dead from birth, ${nets.toLocaleString('en')} of each width`,
      rows,
      shares: ['born dead', 'standard error', 'at least', 'at most'],
      expected,
      panels: [
        {
          kind: 'line',
          title: 'Lines: drawn nets; shades: between the bounds',
          x: { label: 'layers', min: 2, max: MOST },
          y: { label: 'born dead', percent: true, min: 0, max: 1 },
          series: counted.map(({ width, dead }): Series => {
            const depths = range(MOST - 1).map(i => i + 2);
            return {
              name: `width ${width}`,
              points: depths.map(layers => [layers, dead[layers]!] as const),
              band: depths.map(layers => {
                const { lower, upper } = bornDeadBounds(width, layers);
                return [layers, lower, upper] as const;
              }),
            };
          }),
        },
      ],
      layout: { width: 640, height: 340 },
      values: counted.map(({ width, dead }) => ({ width, deadByLayers: Array.from(dead) })),
    };
  },
});
