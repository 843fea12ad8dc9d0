import type { Lesson } from './lesson.ts';

const t = String.raw;

export const averaging: Lesson = {
  topic: 'averaging',
  title: 'Averaging',
  about: t`The mean of several nets, or of the weights of one, beats the last.`,
  blocks: [
    t`Nets that make different mistakes correct each other: for a convex loss such as cross-entropy the mean prediction is never worse than the mean loss of the members,`,
    { tex: t`\ell\Bigl(\frac1M \sum_m p_m\Bigr) \le \frac1M \sum_m \ell(p_m)` },
    t`**Snapshots** get the members from one run: the rate falls to 0 and jumps up again, and each fall ends in another minimum. **Stochastic weight averaging** takes the mean of the weights themselves, along a run at a high rate; it lies in the middle of a flat valley around which the run circles, and costs one net at inference.`,
    {
      title: 'Snapshots of one run',
      experiment: 'snapshots:cycles=3,images=2000',
      controls: [
        { option: 'cycles', label: 'Falls', values: [2, 3, 5] },
        { option: 'images', label: 'Images', values: [1000, 2000, 6000] },
      ],
      look: t`Falls of the rate, the nets at their ends, their mean, and one long fall of the same length.`,
    },
  ],
  question: t`When would the mean of snapshots be worse than one long fall?`,
  answer: t`When each fall is too short to arrive: then every member is worse, and averaging mends only what they disagree in. Try five falls on few images.`,
  train: {
    what: 'A run that keeps an average of its weights. Compare with none.',
    texts: { model: 'lenet5', optimizer: 'momentum', lr: '0.02', epochs: '3' },
  },
};
