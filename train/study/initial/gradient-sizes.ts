/** `gradient-sizes`: how large the gradients of each layer are in deep nets before they learn, by activation, first weights and what helps. */
import type { Dataset } from '../../../datasets/dataset.ts';
import type { Device } from '../../../engine/device.ts';
import type { Layer } from '../../../engine/graph.ts';
import { number } from '../../../engine/parameter.ts';
import { relu, sigmoid, tanh } from '../../../layers/activation.ts';
import { residual, sequential } from '../../../layers/compose.ts';
import { dense } from '../../../layers/dense.ts';
import { constant, initializer } from '../../../layers/init.ts';
import { batchNorm } from '../../../layers/norm.ts';
import { rules } from '../../../optim/index.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { range } from '../../../shaders/kernel/wgsl.ts';
import { openData } from '../../data/data.ts';
import { lsuv } from '../../init/lsuv.ts';
import { Trainer } from '../../step/trainer.ts';
import { experiment, inTurn, type Expected } from '../experiment.ts';
import { gradientSizes } from '../layer-stats.ts';

const UNITS = 64;
const BATCH = 64;

interface Variant {
  readonly activation: () => Layer;
  /** A scheme of layers/init.ts, or `lsuv`. */
  readonly scheme: string;
  readonly helped?: 'batch norm' | 'shortcuts';
}

const VARIANTS: Readonly<Record<string, Variant>> = {
  'sigmoid, glorot': { activation: sigmoid, scheme: 'glorot-normal' },
  'sigmoid, lsuv': { activation: sigmoid, scheme: 'lsuv' },
  'tanh, glorot': { activation: tanh, scheme: 'glorot-normal' },
  'tanh, orthogonal': { activation: tanh, scheme: 'orthogonal' },
  'relu, glorot': { activation: relu, scheme: 'glorot-normal' },
  'relu, he': { activation: relu, scheme: 'he-normal' },
  'relu, orthogonal': { activation: relu, scheme: 'orthogonal' },
  'relu, lsuv': { activation: relu, scheme: 'lsuv' },
  'relu, glorot, batch norm': { activation: relu, scheme: 'glorot-normal', helped: 'batch norm' },
  'relu, glorot, shortcuts': { activation: relu, scheme: 'glorot-normal', helped: 'shortcuts' },
};

/** The root mean squares of the gradients of the hidden layers' weights on one batch, from the input on. */
async function sizesOf(device: Device, dataset: Dataset, variant: Variant, depth: number, seed: number): Promise<number[]> {
  const { activation, scheme, helped } = variant;
  const block = () => sequential({ fc: dense(UNITS), ...(helped === 'batch norm' && { norm: batchNorm() }), act: activation() });
  const blocks = range(depth).map(l => (helped === 'shortcuts' && l > 0 ? residual(block()) : block()));
  const model = sequential({ hidden: sequential(blocks), head: dense(dataset.classes.length) });
  const data = await openData(dataset, { normalize: 'meanstd', valSplit: 0 });
  const own = scheme === 'lsuv' ? {} : { weights: initializer(scheme) };
  const trainer = await Trainer.create({
    device,
    data,
    model,
    batchSize: BATCH,
    optimizer: optimizer(rules.sgd!),
    seed,
    ...own,
    biases: () => constant(0),
  });
  try {
    if (scheme === 'lsuv') await lsuv({ model, seed }, trainer.data);
    await trainer.step();
    return (await gradientSizes(trainer)).slice(0, -1);
  } finally {
    await device.idle();
    trainer.destroy();
  }
}

/** By what each layer on the way back multiplies the gradient. The first layer has other inputs and is left out. */
const factorOf = (sizes: readonly number[]): number => (sizes[1]! / sizes.at(-1)!) ** (1 / (sizes.length - 2));

export const gradientSizesExperiment = experiment({
  about: 'The size of gradients by layer and depth, for sigmoid, tanh and ReLU, by first weights, with batch norm and shortcuts.',
  source: 'Glorot & Bengio 2010; Saxe et al. 2013; He et al. 2015; Mishkin & Matas 2016',
  options: { depth: number(20, 'hidden layers of the deeper net', { integer: true, min: 4, max: 100 }) },
  async run(lab, { depth }) {
    const dataset = await lab.dataset('shapes', { limitTrain: 256, limitTest: 16 });
    const device = await lab.device();
    const shallow = Math.ceil(depth / 2);
    const found = await inTurn(
      lab,
      Object.entries(VARIANTS),
      ([name]) => name,
      async ([name, variant]): Promise<Found> => ({
        name,
        sizes: await sizesOf(device, dataset, variant, depth, lab.seed),
        before: await sizesOf(device, dataset, variant, shallow, lab.seed),
      }),
    );
    return {
      title: `Gradients of ${depth} layers of ${UNITS} units before they learn`,
      rows: found.map(({ name, sizes, before }) => ({
        net: name,
        'layer 2': sizes[1]!,
        [`layer ${depth}`]: sizes.at(-1)!,
        'factor a layer back': factorOf(sizes),
        [`of layer 2 in ${shallow} layers`]: before[1]!,
      })),
      expected: found.flatMap(expectedOf),
      panels: [
        {
          kind: 'line',
          x: { label: 'layer', min: 1, max: depth },
          y: { label: 'gradient of the weights, root mean square', log: true, min: 1e-16, max: 1e4 },
          series: found.map(({ name, sizes }) => ({ name, points: sizes.map((v, l) => [l + 1, v] as const) })),
        },
      ],
      layout: { width: 720, height: 380 },
      values: found,
    };
  },
});

/** The gradients of a net by layers, and of one of half its depth. */
interface Found {
  readonly name: string;
  readonly sizes: readonly number[];
  readonly before: readonly number[];
}

/** What theory says of two of the nets. */
function expectedOf({ name, sizes, before }: Found): Expected[] {
  if (name === 'sigmoid, glorot') {
    return [{ what: `${name}: factor a layer`, expected: 0.25, found: factorOf(sizes), source: 'steepest slope, 1/4' }];
  }
  if (name === 'relu, glorot') {
    const found = (sizes[1]! / before[1]!) ** (1 / (sizes.length - before.length));
    return [{ what: `${name}: factor for each layer more`, expected: Math.SQRT1_2, found, source: 'half of the variance, He et al. 2015' }];
  }
  return [];
}
