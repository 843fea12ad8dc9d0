/** `calibration`: whether a net is right as often as it says, alone and as a mean: over seeds, snapshots, dropout's masks, draws of SWAG. */
import type { Dataset } from '../../../datasets/dataset.ts';
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import type { Panel, Series } from '../../../plots/panel.ts';
import { report, type ConfidenceBin } from '../../evaluate/report.ts';
import { predictive, Swag } from '../../run/swag.ts';
import { experiment, tasksInTurn, trainingImages, type Lab, type Task } from '../experiment.ts';
import { logOf, softmaxRows } from '../probabilities.ts';
import { meanOf, trained } from '../training/members.ts';
import { seedsOf } from '../training/over-seeds.ts';
import { trainTo, withTrainer, type Given } from '../with-trainer.ts';
import { mcDropout } from './mc-dropout.ts';
import { epochInto } from './swag.ts';

const HIDDEN = 'hidden=256-128';
const DROPOUT = 0.3;
/** Bins of confidence that hold fewer images are not drawn: their accuracy says nothing. */
const LEAST = 20;

/** Probabilities [n, classes] of the test images by one way. */
interface Answers {
  readonly way: string;
  readonly p: Float32Array;
}

export const calibration = experiment({
  about: 'Reliability, ECE, NLL and Brier score of one net, ensembles, snapshots, dropout at test time, SWAG.',
  source: 'Guo et al. 2017; Lakshminarayanan et al. 2017; Gal & Ghahramani 2016; Maddox et al. 2019',
  options: {
    images: trainingImages(3000, 64),
    epochs: number(20, 'passes of each net', { ...COUNT, min: 4 }),
    members: number(5, 'nets, and snapshots of one', { ...COUNT, min: 2 }),
    draws: number(20, "of dropout's masks and of SWAG's weights", { ...COUNT, min: 2 }),
  },
  async run(lab, { images, epochs, members, draws }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 2000 });
    const answers = (await tasksInTurn(lab, tasksOf(lab, dataset, { epochs, members, draws }))).flat();
    const measured = waysOf(answers, draws).map(({ way, p }) => ({ way, ...measuresOf(p, dataset) }));
    const drawn = measured.filter(({ way }) => !ALONE.includes(way));
    const bars = (title: string, label: string, of: (m: Measures) => number): Panel => ({
      kind: 'bar',
      title,
      y: { label, min: 0, max: roomFor(measured.map(of)) },
      categories: measured.map(({ way }) => way),
      series: [{ name: label, values: measured.map(of) }],
    });
    return {
      title: `Calibration: mlp 256-128 on ${counted(images, 'image')} of ${dataset.name}`,
      rows: measured.map(({ way, accuracy, ece, nll, brier }) => ({ way, 'test accuracy': accuracy, ECE: ece, NLL: nll, Brier: brier })),
      shares: ['test accuracy', 'ECE'],
      panels: [
        {
          kind: 'line',
          title: 'Reliability',
          x: { label: 'confidence', percent: true, min: 0, max: 1 },
          y: { label: 'accuracy', percent: true, min: 0, max: 1 },
          series: [DIAGONAL, ...drawn.map(({ way, bins }) => reliability(way, bins))],
        },
        bars('Expected calibration error, 15 bins', 'ECE', m => m.ece),
        bars('Negative log likelihood', 'nats', m => m.nll),
        bars('Brier score', 'sum of squares', m => m.brier),
      ],
      layout: { width: 420, height: 300 },
      values: measured,
    };
  },
});

const [NET, SNAPSHOT, MASKS_OFF, MASKS, SWAG] = ['net', 'snapshot', 'masks off', 'masks', 'swag'] as const;
/** Ways that have a mean of their own kind beside them; not drawn among the reliabilities, except one net. */
const ALONE: readonly string[] = ['last snapshot', 'dropout, masks off'];
const DIAGONAL: Series = {
  name: 'as confident as right',
  muted: true,
  points: [
    [0, 0],
    [1, 1],
  ],
};

interface Asked {
  readonly epochs: number;
  readonly members: number;
  readonly draws: number;
}

/** What trains the nets of all ways and asks them. */
function tasksOf(lab: Lab, dataset: Dataset, { epochs, members, draws }: Asked): Task<Answers[]>[] {
  const model = `mlp:${HIDDEN}`;
  const given = (seed: number): Given => ({ epochs: String(epochs), seed: String(seed) });
  const [first, ...others] = seedsOf(lab, members).map(given);
  const whole = String(members * Math.ceil(epochs / members)); // each cycle has as many epochs
  const cycles = { ...first!, epochs: whole, optimizer: 'momentum', lr: '0.1', snapshots: String(members) };
  const asked = async (way: string, of: Given, times?: number): Promise<Answers[]> =>
    (await trained(lab, model, of, dataset, times)).predictions.map(p => ({ way, p }));
  return [
    { name: 'one net, SWAG', work: () => byDraws(lab, dataset, first!, epochs, draws) },
    ...others.map((other, k) => ({ name: `net ${k + 2}`, work: () => asked(NET, other) })),
    { name: 'snapshots', work: () => asked(SNAPSHOT, cycles, members) },
    { name: 'dropout', work: () => byMasks(lab, dataset, first!, draws) },
  ];
}

/** The answers that are compared: of single nets, and the means of several; those of which there is nothing yet are left out. */
function waysOf(answers: readonly Answers[], draws: number): Answers[] {
  const by = (way: string) => answers.filter(a => a.way === way).map(({ p }) => p);
  const mean = (way: string, predictions: readonly Float32Array[]) => (predictions.length ? [{ way, p: meanOf(predictions) }] : []);
  const [nets, snapshots] = [by(NET), by(SNAPSHOT)];
  return [
    ...mean('one net', nets.slice(0, 1)),
    ...mean(`mean of ${counted(nets.length, 'net')}`, nets),
    ...mean('last snapshot', snapshots.slice(-1)),
    ...mean(`mean of ${counted(snapshots.length, 'snapshot')}`, snapshots),
    ...mean('dropout, masks off', by(MASKS_OFF)),
    ...mean(`dropout, ${draws} masks`, by(MASKS)),
    ...mean(`SWAG, ${draws} draws`, by(SWAG)),
  ];
}

/** One net by its last weights, and by draws around the mean of those of its second half. */
const byDraws = (lab: Lab, dataset: Dataset, given: Given, epochs: number, samples: number): Promise<Answers[]> =>
  withTrainer(lab, `mlp:${HIDDEN}`, given, dataset, async trainer => {
    const swag = new Swag();
    for (let epoch = 1; epoch <= epochs; epoch++) await epochInto(swag, lab, trainer, epoch, epochs);
    const own = softmaxRows(await trainer.logits('test'), dataset.classes.length);
    const { mean } = await predictive(trainer, swag, 'test', { samples, seed: lab.seed });
    return [
      { way: NET, p: own },
      { way: SWAG, p: mean },
    ];
  });

/** One net that learns with dropout, without masks and as the mean over them. */
const byMasks = (lab: Lab, dataset: Dataset, given: Given, draws: number): Promise<Answers[]> =>
  withTrainer(lab, `mlp:${HIDDEN},dropout=${DROPOUT}`, given, dataset, async (trainer, total) => {
    await trainTo(lab, trainer, total);
    const off = softmaxRows(await trainer.logits('test'), dataset.classes.length);
    return [{ way: MASKS_OFF, p: off }, ...(await mcDropout(trainer, draws, lab.seed)).map(p => ({ way: MASKS, p }))];
  });

interface Measures {
  readonly accuracy: number;
  readonly ece: number;
  readonly nll: number;
  readonly brier: number;
  readonly bins: readonly ConfidenceBin[];
}

/** An end of an axis that leaves room for numbers behind the longest bar. */
const roomFor = (values: readonly number[]): number => Number((1.2 * Math.max(...values)).toPrecision(1));

/** How good the probabilities of the test images are. */
function measuresOf(p: Float32Array, { test, classes }: Dataset): Measures {
  const { accuracy, calibrationError, loss, calibration } = report(Float64Array.from(p, logOf), test.labels, classes);
  return { accuracy, ece: calibrationError, nll: loss, brier: brier(p, test.labels, classes.length), bins: calibration };
}

/** Brier's score (1950): the squared distance of the probabilities [n, classes] from those of who knows, a mean over images; 0 to 2. */
export function brier(p: ArrayLike<number>, labels: ArrayLike<number>, classes: number): number {
  let sum = 0;
  for (let i = 0; i < p.length; i++) sum += (p[i]! - Number(labels[Math.floor(i / classes)] === i % classes)) ** 2;
  return sum / labels.length;
}

const reliability = (name: string, bins: readonly ConfidenceBin[]): Series => ({
  name,
  dots: true,
  points: bins.filter(({ images }) => images >= LEAST).map(({ confidence, accuracy }) => [confidence, accuracy] as const),
});
