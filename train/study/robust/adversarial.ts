/** `adversarial`: what attacks leave of the accuracy of a net trained as usual and of one trained on attacked images. */
import { first, type Dataset, type Split } from '../../../datasets/dataset.ts';
import { choice, number } from '../../../engine/parameter.ts';
import { COUNT, POSITIVE } from '../../../engine/range.ts';
import { lenet5 } from '../../../models/lenet.ts';
import { STREAMS, uniforms } from '../../../shaders/kernel/random.ts';
import type { Net } from '../../net/net.ts';
import { experiment, inTurn } from '../experiment.ts';
import { accuracyOf, fgsm, iterated, pgd, type Iterations } from './attacks.ts';
import { attackable, chosen, oracleOf, train, type Images, type Training } from './nets.ts';
import { perturbationSheet, type Plate } from './perturbation-sheet.ts';

const BATCH = 50;
const RATE = 0.002;
/** Strengths of the attacks in shares of the one that the net is trained against. */
const STRENGTHS = [0.25, 0.5, 1, 1.5, 2];
/** Images that are drawn. */
const DRAWN = 5;

type Nets = Record<'net' | 'byMargin', Net>;
type Attack = (
  nets: Nets,
  images: Images,
  ball: Iterations & { readonly restarts: number; readonly seed: number },
) => Promise<Float32Array>;

const ATTACKS: Readonly<Record<string, Attack>> = {
  FGSM: ({ net }, { x, labels }, ball) => fgsm(oracleOf(net), x, labels, ball),
  'iterated FGSM': ({ net }, { x, labels }, ball) => iterated(oracleOf(net), x, labels, ball),
  PGD: ({ net }, { x, labels }, { seed, ...ball }) => pgd(oracleOf(net), x, labels, { ...ball, draw: uniforms(seed, STREAMS.sample, 1) }),
  'C&W margin': ({ byMargin }, { x, labels }, { seed, ...ball }) =>
    pgd(oracleOf(byMargin), x, labels, { ...ball, draw: uniforms(seed, STREAMS.sample, 1) }),
};

export const adversarial = experiment({
  about: 'FGSM, iterated FGSM, PGD and the margin of Carlini & Wagner against a net trained as usual and one trained on attacked images.',
  source: 'Goodfellow et al. 2015; Kurakin et al. 2017; Carlini & Wagner 2017; Madry et al. 2018; Shafahi et al. 2019',
  options: {
    epsilon: number(0.1, 'by how much training moves each pixel (0 to 1)', POSITIVE),
    way: choice('pgd', ['pgd', 'free'], 'adversarial training: attacked anew, or with the gradients of replayed batches'),
    train_steps: number(3, 'gradients of an attack while training, or replays', COUNT),
    steps: number(10, 'gradients of an iterated attack', COUNT),
    restarts: number(2, 'starts of PGD', COUNT),
    images: number(2000, 'training images of Fashion-MNIST', { ...COUNT, min: BATCH }),
    test: number(100, 'attacked test images, in whole batches of 50', { ...COUNT, min: BATCH }),
    epochs: number(6, 'passes', COUNT),
  },
  async run(lab, { epsilon, way, train_steps, steps, restarts, images, test, epochs }) {
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: test });
    const device = await lab.device();
    const [training, attacked] = [imagesFrom(dataset, dataset.train), imagesFrom(dataset, dataset.test)];
    const [, height, width] = dataset.shape;
    const stopped = () => lab.stopped;
    const usual: Training = { epochs, lr: RATE, seed: lab.seed, stopped };
    const trainings: Record<string, Training> = {
      usual,
      adversarial: { ...usual, attack: { way, epsilon, steps: train_steps } },
    };
    const ball = { steps, restarts, seed: lab.seed };
    const model = lenet5({ shape: dataset.shape, classes: dataset.classes.length });
    const points: { net: string; attack: string; epsilon: number; accuracy: number }[] = [];
    const pictures: Record<string, string> = {};
    // parts of the work for each net: its training, each strength, and the picture
    const parts = Object.keys(trainings).flatMap(name => [{ name, strength: 0 }, ...STRENGTHS.map(strength => ({ name, strength }))]);
    let nets: Nets | undefined;
    await inTurn(
      lab,
      parts,
      ({ name, strength }) => (strength ? `${name} net, epsilon ${rounded(strength * epsilon)}` : `training the ${name} net`),
      async ({ name, strength }) => {
        if (strength === 0) {
          destroy(nets);
          nets = await attackable(device, model, dataset.shape, BATCH, lab.seed);
          await train(nets.net, BATCH, training, trainings[name]!);
          await nets.byMargin.load(await nets.net.weights());
          const accuracy = accuracyOf(await nets.net.forward(attacked.x), attacked.labels);
          for (const attack of Object.keys(ATTACKS)) points.push({ net: name, attack, epsilon: 0, accuracy });
          return;
        }
        const found: Record<string, Float32Array> = {};
        for (const [attack, move] of Object.entries(ATTACKS)) {
          const moved = await inBatches(attacked, batch => move(nets!, batch, { ...ball, epsilon: strength * epsilon }));
          found[attack] = moved;
          const accuracy = accuracyOf(await nets!.net.forward(moved), attacked.labels);
          points.push({ net: name, attack, epsilon: rounded(strength * epsilon), accuracy });
        }
        if (strength === 1) pictures[name] = await picture(nets!.net, name, { dataset, attacked, found, epsilon, width });
      },
    );
    destroy(nets);
    const names = Object.keys(trainings).filter(name => points.some(p => p.net === name));
    const epsilons = [...new Set(points.map(p => p.epsilon))];
    const accuracyAt = (net: string, attack: string, e: number) =>
      points.find(p => p.net === net && p.attack === attack && p.epsilon === e)?.accuracy;
    return {
      title: `Attacks on lenet5 of ${images.toLocaleString('en-US')} images of Fashion-MNIST (${height} x ${width}), ${attacked.labels.length} test images`,
      rows: names.flatMap(net =>
        epsilons.map(e => ({
          net,
          epsilon: e,
          ...Object.fromEntries(Object.keys(ATTACKS).map(attack => [attack, accuracyAt(net, attack, e)])),
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
      values: points,
    };
  },
});

const rounded = (v: number): number => Number(v.toPrecision(6));

const destroy = (nets: Nets | undefined): void => {
  for (const net of Object.values(nets ?? {})) net.destroy();
};

/** A split as values from 0 to 1, without what is left of the last batch. */
function imagesFrom({ dtype }: Dataset, split: Split): Images {
  const { images, labels } = first(split, split.n - (split.n % BATCH));
  const scale = dtype === 'float32' ? 1 : 255;
  return { x: Float32Array.from(images, v => v / scale), labels: Uint32Array.from(labels) };
}

/** What `move` makes of all images, batch after batch. */
async function inBatches(images: Images, move: (batch: Images) => Promise<Float32Array>): Promise<Float32Array> {
  const out = new Float32Array(images.x.length);
  const width = images.x.length / images.labels.length;
  for (let from = 0; from < images.labels.length; from += BATCH) {
    const batch = chosen(
      images,
      Uint32Array.from({ length: BATCH }, (_, i) => from + i),
    );
    out.set(await move(batch), from * width);
  }
  return out;
}

interface Pictured {
  readonly dataset: Dataset;
  readonly attacked: Images;
  readonly found: Readonly<Record<string, Float32Array>>;
  readonly epsilon: number;
  readonly width: number;
}

/** The first images of some classes that the net knows, what each attack adds to them, grey being nothing, and what the net takes them for then. */
async function picture(net: Net, name: string, { dataset, attacked, found, epsilon, width }: Pictured): Promise<string> {
  const { x, labels } = attacked;
  const size = x.length / labels.length;
  const all = { original: x, ...found };
  const answers: Record<string, ArrayLike<number>> = {};
  for (const [key, values] of Object.entries(all)) answers[key] = answersOf(await net.forward(values), labels.length);
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
  return perturbationSheet(`The ${name} net at epsilon ${epsilon}: what it takes them for`, rows, heads, width);
}

/** The class of the largest logit in each of `n` rows. */
function answersOf(logits: Float32Array, n: number): Uint32Array {
  const classes = logits.length / n;
  return Uint32Array.from({ length: n }, (_, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
}
