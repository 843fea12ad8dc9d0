/** `adversarial`: what attacks leave of the accuracy of a net trained as usual and of one trained on attacked images. */
import type { Dataset } from '../../../datasets/dataset.ts';
import { choice, fraction, number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { lenet5 } from '../../../models/lenet.ts';
import { experiment, imageCount, inTurn } from '../experiment.ts';
import { accuracyOf } from './attacks.ts';
import { attackOf } from './by-name.ts';
import { plateSheet, type Plate } from '../plate-sheet.ts';
import { EPSILON, train, trainable, type Training } from './train.ts';
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
    images: number(2000, 'training images of Fashion-MNIST', imageCount('fashion-mnist', BATCH)),
    test: number(100, 'attacked test images', imageCount('fashion-mnist', BATCH, 'test')),
    epochs: number(6, 'passes', COUNT),
  },
  async run(lab, { epsilon, way, train_steps, steps, restarts, images, test, epochs }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: test });
    const device = await lab.device();
    const [training, tested] = [imagesOfSplit(dataset, dataset.train), imagesOfSplit(dataset, dataset.test)];
    const [, height, width] = dataset.shape;
    const stopped = () => lab.stopped;
    const usual: Training = { epochs, lr: RATE, seed: lab.seed, stopped };
    const trainings: Record<string, Training> = {
      usual,
      adversarial: { ...usual, attack: { way, epsilon, steps: train_steps } },
    };
    const around = { seed: lab.seed };
    const attackBy = (name: string, epsilon: number) => {
      const given = { epsilon, ...(name !== 'fgsm' && { steps }), ...(name !== 'fgsm' && name !== 'ifgsm' && { restarts }) };
      return attackOf(name, given);
    };
    const distances: Record<string, number | undefined> = {};
    const model = lenet5({ shape: dataset.shape, classes: dataset.classes.length });
    const points: { net: string; attack: string; epsilon: number; accuracy: number }[] = [];
    const pictures: Record<string, string> = {};
    // parts of the work for each net: its training, each strength, and the picture
    const parts = Object.keys(trainings).flatMap(name => [{ name, strength: 0 }, ...STRENGTHS.map(strength => ({ name, strength }))]);
    let victim: Victim | undefined;
    await inTurn(
      lab,
      parts,
      ({ name, strength }) => (strength ? `${name} net, epsilon ${rounded(strength * epsilon)}` : `training the ${name} net`),
      async ({ name, strength }) => {
        if (strength === 0) {
          victim?.destroy();
          const net = await trainable(device, model, dataset.shape, BATCH, lab.seed);
          await train(net, BATCH, training, trainings[name]!);
          victim = victimOf(device, model, await net.weights(), { shape: dataset.shape, batch: BATCH, seed: lab.seed });
          net.destroy();
          const accuracy = await natural(victim, tested);
          for (const attack of Object.keys(ATTACKS)) points.push({ net: name, attack, epsilon: 0, accuracy });
          distances[name] = (await attacked(victim, tested, attackOf('cw', { steps: 30, search: 4 }), around)).l2;
          return;
        }
        const found: Record<string, Float32Array> = {};
        for (const [attack, by] of Object.entries(ATTACKS)) {
          found[attack] = await moved(victim!, tested, attackBy(by, strength * epsilon), around);
          const accuracy = accuracyOf(await victim!.logits(found[attack]), tested.labels);
          points.push({ net: name, attack, epsilon: rounded(strength * epsilon), accuracy });
        }
        if (strength === 1) pictures[name] = await picture(victim!, name, { dataset, tested, found, epsilon, width });
      },
    );
    victim?.destroy();
    const names = Object.keys(trainings).filter(name => points.some(p => p.net === name));
    const epsilons = [...new Set(points.map(p => p.epsilon))];
    const accuracyAt = (net: string, attack: string, e: number) =>
      points.find(p => p.net === net && p.attack === attack && p.epsilon === e)?.accuracy;
    return {
      title: `Attacks on lenet5 of ${images.toLocaleString('en-US')} images of Fashion-MNIST (${height} x ${width}), ${tested.labels.length} test images`,
      rows: names.flatMap(net =>
        epsilons.map(e => ({
          net,
          epsilon: e,
          ...Object.fromEntries(Object.keys(ATTACKS).map(attack => [attack, accuracyAt(net, attack, e)])),
          [DISTANCE]: e === 0 ? distances[net] : undefined,
        })),
      ),
      shares: Object.keys(ATTACKS),
      panels: names.map(net => ({
        kind: 'line' as const,
        title:
          net === 'usual'
            ? 'Trained as usual'
            : `Trained against ${way === 'pgd' ? `PGD-${train_steps}` : 'free perturbations'} of ${epsilon}`,
        x: { label: 'epsilon', min: 0 },
        y: { label: 'accuracy', percent: true, min: 0, max: 1 },
        series: Object.keys(ATTACKS).map(attack => ({
          name: attack,
          dots: true,
          points: points.filter(p => p.net === net && p.attack === attack).map(p => [p.epsilon, p.accuracy] as const),
        })),
      })),
      pictures,
      values: { points, distances },
    };
  },
});

const rounded = (v: number): number => Number(v.toPrecision(6));

interface Pictured {
  readonly dataset: Dataset;
  readonly tested: Images;
  readonly found: Readonly<Record<string, Float32Array>>;
  readonly epsilon: number;
  readonly width: number;
}

/** The first images of some classes that the net knows, what each attack adds to them, grey being nothing, and what the net takes them for then. */
async function picture(victim: Victim, name: string, { dataset, tested, found, epsilon, width }: Pictured): Promise<string> {
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
  return plateSheet(`The ${name} net at epsilon ${epsilon}: what it takes them for`, rows, heads, width);
}

/** The class of the largest logit in each of `n` rows. */
function answersOf(logits: Float32Array, n: number): Uint32Array {
  const classes = logits.length / n;
  return Uint32Array.from({ length: n }, (_, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
}
