/** `hessian-spectrum`: eigenvalues of the Hessian of a small net at its start, at the saddle of no weights and after training. */
import { first, type Split } from '../../../datasets/dataset.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import type { Panel } from '../../../plots/panel.ts';
import { mlp } from '../../../models/mlp.ts';
import { eigenSymmetric } from '../../data/eigen.ts';
import { densityAt, lanczos, shareWhere, type Krylov } from '../../linear/lanczos.ts';
import { Net } from '../../net/net.ts';
import type { Tensors } from '../../run/safetensors.ts';
import { experiment, giveWay, imageCount, tasksInTurn, type Expected, type Lab } from '../experiment.ts';
import { imagesOfSplit } from '../robust/victim.ts';
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
  const [, bias] = Object.keys(weights).slice(-2);
  const shares = new Float64Array(weights[bias!]!.data.length);
  for (const label of labels) shares[label]! += 1 / labels.length;
  const zero = Object.entries(weights).map(([name, { shape, data }]) => {
    const values = name === bias ? Float32Array.from(shares, p => Math.log(Math.max(p, 1e-6))) : new Float32Array(data.length);
    return [name, { shape, data: values }] as const;
  });
  return { weights: Object.fromEntries(zero), shares };
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

/** The spaces of several random starts at some weights. */
async function spacesAt(lab: Lab, net: Net, weights: Tensors, x: Float32Array, y: Uint32Array, probes: number, steps: number) {
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
    images: number(1000, 'training images of Fashion-MNIST', imageCount('fashion-mnist', 32)),
    epochs: number(40, 'passes', COUNT),
    probes: number(4, 'random starts of Lanczos', COUNT),
    steps: number(80, 'of Lanczos from each', { ...COUNT, min: 10 }),
  },
  async run(lab, { hidden, images, epochs, probes, steps }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 100 });
    const device = await lab.device();
    const { shape, classes } = dataset;
    const train = first(dataset.train, images);
    const { x, labels } = imagesOfSplit(dataset, train);
    const spec = `mlp:hidden=${hidden},activation=tanh`;
    const given = { ...DESCENT, epochs: String(epochs), seed: String(lab.seed) };
    let minimum: Minimum | undefined;
    let saddle: ReturnType<typeof saddleOf> | undefined;
    const moments = {
      start: () => minimum!.start,
      saddle: () => saddle!.weights,
      'after training': () => minimum!.weights,
    };
    const layer = mlp({ shape, classes: classes.length }, { hidden: [hidden], activation: 'tanh' });
    const net = await Net.build(device, layer, { shape, batch: train.n });
    const found: Moment[] = [];
    const tasks = (find: Find) => [
      {
        name: `training ${spec}`,
        async work() {
          minimum = await find(spec, given, dataset);
          saddle = saddleOf(minimum.weights, train);
        },
      },
      ...Object.entries(moments).map(([name, weights]) => ({
        name,
        async work() {
          found.push(momentOf(name, await spacesAt(lab, net, weights(), x, labels, probes, steps)));
        },
      })),
    ];
    await withMinima(lab, find => tasksInTurn(lab, tasks(find))).finally(() => net.destroy());
    const known = found.find(f => f.name === 'saddle');
    const coupled = known ? couplings(train, x, saddle!.shares) : new Float64Array();
    const expected: Expected[] = known
      ? [
          { what: 'smallest at the saddle', expected: -coupled[0]!, found: known.smallest, source: 'singular value, float64' },
          {
            what: 'negative ones there',
            expected: hidden * coupled.filter(v => v > ZERO * coupled[0]!).length,
            found: known.negative,
            source: 'units times rank',
          },
        ]
      : [];
    return {
      title: `Hessian of mlp ${dataset.shape.reduce((a, b) => a * b)}-${hidden}-${classes.length} on ${images.toLocaleString('en-US')} images`,
      rows: found.map(({ name, loss, largest, smallest, negative, bulk, outliers }) => ({
        weights: name,
        loss,
        largest,
        smallest,
        negative,
        [`below ${OUTLIER} of the largest`]: bulk,
        'above that': outliers,
      })),
      shares: [`below ${OUTLIER} of the largest`],
      expected,
      panels: [
        ...found.map(densityPanel),
        {
          kind: 'line',
          title: 'Largest eigenvalues',
          x: { label: 'number', min: 1, max: 2 * classes.length },
          y: { label: 'eigenvalue', log: true },
          series: found.map(({ name, spaces }) => ({
            name,
            dots: true,
            points: Array.from(spaces[0]!.values.slice(0, 2 * classes.length), (v, i) => [i + 1, v] as const),
          })),
        },
      ],
      layout: { columns: 2 },
      values: found.map(({ spaces, ...rest }) => ({
        ...rest,
        spaces: spaces.map(({ values, weights: w }) => ({ values: [...values], weights: [...w] })),
      })),
    };
  },
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
