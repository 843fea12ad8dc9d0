/** Pictures of a report: who was taken for whom, and whether confidence is deserved. */
import type { Report } from '../evaluate/report.ts';
import { draw } from '../../plots/chart.ts';

/** Confusion matrix and reliability diagram (Niculescu-Mizil & Caruana 2005) as SVG. */
export function reportPicture({ classes, confusion, calibration, calibrationError, images }: Report, title?: string): string {
  const filled = calibration.filter(bin => bin.images);
  return draw(
    [
      {
        kind: 'matrix',
        title: 'Confusions: rows are labels',
        x: { label: 'answer' },
        y: { label: 'label' },
        categories: classes.map(({ name }, i) => `${name} ${i}`),
        counts: confusion,
      },
      {
        kind: 'line',
        title: `Reliability: calibration error ${(100 * calibrationError).toFixed(1)}%`,
        x: { label: 'confidence', percent: true, min: 0, max: 1 },
        y: { label: 'by confidence', percent: true, min: 0, max: 1 },
        series: [
          {
            name: 'ideal',
            muted: true,
            points: [
              [0, 0],
              [1, 1],
            ],
          },
          { name: 'accuracy', dots: true, points: filled.map(bin => [bin.confidence, bin.accuracy]) },
          { name: 'share of images', dots: true, dashed: true, points: filled.map(bin => [bin.confidence, bin.images / images]) },
        ],
      },
    ],
    { title, width: 460, height: 460 },
  );
}
