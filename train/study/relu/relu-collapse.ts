/** `relu-collapse`: the share of nets that are dead from birth, by depth, a line for each width. */
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { COMPARED } from '../compare.ts';
import { experiment, inTurn } from '../experiment.ts';
import { countDead, type Collapse } from './dead.ts';

const WIDTHS = [2, 3, 4, 8];
const DEPTHS = [1, 2, 4, 8, 16, 32];

export const reluCollapse = experiment({
  about: 'The share of ReLU nets whose output is constant from birth, by width and depth.',
  source: 'Lu et al. 2019',
  options: { nets: number(30, 'of each shape', COUNT) },
  async run(lab, { nets }) {
    const dataset = await lab.dataset(COMPARED.dataset, { limitTrain: 64, limitTest: 32 });
    const device = await lab.device();
    const shapes = WIDTHS.flatMap(width => DEPTHS.map(depth => ({ width, depth })));
    const counts = await inTurn(
      lab,
      shapes,
      ({ width, depth }) => `${depth} of ${width} units`,
      shape => countDead(device, dataset, { ...shape, nets, seed: lab.seed }),
    );
    const of = (width: number) => counts.filter(c => c.width === width);
    const heads = DEPTHS.map(depth => `${depth} ${depth === 1 ? 'layer' : 'layers'}`);
    return {
      title: `ReLU nets dead from birth, ${nets} of each shape`,
      rows: WIDTHS.map(width => ({ units: width, ...Object.fromEntries(heads.map((head, i) => [head, share(of(width)[i])])) })),
      shares: heads,
      panels: [
        {
          kind: 'line',
          x: { label: 'hidden layers', log: 2, min: 1, max: 32 },
          y: { label: 'nets with a constant output', percent: true, min: 0, max: 1 },
          series: WIDTHS.map(width => ({
            name: `${width} units`,
            points: of(width).map(c => [c.depth, share(c)!] as const),
            dots: true,
          })),
        },
      ],
      layout: { width: 640, height: 340 },
      values: counts,
    };
  },
});

const share = (counted: Collapse | undefined): number | undefined => counted && counted.dead / counted.nets;
