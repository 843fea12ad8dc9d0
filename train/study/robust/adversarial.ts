/** `adversarial`: what attacks leave of the accuracy of a net trained as usual and of one trained on attacked images. */
import type { Dataset } from '../../../datasets/dataset.ts';
import { counted } from '../../../engine/counted.ts';
import { choice, fraction, number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { lenet5 } from '../../../models/lenet.ts';
import type { Panel } from '../../../plots/panel.ts';
import { experiment, imageCount, tasksInTurn, trainingImages, type Lab } from '../experiment.ts';
import { accuracyOf } from './attacks.ts';
import { attackOf, type Attack } from './by-name.ts';
import { plateSheet, type Plate } from '../plate-sheet.ts';
import { EPSILON, train, trainable } from './train.ts';
import { attacked, moved, natural } from './under-attack.ts';
import { imagesOfSplit, victimOf, type Images, type Victim } from './victim.ts';

const BATCH = 50;
const RATE = 0.002;
/** Strengths of the attacks in shares of the one that the net is trained against. */
const STRENGTHS = [0.25, 0.5, 1, 1.5, 2];
/** Images that are drawn. */
const DRAWN = 5;

/** The attacks that are compared, by their names in the table. */
const ATTACKS = { FGSM: 'fgsm', 'iterated FGSM': 'ifgsm', PGD: 'pgd', 'C&W margin': 'margin' } as const;
/** The column of the least distance under L2 that the attack of Carlini & Wagner finds. */
const DISTANCE = 'C&W L2 distance';

export const adversarial = experiment({
  about: 'FGSM, iterated FGSM, PGD and the margin of Carlini & Wagner against a net trained as usual and one trained on attacked images.',
  source: 'Goodfellow et al. 2015; Kurakin et al. 2017; Carlini & Wagner 2017; Madry et al. 2018; Shafahi et al. 2019',
  options: {
    epsilon: fraction(0.1, '8/255', 'by how much training moves each pixel (0 to 1)', EPSILON),
    way: choice('pgd', ['pgd', 'free'], 'adversarial training: attacked anew, or with the gradients of replayed batches'),
    train_steps: number(3, 'gradients of an attack while training, or replays', COUNT),
    steps: number(10, 'gradients of an iterated attack', COUNT),
    restarts: number(2, 'starts of PGD', COUNT),
    images: trainingImages(2000, BATCH),
    test: number(100, 'attacked test images', imageCount('fashion-mnist', BATCH, 'test')),
    epochs: number(6, 'passes', COUNT),
  },
  async run(lab, { images, test, ...asked }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: test });
    const [, height, width] = dataset.shape;
    const { points, distances, pictures } = await measured(lab, dataset, asked);
    const nets = NETS.filter(net => points.some(p => p.net === net));
    const strengths = [...new Set(points.map(p => p.epsilon))];
    return {
      title: `Attacks on lenet5 of ${counted(images, 'image')} of Fashion-MNIST (${height} x ${width}), ${dataset.test.n} test images`,
      rows: nets.flatMap(net => strengths.map(e => rowOf(net, e, points, distances))),
      shares: Object.keys(ATTACKS),
      panels: nets.map(net =>
        netPanel(
          net,
          points.filter(p => p.net === net),
          asked,
        ),
      ),
      pictures,
      values: { points, distances },
    };
  },
});

/** What the nets are called, by how they are trained. */
const NETS = ['usual', 'adversarial'] as const;
type Name = (typeof NETS)[number];

interface Asked {
  readonly epsilon: number;
  readonly way: 'pgd' | 'free';
  readonly train_steps: number;
  readonly steps: number;
  readonly restarts: number;
  readonly epochs: number;
}

/** What an attack of some strength, 0 for none, leaves of a net's accuracy. */
interface Point {
  readonly net: Name;
  readonly attack: string;
  readonly epsilon: number;
  readonly accuracy: number;
}

type Distances = Partial<Record<Name, number | undefined>>;

interface Measured {
  readonly points: readonly Point[];
  /** By net, of the nearest mistakes. */
  readonly distances: Distances;
  readonly pictures: Readonly<Record<string, string>>;
}

/** Trains each net, attacks it with each strength, and draws what the attacks of the one that it may be trained against find. */
async function measured(lab: Lab, dataset: Dataset, asked: Asked): Promise<Measured> {
  const tested = imagesOfSplit(dataset, dataset.test);
  const around = { seed: lab.seed };
  const points: Point[] = [];
  const distances: Distances = {};
  const pictures: Record<string, string> = {};
  let victim: Victim | undefined;
  const begin = async (net: Name) => {
    victim?.destroy();
    victim = await trained(lab, dataset, net, asked);
    const accuracy = await natural(victim, tested);
    for (const attack of Object.keys(ATTACKS)) points.push({ net, attack, epsilon: 0, accuracy });
    distances[net] = (await attacked(victim, tested, attackOf('cw', { steps: 30, search: 4 }), around)).l2;
  };
  const strike = async (net: Name, strength: number) => {
    const epsilon = strength * asked.epsilon;
    const found: Record<string, Float32Array> = {};
    for (const [attack, by] of Object.entries(ATTACKS)) {
      found[attack] = await moved(victim!, tested, attackBy(by, epsilon, asked), around);
      points.push({ net, attack, epsilon: rounded(epsilon), accuracy: accuracyOf(await victim!.logits(found[attack]), tested.labels) });
    }
    if (strength === 1) pictures[net] = await picture(victim!, net, { dataset, tested, found, epsilon });
  };
  await tasksInTurn(
    lab,
    NETS.flatMap(net => [
      { name: `training the ${net} net`, work: () => begin(net) },
      ...STRENGTHS.map(strength => ({
        name: `${net} net, epsilon ${rounded(strength * asked.epsilon)}`,
        work: () => strike(net, strength),
      })),
    ]),
  );
  victim?.destroy();
  return { points, distances, pictures };
}

async function trained(lab: Lab, dataset: Dataset, name: Name, { epsilon, way, train_steps: steps, epochs }: Asked): Promise<Victim> {
  const { shape, classes } = dataset;
  const { seed } = lab;
  const device = await lab.device();
  const model = lenet5({ shape, classes: classes.length });
  const net = await trainable(device, model, shape, BATCH, seed);
  await train(net, BATCH, imagesOfSplit(dataset, dataset.train), {
    epochs,
    lr: RATE,
    seed,
    stopped: () => lab.stopped,
    ...(name === 'adversarial' && { attack: { way, epsilon, steps } }),
  });
  const victim = victimOf(device, model, await net.weights(), { shape, batch: BATCH, seed });
  net.destroy();
  return victim;
}

/** An attack with the options that its kind takes. */
const attackBy = (name: string, epsilon: number, { steps, restarts }: Asked): Attack =>
  attackOf(name, { epsilon, ...(name !== 'fgsm' && { steps }), ...(name !== 'fgsm' && name !== 'ifgsm' && { restarts }) });

function rowOf(net: Name, epsilon: number, points: readonly Point[], distances: Distances) {
  const accuracyBy = (attack: string) => points.find(p => p.net === net && p.attack === attack && p.epsilon === epsilon)?.accuracy;
  return {
    net,
    epsilon,
    ...Object.fromEntries(Object.keys(ATTACKS).map(attack => [attack, accuracyBy(attack)])),
    [DISTANCE]: epsilon === 0 ? distances[net] : undefined,
  };
}

/** The accuracy that each attack leaves of one net, by its strength. */
function netPanel(net: Name, points: readonly Point[], { way, train_steps, epsilon }: Asked): Panel {
  const against = `${way === 'pgd' ? `PGD-${train_steps}` : 'free perturbations'} of ${epsilon}`;
  return {
    kind: 'line',
    title: net === 'usual' ? 'Trained as usual' : `Trained against ${against}`,
    x: { label: 'epsilon', min: 0 },
    y: { label: 'accuracy', percent: true, min: 0, max: 1 },
    series: Object.keys(ATTACKS).map(attack => ({
      name: attack,
      dots: true,
      points: points.filter(p => p.attack === attack).map(p => [p.epsilon, p.accuracy] as const),
    })),
  };
}

const rounded = (v: number): number => Number(v.toPrecision(6));

interface Pictured {
  readonly dataset: Dataset;
  readonly tested: Images;
  readonly found: Readonly<Record<string, Float32Array>>;
  readonly epsilon: number;
}

/** The first images of some classes that the net knows, what each attack adds to them, grey being nothing, and what the net takes them for then. */
async function picture(victim: Victim, name: string, { dataset, tested, found, epsilon }: Pictured): Promise<string> {
  const { x, labels } = tested;
  const size = x.length / labels.length;
  const all = { original: x, ...found };
  const answers: Record<string, ArrayLike<number>> = {};
  for (const [key, values] of Object.entries(all)) answers[key] = answersOf(await victim.logits(values), labels.length);
  const known = [...labels.keys()].filter(i => answers.original![i] === labels[i]);
  const ofEach = known.filter((i, k) => known.findIndex(j => labels[j] === labels[i]) === k);
  const of = (values: Float32Array, i: number) => values.subarray(i * size, (i + 1) * size);
  const rows = ofEach.slice(0, DRAWN).map((i): Plate[] =>
    Object.entries(all).flatMap(([key, values]) => {
      const image = { values: of(values, i), words: dataset.classes[answers[key]![i]!]! };
      if (key === 'original') return [image];
      return [image, { values: of(values, i).map((v, at) => 0.5 + (v - of(x, i)[at]!) / (2 * epsilon)), words: '' }];
    }),
  );
  const heads = Object.keys(all).flatMap(key => (key === 'original' ? [key] : [key, 'what it adds']));
  return plateSheet(`The ${name} net at epsilon ${epsilon}: what it takes them for`, rows, heads, dataset.shape[2]);
}

/** The class of the largest logit in each of `n` rows. */
function answersOf(logits: Float32Array, n: number): Uint32Array {
  const classes = logits.length / n;
  return Uint32Array.from({ length: n }, (_, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
}
