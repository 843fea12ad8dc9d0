/** `zoneout`: a recurrent net over the rows of images whose units keep their state, or lose it, at random. */
import { bytesOf, type Dataset } from '../../../datasets/dataset.ts';
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT, SHARE } from '../../../engine/range.ts';
import type { Ground, Panel } from '../../../plots/panel.ts';
import { streamOf } from '../../../shaders/kernel/random.ts';
import { isKept } from '../../../shaders/move/steps.ts';
import type { Tensors } from '../../run/safetensors.ts';
import { experiment, inTurn, trainingImages, type Lab } from '../experiment.ts';
import { dot } from '../linear/problems.ts';
import { mean } from '../statistics.ts';
import { curvesOf, together, trainOn } from './members.ts';
import { withTrainer } from '../with-trainer.ts';

/** How many units are drawn. */
const UNITS = 24;
const NOISES = ['dropout', 'zoneout'] as const;
type Noise = (typeof NOISES)[number];
const WAYS = ['neither', ...NOISES] as const;

export const zoneout = experiment({
  about: 'A recurrent net whose units keep their state at random (zoneout), or lose it (dropout), and one without either.',
  source: 'Krueger et al. 2016',
  options: {
    share: number(0.15, 'of units that keep or lose their state at each row', SHARE),
    hidden: number(64, 'units of the state', COUNT),
    images: trainingImages(6000, 64),
    epochs: number(5, 'passes of each', COUNT),
  },
  async run(lab, { share, hidden, images, epochs }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 2000 });
    const runs = await inTurn(
      lab,
      WAYS,
      way => way,
      way => runOf(lab, way, { share, hidden, epochs, dataset }),
    );
    const x = { label: 'epochs', min: 0, max: epochs };
    return {
      title: `Zoneout and dropout of ${share}: rnn-rows of ${counted(hidden, 'unit')} on ${counted(images, 'image')} of Fashion-MNIST`,
      rows: runs.map(({ name, lines, tested, path }) => ({
        net: name,
        'training loss': lines.at(-1)!.loss,
        'test accuracy': tested.at(-1)!.accuracy,
        'test loss': tested.at(-1)!.loss,
        'state changes by': changeOf(path),
      })),
      shares: ['test accuracy'],
      panels: [
        { kind: 'line', title: 'Loss on the batches', x, y: { label: 'cross-entropy', min: 0 }, series: curvesOf(runs, line => line.loss) },
        {
          kind: 'line',
          title: 'Test accuracy',
          x,
          y: { label: 'accuracy', percent: true },
          series: runs.map(({ name, tested }) => ({
            name,
            dots: true,
            points: tested.map(({ accuracy }, k) => [k + 1, accuracy] as const),
          })),
        },
        ...NOISES.flatMap(noise => runs.flatMap(({ name, path }) => (name === noise ? pathPanels(noise, path) : []))),
      ],
      values: runs.map(({ path: { struck, states }, ...run }) => ({ ...run, struck, states: states.map(state => [...state]) })),
    };
  },
});

interface Asked {
  readonly share: number;
  readonly hidden: number;
  readonly epochs: number;
  readonly dataset: Dataset;
}

/** Trains a net in one of the ways: its lines, what it scores on the test images after each epoch, and its states over one of them. */
function runOf(lab: Lab, name: (typeof WAYS)[number], { share, hidden, epochs, dataset }: Asked) {
  const noise = name === 'neither' ? undefined : name;
  const given = {
    optimizer: 'adam',
    lr: '0.003',
    clipNorm: '1',
    initScheme: 'orthogonal',
    normalize: 'none',
    epochs: String(epochs),
    seed: String(lab.seed),
  };
  return withTrainer(lab, `rnn-rows:hidden=${hidden}${noise ? `,${noise}=${share}` : ''}`, given, dataset, async (trainer, total) => {
    const { lines, predictions } = await trainOn(lab, trainer, total, dataset, epochs);
    const tested = predictions.map(p => together([p], dataset));
    return { name, lines, tested, path: pathOf(noise, share, lab.seed, await trainer.evaluatedWeights(), dataset) };
  });
}

/** The states of a recurrent net over an image [h][hidden], and whether each was dropped or kept. */
interface Path {
  readonly states: readonly Float64Array[];
  readonly struck: readonly (readonly boolean[])[];
}

/** The path over the first test image, as it is in the first step of a run with a noise of `p` in place of the last. */
function pathOf(noise: Noise | undefined, p: number, seed: number, weights: Tensors, { test, shape: [channels, h, w] }: Dataset): Path {
  const image = bytesOf(test.images);
  const [ih, hh, ...biases] = ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].map(name => weights[`rnn.${name}_l0`]!.data);
  const hidden = biases[0]!.length;
  const states: Float64Array[] = [];
  const struck: boolean[][] = [];
  for (let t = 0; t < h; t++) {
    const last = states.at(-1) ?? new Float64Array(hidden);
    const choice = { p, layer: streamOf(`rnn ${noise} ${t}`) };
    const dropped = Array.from(last, (_, unit) => noise !== undefined && !isKept(unit, choice, seed, 1));
    struck.push(dropped);
    states.push(
      last.map((before, unit) => {
        let sum = biases[0]![unit]! + biases[1]![unit]! + dot(hh!.subarray(unit * hidden, (unit + 1) * hidden), last);
        for (let c = 0; c < channels; c++) {
          for (let j = 0; j < w; j++) sum += (ih![(unit * channels + c) * w + j]! * image[(c * h + t) * w + j]!) / 255;
        }
        if (dropped[unit]) return noise === 'dropout' ? 0 : before;
        return noise === 'dropout' ? Math.tanh(sum) / (1 - p) : Math.tanh(sum);
      }),
    );
  }
  return { states, struck };
}

/** By how much a state changes from row to row. */
const changeOf = ({ states }: Path): number =>
  mean(states.slice(1).map((state, t) => mean(state.map((v, unit) => Math.abs(v - states[t]![unit]!)))));

/** Which of the first units were struck at each row, and their states. */
function pathPanels(noise: Noise, { states, struck }: Path): Panel[] {
  const rows = Math.min(UNITS, states[0]!.length);
  const columns = states.length;
  const grid = (value: (t: number, unit: number) => number) =>
    Float64Array.from({ length: rows * columns }, (_, i) => value(i % columns, Math.floor(i / columns)));
  const panel = (title: string, ground: Omit<Ground, 'columns' | 'rows'>): Panel => ({
    kind: 'scatter',
    title,
    x: { label: 'row of the image', min: 0, max: columns },
    y: { label: 'unit', min: 0, max: rows },
    series: [],
    ground: { columns, rows, ...ground },
  });
  const what = { dropout: 'Units that lose their state', zoneout: 'Units that keep their state' }[noise];
  return [
    panel(`${what} (${noise})`, { values: grid((t, unit) => Number(struck[t]![unit])), colours: 'rising', range: [0, 1] }),
    panel(`States under ${noise}`, { values: grid((t, unit) => states[t]![unit]!), colours: 'signed', range: [-1, 1] }),
  ];
}
