/** `batches`: one image, a few, or all for each update: loss by updates and by images seen, bands over seeds. */
import type { Dataset } from '../../../datasets/dataset.ts';
import { counted } from '../../../engine/counted.ts';
import { check } from '../../../engine/check.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import type { Panel } from '../../../plots/panel.ts';
import { experiment, inTurn, trainingImages, type Lab } from '../experiment.ts';
import { deviationIn, mean, spreadOf } from '../statistics.ts';
import { together, trained } from './members.ts';
import { curveOf, groupsOf, seedsOf } from './over-seeds.ts';

export const batches = experiment({
  about: 'Stochastic, mini-batch and batch descent: loss by updates and by images, bands over seeds.',
  source: 'Robbins & Monro 1951; Bottou 2010',
  options: {
    seeds: number(3, 'runs of each size', COUNT),
    images: trainingImages(512, 64),
    batch: number(32, 'images of a mini-batch', { ...COUNT, min: 2 }),
    updates: number(200, 'updates with all images', { ...COUNT, min: 10 }),
  },
  async run(lab, { seeds, images, batch, updates }) {
    check(batch <= images, `batches: a batch of ${batch} is more than the ${images} images`, `give 2 to ${images}, or more images`);
    const dataset = await lab.dataset('fashion-mnist', { limitTrain: images, limitTest: 1000 });
    const kinds = kindsOf(images, batch, updates);
    const complete = await inTurn(
      lab,
      kinds.flatMap(kind => seedsOf(lab, seeds).map(seed => ({ kind, seed }))),
      ({ kind, seed }) => `${kind.name}, seed ${seed}`,
      ({ kind, seed }) => runOf(lab, kind, seed, dataset),
    );
    const groups = groupsOf(kinds, complete);
    const by = (label: string, each: (size: number) => number): Panel => ({
      kind: 'line',
      title: `Loss by ${label}`,
      x: { label, log: true },
      y: { label: 'cross-entropy', min: 0 },
      series: groups.map(({ name, size, runs }) => curveOf(name, runs, line => line.step * each(size))),
    });
    return {
      title: `Batches: mlp on ${counted(images, 'image')} of Fashion-MNIST, ${counted(seeds, 'seed')}`,
      rows: groups.map(({ name, lr, steps, size, runs }) => {
        const loss = spreadOf(runs.map(run => run.lines.at(-1)!.loss));
        return {
          batch: name,
          rate: Number(lr),
          updates: steps,
          'images seen': steps * size,
          'training loss': loss.mean,
          'its deviation': deviationIn(loss),
          'test accuracy': mean(runs.map(run => run.accuracy)),
          seconds: mean(runs.map(run => run.seconds)),
        };
      }),
      shares: ['test accuracy'],
      panels: [by('updates', () => 1), by('images seen', size => size)],
      values: complete,
    };
  },
});

interface Kind {
  readonly name: string;
  readonly size: number;
  readonly lr: string;
  readonly steps: number;
}

/** Rates as small as one image needs, and as large as the mean over many allows; updates so that each comes to its end. */
const kindsOf = (images: number, batch: number, updates: number): Kind[] => [
  { name: '1 image', size: 1, lr: '0.005', steps: 10 * images },
  { name: counted(batch, 'image'), size: batch, lr: '0.05', steps: Math.max(updates, Math.round((20 * images) / batch)) },
  { name: `all ${images}`, size: images, lr: '0.1', steps: updates },
];

async function runOf(lab: Lab, { name, size, lr, steps }: Kind, seed: number, dataset: Dataset) {
  const given = { optimizer: 'sgd', lr, batchSize: String(size), steps: String(steps), seed: String(seed) };
  const begun = performance.now();
  const run = await trained(lab, 'mlp:hidden=64', given, dataset);
  const seconds = (performance.now() - begun) / 1000;
  return { name, size, steps, seconds, lines: run.lines, ...together(run.predictions, dataset) };
}
