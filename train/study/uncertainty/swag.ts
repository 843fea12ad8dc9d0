/** `swag`: one path of Adam, the mean of its weights (SWA), and draws around that mean (SWAG), whose predictions differ from image to image. */
import type { Dataset } from '../../../datasets/dataset.ts';
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import type { Panel } from '../../../plots/panel.ts';
import { predictive, Swag, type Predictive } from '../../run/swag.ts';
import type { Trainer } from '../../step/trainer.ts';
import { experiment, imageCount, inTurn, type Lab } from '../experiment.ts';
import { score } from '../probabilities.ts';
import { trainTo, withTrainer } from '../with-trainer.ts';

/** The share of the run after which weights are averaged, from the end of one epoch to the next. */
const FROM = 0.5;

/** What the course's slide has. */
const PUBLISHED = 0.5;

/** The same sums of an evaluation of a classification. */
interface Scored {
  readonly loss: number;
  readonly accuracy: number;
}

export const swagExperiment = experiment({
  about: 'A perceptron on CIFAR-10 by Adam, SWA and SWAG: test accuracy, and intervals of predictions.',
  source: 'Izmailov et al. 2018; Maddox et al. 2019',
  options: {
    images: number(20_000, 'training images of CIFAR-10', imageCount('cifar10', 128)),
    epochs: number(10, 'passes; the second half of them is averaged', { ...COUNT, min: 4 }),
    draws: number(20, 'of the weights', { ...COUNT, min: 2 }),
    shown: number(5, 'test images whose intervals are drawn', { ...COUNT, max: 20 }),
  },
  async run(lab, { images, epochs, draws, shown }) {
    const dataset = await lab.dataset('cifar10', { limitTrain: images, limitTest: 2000 });
    const { path, drawn } = await pathOf(lab, dataset, epochs, draws);
    const { name, classes, test } = dataset;
    const ways = waysOf(path.at(-1), drawn && score(drawn.mean, test.labels, classes.length));
    const some = drawn ? Array.from({ length: Math.min(shown, test.n) }, (_, i) => imageOf(drawn, classes.length, test.labels, i)) : [];
    return {
      title: `MLP 256-128-${classes.length} on ${counted(images, 'image')} of ${name}: Adam, SWA, SWAG`,
      rows: ways.map(({ way, loss, accuracy }) => ({ way, 'test accuracy': accuracy, 'test loss': loss })),
      shares: ['test accuracy'],
      expected: ways.map(({ way, accuracy }) => ({
        what: `${way}: test accuracy`,
        expected: PUBLISHED,
        found: accuracy,
        source: 'the lecture, on all 50,000 images: about 50 %',
      })),
      panels: [
        {
          kind: 'line',
          title: 'Test accuracy',
          x: { label: 'epochs', min: 0, max: epochs },
          y: { label: 'accuracy', percent: true },
          series: [
            { name: 'Adam', points: path.map(({ epoch, adam }) => [epoch, adam.accuracy] as const) },
            { name: 'SWA', points: path.flatMap(({ epoch, swa }) => (swa ? [[epoch, swa.accuracy] as const] : [])), dots: true },
            ...ways.filter(({ way }) => way === 'SWAG').map(({ way, accuracy }) => ({ name: way, points: [[epochs, accuracy]] as const })),
          ],
        },
        ...some.map(image => intervals(image, classes)),
      ],
      layout: { width: 280, height: 250, columns: 3 },
      values: { ways, path, images: some },
    };
  },
});

/** A run with what its weights score after each epoch, and what is predicted by draws at its end, undefined where that was not come to. */
async function pathOf(lab: Lab, dataset: Dataset, epochs: number, draws: number) {
  const given = { batchSize: '128', epochs: String(epochs), seed: String(lab.seed), swa: String(FROM) };
  const swag = new Swag();
  return withTrainer(lab, 'mlp:hidden=256-128', given, dataset, async trainer => {
    const path = await inTurn(
      lab,
      Array.from({ length: epochs }, (_, i) => i + 1),
      epoch => `epoch ${epoch}`,
      epoch => anEpoch(lab, trainer, swag, epoch, epochs),
    );
    const isWhole = path.length === epochs;
    return { path, drawn: isWhole ? await predictive(trainer, swag, 'test', { samples: draws, seed: lab.seed }) : undefined };
  });
}

/** The scores of each way at the end; those that are not known are left out. */
const waysOf = (last: Awaited<ReturnType<typeof anEpoch>> | undefined, swag: Scored | undefined) =>
  [
    { way: 'Adam', ...last?.adam },
    { way: 'SWA', ...last?.swa },
    { way: 'SWAG', ...swag },
  ].filter((row): row is { way: string } & Scored => 'loss' in row);

/** Trains one epoch on; in the later part of the run `swag` takes its weights in. */
export async function epochInto(swag: Swag, lab: Lab, trainer: Trainer, epoch: number, epochs: number): Promise<void> {
  await trainTo(lab, trainer, epoch * trainer.stepsPerEpoch);
  if (epoch > FROM * epochs) swag.collect(await trainer.weights());
}

/** Trains one epoch on, and tells how well the weights and the mean of those so far do. */
async function anEpoch(lab: Lab, trainer: Trainer, swag: Swag, epoch: number, epochs: number) {
  await epochInto(swag, lab, trainer, epoch, epochs);
  const evaluated = (await trainer.evaluate('test')) as Scored;
  const own = (await trainer.evaluateUnaveraged('test')) as Scored | undefined;
  return { epoch, adam: own ?? evaluated, ...(own && { swa: evaluated }) };
}

/** What is predicted of one image. */
function imageOf({ mean, deviation }: Predictive, classes: number, labels: ArrayLike<number>, i: number) {
  const row = (values: Float32Array) => Array.from(values.subarray(i * classes, (i + 1) * classes));
  return { image: i, label: labels[i]!, mean: row(mean), deviation: row(deviation) };
}

const intervals = ({ image, label, mean, deviation }: ReturnType<typeof imageOf>, classes: readonly string[]): Panel => ({
  kind: 'bar',
  title: `Test image ${image + 1}: ${classes[label]!}`,
  y: { label: 'probability by SWAG, ± deviation of a draw', percent: true, min: 0, max: 1 },
  categories: classes,
  series: [{ name: 'SWAG', values: mean, deviations: deviation }],
});
