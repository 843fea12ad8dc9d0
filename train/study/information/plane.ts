/** `information-plane`: what each layer tells of input and class while a net learns, by two estimators, with tanh and with ReLU. */
import { bytesOf, imagesOf, numbers, type Dataset } from '../../../datasets/dataset.ts';
import { choice, number } from '../../../engine/parameter.ts';
import { COUNT, POSITIVE } from '../../../engine/range.ts';
import type { Panel, Series } from '../../../plots/panel.ts';
import { Probe } from '../../evaluate/probe.ts';
import { experiment, giveWay, inTurn, type Lab } from '../experiment.ts';
import { score, softmaxRows } from '../probabilities.ts';
import { trainTo, withTrainer } from '../with-trainer.ts';
import { byBins, byDensities, type Information } from './estimators.ts';
import { BITS, inputsOfPatterns, classesOfPatterns, PATTERNS, patterns, TRAINED } from './patterns.ts';

const ACTIVATIONS = ['tanh', 'relu'] as const;
type Activation = (typeof ACTIVATIONS)[number];

/** Width of a bin, 30 of them from -1 to 1, and the variance of the noise: Shwartz-Ziv & Tishby's, and Saxe's. */
const WIDTH = 2 / 30;
const NOISE = 1e-3;

/** Estimators by what they are called. */
const ESTIMATORS = {
  bins: (outputs: Float32Array, labels: ArrayLike<number>) => byBins(outputs, labels, WIDTH),
  KDE: (outputs: Float32Array, labels: ArrayLike<number>) => byDensities(outputs, labels, NOISE),
} as const;
type Estimator = keyof typeof ESTIMATORS;
const NAMES = Object.keys(ESTIMATORS) as Estimator[];

/** What is learnt, and the inputs on which layers are looked at, each as likely as the others. */
interface Task {
  readonly title: string;
  readonly hidden: readonly number[];
  readonly dataset: Dataset;
  readonly bytes: Uint8Array;
  readonly labels: ArrayLike<number>;
}

async function taskOf(lab: Lab, name: 'bits' | 'fashion-mnist'): Promise<Task> {
  if (name === 'bits') {
    const dataset = await patterns(lab.seed);
    const title = `${PATTERNS.toLocaleString('en-US')} patterns of ${BITS} bits`;
    return { title, hidden: [10, 7, 5, 4, 3], dataset, bytes: bytesOf(inputsOfPatterns()), labels: classesOfPatterns() };
  }
  const dataset = await lab.dataset('fashion-mnist', { limitTrain: 6000, limitTest: 1024 });
  const { test, shape } = dataset;
  const bytes = await imagesOf(test, shape[0] * shape[1] * shape[2], numbers(0, test.n));
  return { title: 'Fashion-MNIST', hidden: [256, 20, 20, 20], dataset, bytes, labels: test.labels };
}

/** What is known of a net after some epochs: of each layer the information by each estimator. */
interface Look {
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly layers: readonly Readonly<Record<Estimator, Information>>[];
}

export const informationPlane = experiment({
  about: 'What layers tell of input and class while a net learns: tanh and ReLU, by bins and by densities.',
  source: 'Shwartz-Ziv & Tishby 2017; Saxe et al. 2018',
  options: {
    on: choice('bits', ['bits', 'fashion-mnist'], 'all patterns of twelve bits, or 6,000 images'),
    epochs: number(200, 'passes of each net', { ...COUNT, min: 2 }),
    lr: number(0.005, "Adam's rate", POSITIVE),
    batch: number(512, 'samples of a step', { ...COUNT, max: TRAINED }),
    looks: number(16, 'times at which layers are looked at, at growing distances', { ...COUNT, min: 2 }),
  },
  async run(lab, { on, epochs, lr, batch, looks }) {
    const task = await taskOf(lab, on);
    const given = { batchSize: String(batch), epochs: String(epochs), lr: String(lr), seed: String(lab.seed) };
    const normalize = on === 'bits' ? { normalize: 'none' } : {};
    const times = growing(epochs, looks);
    const found = await inTurn(
      lab,
      ACTIVATIONS,
      activation => activation,
      async activation => ({
        activation,
        looks: await looksAt(lab, task, activation, { ...given, ...normalize }, times),
      }),
    );
    const layers = [...task.hidden, task.dataset.classes.length].map((size, i) => `layer ${i + 1}: ${size}`);
    const rows = found.flatMap(({ activation, looks }) =>
      layers.map((layer, i) => {
        const row = { activation, layer };
        return Object.assign(
          row,
          ...NAMES.map(name =>
            summary(
              name,
              looks.map(look => look.layers[i]![name]),
            ),
          ),
        );
      }),
    );
    return {
      title: `Information plane: ${task.title}, ${[...task.hidden, task.dataset.classes.length].join('-')}`,
      rows,
      panels: found.flatMap(({ activation, looks }) => [
        ...NAMES.map(name => planePanel(activation, name, looks)),
        ...NAMES.map(name => coursePanel(activation, name, looks, layers)),
      ]),
      layout: { width: 380, height: 280 },
      values: found,
    };
  },
});

/** Epochs at which a run of so many is looked at: before the first, then at growing distances, and after the last. */
export function growing(epochs: number, looks: number): number[] {
  const at = Array.from({ length: looks - 1 }, (_, i) => Math.round(epochs ** (looks > 2 ? i / (looks - 2) : 1)));
  return [...new Set([0, ...at])];
}

function looksAt(lab: Lab, task: Task, activation: Activation, given: object, times: readonly number[]): Promise<Look[]> {
  const model = `mlp:hidden=${task.hidden.join('-')},activation=${activation}`;
  const { labels, bytes, dataset } = task;
  return withTrainer(lab, model, given, dataset, async trainer => {
    const probe = await Probe.create(trainer.memory, trainer.model, trainer.data.run, labels.length, true);
    const outputs = new Map(probe.outputs);
    try {
      const looks: Look[] = [];
      for (const epoch of times) {
        await trainTo(lab, trainer, epoch * trainer.stepsPerEpoch);
        probe.run(bytes);
        const seen: Float32Array[] = [];
        for (const i of task.hidden.keys()) seen.push(await probe.read(outputs.get(`act${i + 1}`)!));
        seen.push(softmaxRows(await probe.read(outputs.get(`fc${task.hidden.length + 1}`)!), dataset.classes.length));
        const layers: Look['layers'][number][] = [];
        for (const layer of seen) {
          await giveWay(lab);
          layers.push({ bins: ESTIMATORS.bins(layer, labels), KDE: ESTIMATORS.KDE(layer, labels) });
        }
        looks.push({ epoch, ...score(seen.at(-1)!, labels, dataset.classes.length), layers });
      }
      return looks;
    } finally {
      probe.destroy();
    }
  });
}

/** The most that a layer told of the input, and what it tells at the end. */
function summary(name: Estimator, course: readonly Information[]) {
  const most = Math.max(...course.map(({ x }) => x));
  const last = course.at(-1)!;
  return { [`most I(X;T), ${name}`]: most, [`at the end, ${name}`]: last.x, [`I(T;Y), ${name}`]: last.y };
}

/** Looks whose layers are joined by a line. */
const JOINED = 6;

function planePanel(activation: Activation, name: Estimator, looks: readonly Look[]): Panel {
  const last = looks.at(-1)!.epoch;
  const shade = (epoch: number) => Math.log(1 + epoch) / Math.log(1 + last);
  const at = ({ layers }: Look) => layers.map(layer => [layer[name].x, layer[name].y] as const);
  const joined = looks.filter((_, i) => i % Math.ceil(looks.length / JOINED) === 0);
  return {
    kind: 'line',
    title: `${activation}, ${name}`,
    x: { label: 'I(X;T), bits', min: 0 },
    y: { label: 'I(T;Y), bits', min: 0 },
    series: [
      ...joined.map((look): Series => ({ name: `epoch ${look.epoch}`, muted: true, points: at(look) })),
      {
        name: 'layers by epoch',
        points: looks.flatMap(at),
        shades: looks.flatMap(look => look.layers.map(() => shade(look.epoch))),
      },
    ],
    shaded: ['epoch 0', String(last)],
  };
}

const coursePanel = (activation: Activation, name: Estimator, looks: readonly Look[], layers: readonly string[]): Panel => ({
  kind: 'line',
  title: `${activation}, ${name}: what layers tell of the input`,
  x: { label: 'epoch', log: true },
  y: { label: 'I(X;T), bits', min: 0 },
  series: layers.map((layer, i) => ({
    name: layer,
    dots: true,
    points: looks.map(({ epoch, layers }) => [epoch, layers[i]![name].x] as const),
  })),
});
