import type { Lesson } from './lesson.ts';

const t = String.raw;

export const parallelTraining: Lesson = {
  topic: 'parallel-training',
  title: 'Parallel training',
  about: t`More samples at once, on more devices: what is gained, and where it ends.`,
  blocks: [
    t`Gradients of parts of a batch add up, so $P$ devices can each take a part and share the mean. A step then takes`,
    { tex: t`T(P) = \frac{T_{\text{compute}}}{P} + T_{\text{communicate}}` },
    t`and the second term stays. One way out is larger batches: the noise of their gradient falls as $1/\sqrt S$, so four times the samples halve it. Once noise is no longer what limits progress, more samples buy nothing. The other is to communicate less: **local SGD** averages weights every so many steps, elastic averaging lets each device roam around a centre, and asynchronous methods use gradients that are a little old.`,
    {
      title: 'Error by updates, and by samples',
      experiment: 'batch-or-stochastic:seeds=5',
      controls: [{ option: 'seeds', label: 'Runs of each', values: [1, 5, 9] }],
      live: true,
      look: t`Updates are what many devices can do at once; samples are what one must pay for. Batch descent wins on the left, single samples on the right.`,
    },
  ],
  question: t`With as many devices as samples in a batch, which of the three finishes first? And with one device?`,
  answer: t`With enough devices an update takes the same time for every batch, so the left panel counts: batch descent. One device pays by samples: the right panel, and small batches, down to their floor of noise.`,
  train: {
    what: 'A large batch. Compare with 32 images a batch at a rate eight times smaller; *Train together* shares a run among tabs.',
    texts: { model: 'lenet5', batchSize: '256', optimizer: 'momentum', lr: '0.08', epochs: '2' },
  },
};
