/** `dropout-rates`: errors by the share of units that dropout keeps, of nets of one width and of as many units left, and by depth. */
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import type { Axis, Panel, Series } from '../../../plots/panel.ts';
import { experiment, inTurn, trainingImages } from '../experiment.ts';
import { scored } from './members.ts';

/** Shares of hidden units that are kept, and of inputs where these are dropped too. */
const KEPT = [0.1, 0.25, 0.5, 0.75, 1];
const INPUTS_KEPT = 0.8;
const DEPTHS = [1, 2, 3];

/** One net: the figure and the series that it is of, and its place in it. */
interface Kind {
  readonly figure: 'one width' | 'as many left' | 'depth';
  readonly series: string;
  readonly depth: number;
  readonly width: number;
  readonly kept: number;
  readonly inputsKept: number;
}

export const dropoutRates = experiment({
  about: 'Dropout: errors by the share of units kept, with one width and with as many left, and by depth.',
  source: 'Srivastava et al. 2014, section 7.3 and figure 9; section 6.1 and figure 4',
  options: {
    width: number(128, 'units of each hidden layer', { ...COUNT, min: 8 }),
    images: trainingImages(500, 50),
    epochs: number(60, 'passes', COUNT),
  },
  async run(lab, { width, images, epochs }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 2000 });
    const given = { optimizer: 'adam', lr: '0.002', schedule: 'cosine', batchSize: '50', epochs: String(epochs), seed: String(lab.seed) };
    const kinds = kindsOf(width);
    // nets of two figures are the same
    const specs = [...new Set(kinds.map(specOf))];
    const scores = await inTurn(
      lab,
      specs,
      spec => spec,
      async spec => ({ spec, ...(await scored(lab, spec, given, dataset)) }),
    );
    const found = kinds.flatMap((kind): Found[] => {
      const score = scores.find(({ spec }) => spec === specOf(kind));
      return score ? [{ ...kind, training: 1 - score.train.accuracy!, test: 1 - score.test.accuracy! }] : [];
    });
    return {
      title: `Dropout: mlp on ${counted(images, 'image')} of Fashion-MNIST, ${counted(epochs, 'epoch')}`,
      rows: found.map(({ figure, depth, width: units, kept, inputsKept, training, test }) => ({
        figure,
        'hidden layers': depth,
        units,
        kept,
        'inputs kept': inputsKept,
        'training error': training,
        'test error': test,
      })),
      shares: ['kept', 'inputs kept', 'training error', 'test error'],
      panels: panelsOf(found, width),
      layout: { columns: 3, height: 320 },
      values: found,
    };
  },
});

/** Units that are left of a layer where half of them are kept. */
const halfOf = (width: number): number => Math.round(width / 2);

/** The nets of all figures; `width` is that of a hidden layer where none says another. */
function kindsOf(width: number): Kind[] {
  const two = { depth: 2, inputsKept: 1 };
  const ways = [
    { series: 'none', kept: 1, inputsKept: 1 },
    { series: 'hidden', kept: 0.5, inputsKept: 1 },
    { series: 'inputs too', kept: 0.5, inputsKept: INPUTS_KEPT },
  ];
  return [
    ...KEPT.map((kept): Kind => ({ ...two, figure: 'one width', series: `${width} units`, width, kept })),
    ...KEPT.map(
      (kept): Kind => ({ ...two, figure: 'as many left', series: `${halfOf(width)} left`, width: Math.round(halfOf(width) / kept), kept }),
    ),
    ...DEPTHS.flatMap(depth => ways.map((way): Kind => ({ ...way, figure: 'depth', depth, width }))),
  ];
}

const specOf = ({ depth, width, kept, inputsKept }: Kind): string =>
  `mlp:hidden=${Array(depth).fill(width).join('-')},dropout=${1 - kept},input_dropout=${(1 - inputsKept).toFixed(2)}`;

/** A net with its errors. */
interface Found extends Kind {
  readonly training: number;
  readonly test: number;
}

/** The errors of each figure's nets. */
function panelsOf(found: readonly Found[], width: number): Panel[] {
  const panel = (figure: Kind['figure'], title: string, x: Axis, at: (kind: Kind) => number): Panel => {
    const own = found.filter(f => f.figure === figure);
    const line = (series: string, part: 'test' | 'training'): Series => ({
      name: figure === 'depth' ? `${part}, ${series}` : part,
      points: own.filter(f => f.series === series).map(f => [at(f), f[part]] as const),
      dots: true,
      dashed: part === 'training',
    });
    return {
      kind: 'line',
      title,
      x,
      y: { label: 'error', percent: true, min: 0 },
      series: [...new Set(own.map(f => f.series))].flatMap(series => [line(series, 'test'), line(series, 'training')]),
    };
  };
  const kept = { label: 'share of units kept', min: 0, max: 1 };
  const depth = { label: 'hidden layers', min: 1, max: DEPTHS.at(-1)! };
  return [
    panel('one width', `Two layers of ${width} units`, kept, f => f.kept),
    panel('as many left', `Two layers with ${halfOf(width)} units left`, kept, f => f.kept),
    panel('depth', `By depth, ${width} units, half of them kept`, depth, f => f.depth),
  ];
}
