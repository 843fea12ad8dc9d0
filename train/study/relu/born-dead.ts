/** `born-dead`: the share of nets that are dead from birth, by depth, a line for each width, between the bounds of theory. */
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { experiment, type Expected } from '../experiment.ts';
import { bornDeadBounds, bornDeadBy, countsOf, depthPanel } from './born.ts';

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
    const found = await bornDeadBy(lab, WIDTHS, MOST, nets);
    return {
      title: `ReLU nets dead from birth, ${nets.toLocaleString('en')} of each width`,
      rows: found.flatMap(({ width, dead }) => LAYERS.map(layers => rowOf(width, layers, dead[layers]!, nets))),
      shares: ['born dead', 'standard error', 'at least', 'at most'],
      expected: DRAWN.flatMap(([width, layers, share]): Expected[] => {
        const here = found.find(f => f.width === width)?.dead[layers];
        if (here === undefined) return [];
        return [
          { what: `${layers} layers of width ${width}`, expected: share, found: here, source: 'whole matrices in NumPy, 6,000 nets' },
        ];
      }),
      panels: [
        depthPanel(MOST, { label: 'born dead', percent: true, min: 0, max: 1 }, depths =>
          found.map(({ width, dead }) => ({
            name: `width ${width}`,
            points: depths.map(layers => [layers, dead[layers]!] as const),
            band: depths.map(layers => {
              const { lower, upper } = bornDeadBounds(width, layers);
              return [layers, lower, upper] as const;
            }),
          })),
        ),
      ],
      layout: { width: 640, height: 340 },
      values: countsOf(found),
    };
  },
});

function rowOf(width: number, layers: number, share: number, nets: number) {
  const { lower, upper } = bornDeadBounds(width, layers);
  const error = Math.sqrt((share * (1 - share)) / nets);
  return { width, layers, 'born dead': share, 'standard error': error, 'at least': lower, 'at most': upper };
}
