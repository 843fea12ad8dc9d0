/** `hessian-spectrum`: eigenvalues of the Hessian of a small net at its start, at the saddle of no weights and after training. */
import type { Dataset, Split } from '../../../datasets/dataset.ts';
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import type { Panel } from '../../../plots/panel.ts';
import { mlp } from '../../../models/mlp.ts';
import { eigenSymmetric } from '../../data/eigen.ts';
import { densityAt, lanczos, shareWhere, type Krylov } from '../../linear/lanczos.ts';
import { Net } from '../../net/net.ts';
import type { Tensors } from '../../run/safetensors.ts';
import { experiment, giveWay, tasksInTurn, trainingImages, type Expected, type Lab, type Task } from '../experiment.ts';
import { imagesOfSplit } from '../robust/victim.ts';
import { zeroed } from '../with-trainer.ts';
import { normalsOf } from '../linear/problems.ts';
import { hessianProduct } from './hessian-product.ts';
import { DESCENT, withMinima, type Find, type Minimum } from './minimum.ts';

/** Eigenvalues of less than this share of the largest count as 0: rounding of float32 has signs of its own. */
const ZERO = 2e-3;
/** What stands out of the bulk. */
const OUTLIER = 0.1;
/** Width of an eigenvalue in the density, and places of it. */
const WIDTH = 0.006;
const PLACES = 400;

/**
 * Where all weights are 0 and the last biases the logarithms of the shares of the classes the gradient is 0, and the Hessian is known: for
 * each hidden unit the singular values of the mean of (share - target) x', of both signs, and for the biases diag(p) - p p'.
 */
function saddleOf(weights: Tensors, { labels }: Split): { weights: Tensors; shares: Float64Array } {
  const [bias, { shape, data }] = Object.entries(weights).at(-1)!;
  const shares = new Float64Array(data.length);
  for (const label of labels) shares[label]! += 1 / labels.length;
  const logarithms = Float32Array.from(shares, p => Math.log(Math.max(p, 1e-6)));
  return { weights: { ...zeroed(weights), [bias]: { shape, data: logarithms } }, shares };
}

/** The singular values of that mean, largest first. */
function couplings({ labels }: Split, x: Float32Array, shares: Float64Array): Float64Array {
  const [n, classes] = [labels.length, shares.length];
  const d = x.length / n;
  const mean = Array.from(shares, () => new Float64Array(d));
  for (let s = 0; s < n; s++) {
    for (let c = 0; c < classes; c++) {
      const error = (shares[c]! - (labels[s] === c ? 1 : 0)) / n;
      for (let i = 0; i < d; i++) mean[c]![i]! += error * x[s * d + i]!;
    }
  }
  const squares = mean.flatMap(a => mean.map(b => a.reduce((sum, v, i) => sum + v * b[i]!, 0)));
  return eigenSymmetric(squares, classes).values.map(v => Math.sqrt(Math.max(0, v)));
}

/** What a net is looked at on, by how many random starts, each of so many steps. */
interface Looking {
  readonly lab: Lab;
  readonly net: Net;
  readonly x: Float32Array;
  readonly y: Uint32Array;
  readonly probes: number;
  readonly steps: number;
}

/** The spaces of several random starts at some weights. */
async function spacesAt(weights: Tensors, { lab, net, x, y, probes, steps }: Looking) {
  const { size, times } = hessianProduct(net, weights, x, y);
  const next = normalsOf(lab.seed);
  const spaces: Krylov[] = [];
  for (let k = 0; k < probes; k++) {
    const start = Float64Array.from({ length: size }, next);
    const product = async (v: Float64Array) => {
      await giveWay(lab);
      return times(v);
    };
    spaces.push(await lanczos(product, start, steps));
  }
  await net.load(weights);
  const { loss } = await net.backward(x, y);
  return { size, spaces, loss };
}

/** What the spaces say of the eigenvalues at some weights. */
function momentOf(name: string, { size, spaces, loss }: Awaited<ReturnType<typeof spacesAt>>) {
  const ends = spaces.flatMap(({ values }) => [values[0]!, values.at(-1)!]);
  const [largest, smallest] = [Math.max(...ends), Math.min(...ends)];
  const reach = Math.max(largest, -smallest);
  const share = (is: (v: number) => boolean) => shareWhere(spaces, is);
  return {
    name,
    size,
    loss,
    spaces,
    largest,
    smallest,
    negative: share(v => v < -ZERO * reach) * size,
    bulk: share(v => Math.abs(v) < OUTLIER * reach),
    // those at the ends are there in the space of every start
    outliers: spaces[0]!.values.filter(v => v > OUTLIER * reach).length,
  };
}
type Moment = ReturnType<typeof momentOf>;

export const hessianSpectrum = experiment({
  about: 'Eigenvalues of the Hessian by Lanczos: at the start, at a saddle and after training.',
  source: 'Sagun et al. 2017; Ghorbani et al. 2019',
  options: {
    hidden: number(16, 'tanh units of the one hidden layer', COUNT),
    images: trainingImages(1000, 32),
    epochs: number(40, 'passes', COUNT),
    probes: number(4, 'random starts of Lanczos', COUNT),
    steps: number(80, 'of Lanczos from each', { ...COUNT, min: 10 }),
  },
  async run(lab, { hidden, images, epochs, probes, steps }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 100 });
    const { shape, classes } = dataset;
    const { found, expected } = await momentsOf(lab, { dataset, hidden, epochs, probes, steps });
    const bulkBelow = `below ${OUTLIER} of the largest`;
    return {
      title: `Hessian of mlp ${shape.reduce((a, b) => a * b)}-${hidden}-${classes.length} on ${counted(images, 'image')}`,
      rows: found.map(({ name, loss, largest, smallest, negative, bulk, outliers }) => ({
        weights: name,
        loss,
        largest,
        smallest,
        negative,
        [bulkBelow]: bulk,
        'above that': outliers,
      })),
      shares: [bulkBelow],
      expected,
      panels: [...found.map(densityPanel), largestPanel(found, 2 * classes.length)],
      layout: { columns: 2 },
      values: found.map(({ spaces, ...rest }) => ({
        ...rest,
        spaces: spaces.map(({ values, weights: w }) => ({ values: [...values], weights: [...w] })),
      })),
    };
  },
});

interface Asked {
  readonly dataset: Dataset;
  readonly hidden: number;
  readonly epochs: number;
  readonly probes: number;
  readonly steps: number;
}

/** The eigenvalues at the first weights of a net, at the saddle and at its last weights, and what they are known to be at the saddle. */
async function momentsOf(lab: Lab, { dataset, hidden, epochs, probes, steps }: Asked): Promise<{ found: Moment[]; expected: Expected[] }> {
  const { shape, classes, train } = dataset;
  const { x, labels } = imagesOfSplit(dataset, train);
  const layer = mlp({ shape, classes: classes.length }, { hidden: [hidden], activation: 'tanh' });
  const net = await Net.build(await lab.device(), layer, { shape, batch: train.n });
  const found: Moment[] = [];
  const expected: Expected[] = [];
  const look = async (name: string, weights: Tensors) => {
    const moment = momentOf(name, await spacesAt(weights, { lab, net, x, y: labels, probes, steps }));
    found.push(moment);
    return moment;
  };
  const spec = `mlp:hidden=${hidden},activation=tanh`;
  let minimum: Minimum;
  const tasks = (find: Find): Task[] => [
    {
      name: `training ${spec}`,
      async work() {
        minimum = await find(spec, { ...DESCENT, epochs: String(epochs), seed: String(lab.seed) }, dataset);
      },
    },
    { name: 'start', work: () => look('start', minimum.start) },
    {
      name: 'saddle',
      async work() {
        const { weights, shares } = saddleOf(minimum.weights, train);
        expected.push(...knownAt(couplings(train, x, shares), hidden, await look('saddle', weights)));
      },
    },
    { name: 'after training', work: () => look('after training', minimum.weights) },
  ];
  await withMinima(lab, find => tasksInTurn(lab, tasks(find))).finally(() => net.destroy());
  return { found, expected };
}

/** What the Hessian of the saddle is known to have, beside what was found. */
const knownAt = (coupled: Float64Array, hidden: number, { smallest, negative }: Moment): Expected[] => [
  { what: 'smallest at the saddle', expected: -coupled[0]!, found: smallest, source: 'singular value, float64' },
  {
    what: 'negative ones there',
    expected: hidden * coupled.filter(v => v > ZERO * coupled[0]!).length,
    found: negative,
    source: 'units times rank',
  },
];

/** The first `most` eigenvalues, which are those of the space of the first start. */
const largestPanel = (moments: readonly Moment[], most: number): Panel => ({
  kind: 'line',
  title: 'Largest eigenvalues',
  x: { label: 'number', min: 1, max: most },
  y: { label: 'eigenvalue', log: true },
  series: moments.map(({ name, spaces }) => ({
    name,
    dots: true,
    points: Array.from(spaces[0]!.values.slice(0, most), (v, i) => [i + 1, v] as const),
  })),
});

function densityPanel({ name, spaces, size, largest, smallest }: Moment): Panel {
  const span = largest - smallest;
  const [low, high] = [smallest - 0.05 * span, largest + 0.05 * span];
  // an eigenvalue of its own is 1 at its place
  const scale = size * WIDTH * span * Math.sqrt(2 * Math.PI);
  return {
    kind: 'line',
    title: `${name[0]!.toUpperCase()}${name.slice(1)}`,
    x: { label: 'eigenvalue' },
    y: { label: 'eigenvalues nearby', log: true, min: 0.1 },
    series: [
      {
        name: 'density',
        points: Array.from({ length: PLACES + 1 }, (_, i) => {
          const at = low + ((high - low) * i) / PLACES;
          return [at, scale * densityAt(spaces, at, WIDTH * span)] as const;
        }),
      },
    ],
    marks: [{ x: 0, label: '0' }],
  };
}
