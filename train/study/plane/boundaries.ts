/** `boundaries`: what nets of as many units in one to five layers make of few and of many points of two classes. */
import type { Dataset, Split } from '../../../datasets/dataset.ts';
import { PLANE_CLASSES, PLANE_RANGE, PLANE_SETS } from '../../../datasets/plane-sets.ts';
import { plane, planeByte, planeValue } from '../../../datasets/plane.ts';
import { counted } from '../../../engine/counted.ts';
import { check } from '../../../engine/check.ts';
import { choice, number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { contour } from '../../../plots/contour.ts';
import type { Panel } from '../../../plots/panel.ts';
import { distinct, experiment, inTurn, NOISE, type Lab } from '../experiment.ts';
import { score, softmaxRows } from '../probabilities.ts';
import { trainTo, withTrainer } from '../with-trainer.ts';

const BATCH = 100;
/** Squares of a side between the places at which nets are asked, points to test on, and of those to train on that are drawn. */
const [SQUARES, TESTED, DRAWN] = [48, 2000, 160];
const SPAN = [-PLANE_RANGE, PLANE_RANGE] as const;

export const boundaries = experiment({
  about: 'Decision boundaries by depth, with as many units whatever the depth, of few and of many points.',
  source: 'lecture on depth',
  options: {
    set: choice('spiral', PLANE_SETS, 'what the points are drawn from'),
    noise: number(0.35, 'standard deviation of the noise in each coordinate', NOISE),
    units: number(660, 'hidden units in all, shared out among the layers', { ...COUNT, max: 10_000 }),
    points: distinct([1000, 10_000], 'points to train on', { min: BATCH, max: 100_000 }),
    depths: distinct([1, 2, 3, 4, 5], 'hidden layers of each net', { max: 20 }),
    steps: number(600, `updates of each net, by batches of ${BATCH} points`, COUNT),
  },
  async run(lab, { set, noise, units, points, depths, steps }) {
    const deepest = Math.max(...depths);
    check(
      units >= deepest,
      `boundaries: ${counted(units, 'unit')} ${units === 1 ? 'is' : 'are'} too few for ${deepest} layers`,
      'give one for each at least',
    );
    const from = { seed: lab.seed, noise };
    const test = followed(plane(set, TESTED, Math.max(...points), from), places());
    const facts = { ...(await lab.dataset(set)), test };
    const found = await inTurn(
      lab,
      points.flatMap(n => depths.map(depth => ({ n, depth }))),
      ({ n, depth }) => `${counted(n, 'point')}, depth ${depth}`,
      async ({ n, depth }) => {
        const train = plane(set, n, 0, from);
        return { n, depth, ...(await netOf(lab, { ...facts, train }, Math.floor(units / depth), depth, steps)), train };
      },
    );
    return {
      title: `${set} with noise ${noise}: ${counted(units, 'unit')} in all, ${counted(steps, 'step')} of Adam`,
      rows: found.map(({ n, depth, parameters, training, accuracy }) => ({
        points: n,
        'hidden layers': depth,
        parameters,
        'training accuracy': training,
        'test accuracy': accuracy,
      })),
      shares: ['training accuracy', 'test accuracy'],
      panels: found.map(({ n, depth, blue, accuracy, train }): Panel => {
        const title = `${counted(n, 'point')}, depth ${depth}: ${(100 * accuracy).toFixed(1)} %`;
        return { kind: 'line', title, ...AXES, ground: groundOf(blue), series: [boundaryOf(blue), ...pointsOf(train)] };
      }),
      layout: { columns: depths.length, width: 210, height: 210 },
      values: found.map(({ train: _, ...net }) => net),
    };
  },
});

/** Trains a net, and says how well it does and how probable blue is to it at each of the places, which follow the test points. */
function netOf(lab: Lab, dataset: Dataset, width: number, depth: number, steps: number) {
  const given = {
    optimizer: 'adam',
    lr: '0.005',
    schedule: 'cosine',
    batchSize: String(BATCH),
    steps: String(steps),
    seed: String(lab.seed),
    epochs: String(Math.ceil((steps * BATCH) / dataset.train.n)),
  };
  return withTrainer(lab, `mlp:hidden=${Array(depth).fill(width).join('-')}`, given, dataset, async (trainer, total) => {
    await trainTo(lab, trainer, Math.min(steps, total));
    const { accuracy: training } = await trainer.evaluate('train');
    const p = softmaxRows(await trainer.logits('test'), 2);
    const { accuracy } = score(p.subarray(0, 2 * TESTED), dataset.test.labels.subarray(0, TESTED), 2);
    const blue = Array.from({ length: (SQUARES + 1) ** 2 }, (_, i) => p[2 * (TESTED + i) + 1]!);
    const parameters = [...trainer.graph.params.values()].reduce((sum, { value }) => sum + value.size, 0);
    return { parameters, training: training!, accuracy, blue };
  });
}

const AXES = { x: { label: 'x', min: SPAN[0], max: SPAN[1] }, y: { label: 'y', min: SPAN[0], max: SPAN[1] } };

/** The places of a grid as points, row by row from below. */
function places(): Split {
  const n = (SQUARES + 1) ** 2;
  const at = (i: number) => planeByte(SPAN[0] + ((SPAN[1] - SPAN[0]) * i) / SQUARES);
  const images = Uint8Array.from({ length: 2 * n }, (_, i) => {
    const place = i >> 1;
    return at(i % 2 ? Math.floor(place / (SQUARES + 1)) : place % (SQUARES + 1));
  });
  return { images, labels: new Uint16Array(n), n };
}

/** Points of two splits one after another. */
const followed = (a: Split, b: Split): Split => ({
  images: Uint8Array.from([...(a.images as Uint8Array), ...(b.images as Uint8Array)]),
  labels: Uint16Array.from([...a.labels, ...b.labels]),
  n: a.n + b.n,
});

const groundOf = (values: readonly number[]) => ({
  columns: SQUARES + 1,
  rows: SQUARES + 1,
  values,
  colours: 'signed' as const,
  range: [-0.75, 1.75] as const, // pale, so that points stand out,
});

/** Where both classes are as likely. */
const boundaryOf = (blue: readonly number[]) => {
  const index = (v: number) => Math.round(((v - SPAN[0]) / (SPAN[1] - SPAN[0])) * SQUARES);
  const f = (x: number, y: number) => blue[index(y) * (SQUARES + 1) + index(x)]!;
  return { name: 'boundary', muted: true, points: contour(f, { x: SPAN, y: SPAN, level: 0.5, n: SQUARES }) };
};

const pointsOf = ({ images, labels }: Split) => {
  return (['blue', 'orange'] as const).map(name => ({
    name,
    dots: true,
    points: Array.from(labels.subarray(0, DRAWN)).flatMap((own, i) => {
      const [x, y] = [images[2 * i]!, images[2 * i + 1]!].map(planeValue) as [number, number];
      return PLANE_CLASSES[own] === name ? [[x, y] as const, [x, NaN] as const] : [];
    }),
  }));
};
