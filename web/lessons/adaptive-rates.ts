import type { Lesson } from './lesson.ts';

const t = String.raw;

export const adaptiveRates: Lesson = {
  topic: 'adaptive-rates',
  title: 'Adaptive rates',
  about: t`A rate for each weight, from the sizes of its own gradients.`,
  blocks: [
    t`One rate for all weights is limited by the steepest of them. **AdaGrad** divides each step by the root of the sum of squared gradients so far; **RMSProp** forgets the old ones, so that steps do not fade away; **Adam** adds momentum, and divides both averages by what they lack at the start:`,
    {
      tex: t`m \leftarrow \beta_1 m + (1-\beta_1) g, \qquad v \leftarrow \beta_2 v + (1-\beta_2) g^2, \qquad w \leftarrow w - \eta\,\frac{m/(1-\beta_1^t)}{\sqrt{v/(1-\beta_2^t)}+\varepsilon}`,
    },
    t`In the first step this is $\eta \operatorname{sign} g$: the size of the gradient does not count, only whether its sign lasts. So Adam takes about as long a step on a plain as on a cliff, and rescaling the loss changes nothing.`,
    t`The number $\varepsilon$ decides what a small gradient means: above it only the sign counts, below it the size. With $10^{-8}$ a weight whose gradients are tiny and noisy takes full steps of noise; some nets want $10^{-3}$.`,
    {
      title: 'Ways over landscapes',
      experiment: 'trajectories:function=beale',
      controls: [{ option: 'function', label: 'Landscape', values: ['beale', 'valley', 'saddle', 'monkey'] }],
      live: true,
      look: t`The lines are the ways of the update rules from one start. Look where those that divide by the root of $v$ turn straight away, and where momentum swings.`,
    },
    t`A penalty on the weights must not pass through the division: a weight with large gradients would hardly feel it. **AdamW** therefore shrinks the weights by themselves, $w \leftarrow (1 - \eta\lambda)\, w$, beside the step (Loshchilov & Hutter 2019). **Nadam** takes Nesterov's look ahead, **AMSGrad** never lets a rate grow again, **Lion** keeps the sign of an average alone.`,
    t`Adaptive rates need less tuning, and are the usual choice where gradients differ much between layers (attention, embeddings). On images, momentum with a good schedule often ends at a slightly better test error: it does not follow every rare direction at full length.`,
  ],
  question: t`Beside a saddle plain descent lingers. Why do RProp and Adam leave it sooner?`,
  answer: t`There the gradient is tiny but its sign is steady. A rule that divides by the size of the gradient takes full steps in that direction; descent moves in proportion to the gradient, and has to wait until it has grown.`,
  train: {
    what: 'LeNet-5 by Adam. Compare with `rmsprop` and `adagrad` at the same rate.',
    texts: { model: 'lenet5', optimizer: 'adam', lr: '0.001', epochs: '2' },
  },
};
