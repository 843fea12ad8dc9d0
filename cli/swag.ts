/** What a run with --swag says at its end: the predictive distribution on the test images, and intervals of some of them as a picture. */
import { draw, type Series } from '../plots/chart.ts';
import type { RunConfig } from '../train/config.ts';
import type { RunFolder } from '../train/node/run-folder.ts';
import { score } from '../train/probabilities.ts';
import { predictive, type Swag } from '../train/swag.ts';
import type { Session } from './session.ts';

const SAMPLES = 20;
const SHOWN = 24;

/**
 * Loss and accuracy of the mean over draws; swag.svg shows the probability of the predicted class of the first test images with its 90 %
 * interval.
 */
export async function reportSwag(
  run: RunFolder,
  config: RunConfig,
  { trainer, data }: Session,
  swag: Swag,
): Promise<{ loss: number; accuracy: number; samples: number }> {
  const { mean, low, high } = await predictive(trainer, swag, 'test', { samples: SAMPLES, seed: config.seed });
  const classes = trainer.classes;
  const labels = data.labels('test');
  const shown = Array.from({ length: Math.min(SHOWN, labels.length) }, (_, i) => {
    const row = mean.subarray(i * classes, (i + 1) * classes);
    const guess = row.indexOf(Math.max(...row));
    const at = i * classes + guess;
    return { i: i + 1, right: guess === labels[i], mean: mean[at]!, low: low[at]!, high: high[at]! };
  });
  // images are no course: no line joins them
  const points = (right: boolean): Series => ({
    name: right ? 'right' : 'wrong',
    points: shown
      .filter(s => s.right === right)
      .flatMap(
        s =>
          [
            [s.i, s.mean],
            [s.i + 0.5, NaN],
          ] as const,
      ),
  });
  const bars = shown.map((s): Series => ({
    name: `interval ${s.i}`,
    muted: true,
    points: [
      [s.i, s.low],
      [s.i, s.high],
    ],
  }));
  run.write(
    'swag.svg',
    draw(
      [
        {
          kind: 'line',
          title: 'Probability of the predicted class, with the central 90 % of the draws',
          x: { label: 'test image', min: 0, max: shown.length + 1 },
          y: { label: 'probability', min: 0, max: 1, percent: true },
          series: [
            ...bars,
            ...[true, false].map(r => ({ ...points(r), dots: true, dashed: !r })).filter(s => s.points.length),
          ],
        },
      ],
      { title: `SWAG: ${config.model} on ${config.dataset}, ${SAMPLES} draws`, width: 720, height: 320 },
    ),
  );
  return { ...score(mean, labels, classes), samples: SAMPLES };
}
