import type { Lesson } from './lesson.ts';

const t = String.raw;

export const regularisation: Lesson = {
  topic: 'regularisation',
  title: 'Regularisation',
  about: t`Fit less, so that what is learnt holds for others too.`,
  blocks: [
    t`The expected error of what is learnt has three parts: **bias** (what the model cannot say), **variance** (how much it depends on the sample), and noise. Richer models trade the first for the second.`,
    {
      title: 'Bias and variance',
      experiment: 'bias-variance:degree=9,noise=0.3',
      controls: [
        { option: 'noise', label: 'Noise', values: [0, 0.1, 0.3, 0.6, 1] },
        { option: 'degree', label: 'Greatest degree', values: [5, 9, 12] },
      ],
      live: true,
      look: t`Polynomials fitted to many samples. Variance rises with the degree, and with the noise.`,
    },
    t`A penalty pulls weights towards 0, by their squares or by their sizes:`,
    { tex: t`L(w) + \tfrac{\lambda}{2}\lVert w\rVert_2^2, \qquad L(w) + \lambda \lVert w \rVert_1` },
    t`**L2** shrinks all weights; **L1** sets some to exactly 0, since its diamond has corners on the axes. **Dropout** sets random units to 0 at each step, so that none can rely on another.`,
    {
      title: 'The diamond and the circle',
      experiment: 'penalty-geometry:lambda=0.5',
      controls: [{ option: 'lambda', label: 'Strength', values: [0.1, 0.25, 0.5, 1, 2] }],
      live: true,
      look: t`Where level lines of the loss touch the penalty, and how often a weight becomes 0.`,
    },
    {
      title: 'How many units to keep',
      experiment: 'dropout-rates:images=200,epochs=60,width=64',
      look: t`Test error by the share of units that stay, on few images. Too few and nothing can be learnt, all of them and the images are learnt by heart. This takes a minute.`,
    },
    t`Some of what regularises has no term in the loss: small batches, large rates and an early stop all keep the weights near where they began or in wide valleys. Label smoothing keeps scores from growing without end. The surest regulariser is more data, and augmentation is the next best.`,
    t`Set the strength by validation images, never by the test set, and judge by the gap: where training and validation errors are both high, less regularisation is needed, not more.`,
  ],
  question: t`Set the noise to 0. Which degree is best then, and what is left of the variance?`,
  answer: t`Without noise the highest degree wins. All samples are then the same, since they lie at the same places, so the variance is 0 at every degree, and bias is all that is left to reduce.`,
  train: {
    what: 'A net with L2 penalty. Compare with none, on few images, and look at the gap.',
    texts: { model: 'lenet5', weightDecay: '0.001', limitTrain: '2000', epochs: '10' },
  },
};
