/** `enresnet`: means of small residual nets with noise, trained on attacked images, beside the plain net. */
import type { Dataset } from '../../../datasets/dataset.ts';
import { counted } from '../../../engine/counted.ts';
import { fraction, number } from '../../../engine/parameter.ts';
import { AT_LEAST_0, COUNT } from '../../../engine/range.ts';
import type { Layer } from '../../../engine/graph.ts';
import { relu } from '../../../layers/activation.ts';
import { mean as meanOf, residual, sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { gaussianNoise } from '../../../layers/noise.ts';
import { batchNorm } from '../../../layers/norm.ts';
import type { Panel } from '../../../plots/panel.ts';
import { experiment, imageCount, inTurn, type Expected, type Lab } from '../experiment.ts';
import { deviationIn, spreadOf, type Spread } from '../statistics.ts';
import { seedsOf } from '../training/over-seeds.ts';
import { attackOf, type Attack } from './by-name.ts';
import { EPSILON, train, trainable, type Training } from './train.ts';
import { attacked, natural } from './under-attack.ts';
import { imagesOfSplit, victimOf, type Images } from './victim.ts';

const BATCH = 50;
const RATE = 0.005;
const CHANNELS = 8;
/** Members of each net; 0 stands for one without noise. */
const MEMBERS = [0, 1, 2, 5];
const nameOf = (members: number): string => (members ? `${members} with noise` : 'plain');
const NATURAL = 'natural';

/** Shares of CIFAR-10's test images by PGD-10 training of 200 epochs (arXiv 2003.00631), by members; 0 is ResNet-20. */
const PUBLISHED: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  [NATURAL]: { 0: 0.7607, 2: 0.8034, 5: 0.8141 },
  FGSM: { 0: 0.5124, 2: 0.5711, 5: 0.5821 },
  'IFGSM-20': { 0: 0.4725, 2: 0.5002, 5: 0.516 },
};

/** The mean of so many small pre-activation nets with noise; where they are 0 one without. */
function ensembleOf(members: number, classes: number, noise: number): Layer {
  const block = () =>
    residual(
      sequential({
        bn: batchNorm(),
        relu: relu(),
        conv: conv2d(CHANNELS, 3, { pad: 1, bias: false }),
        noise: gaussianNoise(members ? noise : 0, { evaluating: true }),
      }),
    );
  const member = (): Layer =>
    sequential({
      conv1: conv2d(CHANNELS, 3, { pad: 1, stride: 2, bias: false }),
      block1: block(),
      block2: block(),
      bn: batchNorm(),
      relu: relu(),
      fc: dense(classes),
    });
  return meanOf(Object.fromEntries(Array.from({ length: Math.max(1, members) }, (_, i) => [`member${i}`, member()])));
}

export const enresnet = experiment({
  about: 'Means of 1, 2 and 5 small residual nets with noise, trained against PGD, beside a plain one: accuracy under attack.',
  source: 'Wang, Yuan, Shi & Osher 2019; arXiv 2003.00631',
  options: {
    epsilon: fraction(0.1, '8/255', 'by how much training and attacks move each pixel (0 to 1)', EPSILON),
    noise: number(0.1, 'deviation of the noise in each block', AT_LEAST_0),
    seeds: number(3, 'nets of each kind', COUNT),
    images: number(500, 'training images of Fashion-MNIST, 14 x 14', imageCount('fashion-mnist', BATCH)),
    test: number(100, 'attacked test images', imageCount('fashion-mnist', BATCH, 'test')),
    epochs: number(8, 'passes', COUNT),
    train_steps: number(2, 'gradients of an attack while training', COUNT),
    eot: number(4, 'draws of the noise over which the last attack takes gradients', COUNT),
  },
  async run(lab, { epsilon, noise, seeds, images, test, epochs, train_steps, eot }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: test });
    const attacks: Readonly<Record<string, Attack>> = {
      FGSM: attackOf('fgsm', { epsilon }),
      'IFGSM-20': attackOf('ifgsm', { epsilon, steps: 20 }),
      [`PGD-10, mean of ${counted(eot, 'draw')}`]: attackOf('pgd', { epsilon, steps: 10, eot }),
    };
    const training = { epochs, lr: RATE, attack: { way: 'pgd', epsilon, steps: train_steps }, stopped: () => lab.stopped } as const;
    const found = await inTurn(
      lab,
      seedsOf(lab, seeds).flatMap(seed => MEMBERS.map(members => ({ members, seed }))),
      ({ members, seed }) => `${nameOf(members)}, seed ${seed}`,
      async ({ members, seed }) => {
        const model = ensembleOf(members, dataset.classes.length, noise);
        return { members, seed, accuracy: await accuraciesOf(lab, model, dataset, { ...training, seed }, attacks) };
      },
    );
    const columns = [NATURAL, ...Object.keys(attacks)];
    const made = MEMBERS.filter(members => found.some(run => run.members === members));
    const of = (members: number, column: string) =>
      spreadOf(found.filter(run => run.members === members).map(run => run.accuracy[column]!));
    return {
      title: `Nets with noise under attack, ${counted(seeds, 'seed')}, ${counted(images, 'image')}`,
      rows: made.map(members => {
        const spreads = columns.map(column => ({ column, ...of(members, column) }));
        const cells = spreads.flatMap(({ column, ...spread }) => [
          [column, spread.mean],
          [`± ${column}`, deviationIn(spread)],
        ]);
        return { net: nameOf(members), ...Object.fromEntries(cells) };
      }),
      shares: columns.flatMap(column => [column, `± ${column}`]),
      expected: gains(made, of),
      panels: [accuracyPanel(`Trained against PGD-${train_steps} of ${epsilon}; whiskers are deviations over seeds`, columns, made, of)],
      values: found,
    };
  },
});

/** Accuracies as they are and under each attack, a bar for each number of members. */
const accuracyPanel = (
  title: string,
  columns: readonly string[],
  made: readonly number[],
  of: (members: number, column: string) => Spread,
): Panel => ({
  kind: 'bar',
  title,
  y: { label: 'accuracy', percent: true, min: 0, max: 1 },
  categories: columns,
  series: made.map(members => {
    const spreads = columns.map(column => of(members, column));
    return { name: nameOf(members), values: spreads.map(({ mean }) => mean), deviations: spreads.map(({ deviation }) => deviation) };
  }),
});

/** Trains a net on the training images at half their size, and says what it makes of the test images as they are and after each attack. */
async function accuraciesOf(
  lab: Lab,
  model: Layer,
  dataset: Dataset,
  training: Training,
  attacks: Readonly<Record<string, Attack>>,
): Promise<Record<string, number>> {
  const device = await lab.device();
  const [c, h, w] = dataset.shape;
  const shape = [c, h / 2, w / 2];
  const { seed } = training;
  const net = await trainable(device, model, shape, BATCH, seed);
  await train(net, BATCH, halved(imagesOfSplit(dataset, dataset.train), h, w), training);
  const victim = victimOf(device, model, await net.weights(), { shape, batch: BATCH, seed });
  net.destroy();
  const tested = halved(imagesOfSplit(dataset, dataset.test), h, w);
  const accuracy: Record<string, number> = { [NATURAL]: await natural(victim, tested) };
  for (const [name, attack] of Object.entries(attacks)) accuracy[name] = (await attacked(victim, tested, attack, { seed })).accuracy;
  victim.destroy();
  return accuracy;
}

/** By how much means of members are better than the plain net, beside the same of the long recipe on CIFAR-10. */
function gains(made: readonly number[], of: (members: number, column: string) => Spread): Expected[] {
  if (!made.includes(0)) return [];
  return Object.entries(PUBLISHED).flatMap(([column, shares]) =>
    [2, 5]
      .filter(members => made.includes(members))
      .map(members => ({
        what: `${column}: ${members} less plain`,
        expected: Number((shares[members]! - shares[0]!).toFixed(4)),
        found: of(members, column).mean - of(0, column).mean,
        source: 'arXiv 2003.00631: ResNet-20 members, CIFAR-10, PGD-10, 200 epochs',
      })),
  );
}

/** Images of half the height and width: means of 2 x 2 pixels. */
function halved({ x, labels }: Images, h: number, w: number): Images {
  const width = w / 2;
  const plane = (h / 2) * width;
  const out = new Float32Array(x.length / 4).map((_, i) => {
    const at = Math.floor(i / plane) * h * w + 2 * w * Math.floor((i % plane) / width) + 2 * (i % width);
    return (x[at]! + x[at + 1]! + x[at + w]! + x[at + w + 1]!) / 4;
  });
  return { x: out, labels };
}
