import type { Lesson } from './lesson.ts';

const t = String.raw;

export const normalisation: Lesson = {
  topic: 'normalisation',
  title: 'Normalisation',
  about: t`Rounder valleys, from inputs and layers of like scale.`,
  blocks: [
    t`For a linear model the Hessian is the second moment of the inputs, $\tfrac1N\sum x x^\top$. A mean far from 0 adds one huge eigenvalue, features of unlike scale add more: the condition number of learning is that of the data. Standardise them:`,
    { tex: t`\hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}` },
    t`**Batch normalisation** does so inside the net, for each channel over the batch, with a scale $\gamma$ and shift $\beta$ that are learned. Layer and group normalisation take the moments over each sample, and so do not depend on the batch. All make the loss insensitive to the scale of the weights before them.`,
    {
      title: 'Inputs as they are, and normalised',
      experiment: 'input-scaling:lr=0.01',
      controls: [{ option: 'lr', label: 'Learning rate', values: [0.0001, 0.001, 0.01] }],
      look: t`Inputs between 20 and 22. The same net, the same steps of Adam; only mean and scale of the inputs differ.`,
    },
    {
      title: 'Four ways to normalise, and what they do to the valley',
      experiment: 'input-normalisation',
      live: true,
      look: t`The same cloud of points as it is, centred, standardised, whitened, and by its samples. The condition number, and with it the steps that descent needs, falls from hundreds to 1 of the whitened ones; by samples it stays high.`,
    },
    t`At test time batch norm takes **running averages** of the moments from training. They are the usual source of surprises: with batches of two images the moments are noise, and a net that is evaluated in training mode answers otherwise for each batch. Group norm has neither trouble; with **weight standardisation** it comes near batch norm even in tiny batches.`,
    t`Why it helps is still argued about. It does not so much remove a shift of distributions, as its authors thought, as make the loss smoother, and it lets one take rates at which the bare net diverges (Santurkar et al. 2018). The length of the weights before it no longer matters for the output, only for how fast they turn: decay of such weights is a way of raising their rate.`,
  ],
  question: t`Could a smaller rate save the net on the raw inputs?`,
  answer: t`No. At a tenth of the rate the error is as large, and at a hundredth larger: a rate that suits the direction of the mean is far too small for all others, and it is in those that the line bends.`,
  train: {
    what: 'LeNet-5 on pixels from 0 to 1, as they are. Compare with `meanstd`, mean 0 and deviation 1, at the same rate; or press “Why normalise” under Train, which starts both.',
    texts: { model: 'lenet5', optimizer: 'sgd', lr: '0.05', normalize: 'none', limitTrain: '2000', epochs: '4' },
  },
};
