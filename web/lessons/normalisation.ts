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
      experiment: 'input-scaling',
      look: t`Inputs between 20 and 22. The same net, the same steps; only mean and scale of the inputs differ.`,
    },
  ],
  question: t`Could a smaller rate save the net on the raw inputs?`,
  answer: t`It would keep it from diverging, not from being slow: a rate that suits the direction of the mean is far too small for all others.`,
  train: {
    what: 'ResNet-20 has batch normalisation after each convolution. Compare it with VGG without.',
    texts: { model: 'vgg-small', epochs: '1' },
  },
};
