import type { Lesson } from './lesson.ts';

const t = String.raw;

export const secondOrder: Lesson = {
  topic: 'second-order',
  title: 'Second order',
  about: t`Curvature tells how long each step should be.`,
  blocks: [
    t`Newton replaces the loss by its parabola and jumps to the bottom of it:`,
    { tex: t`w \leftarrow w - H^{-1} g` },
    t`On a quadratic one step arrives, whatever the condition number. But the Hessian $H$ of $n$ weights has $n^2$ entries, and near a saddle it leads uphill. **L-BFGS** keeps the last few changes of weights and gradients, $s$ and $y$, and applies an estimate of $H^{-1}$ that satisfies $H^{-1}y = s$ without ever writing it down. It needs gradients without noise: the whole data at once, and a line search for the length of the step.`,
    {
      title: 'Adam, then L-BFGS',
      experiment: 'adam-lbfgs',
      look: t`A few steps of Adam reach the neighbourhood; L-BFGS finishes. Beside them either alone, for as many steps.`,
    },
  ],
  question: t`Why not L-BFGS from the very first step, and why not on batches of 64 images?`,
  answer: t`Far from a minimum the parabola says little, and the estimate points anywhere. On batches $y$ is the difference of two noisy gradients: the noise is taken for curvature.`,
  train: {
    what: 'A function of one variable, by Adam and then L-BFGS on all points.',
    texts: { model: 'mlp', dataset: 'sine', loss: 'mse', optimizer: 'adam', lr: '0.01' },
  },
};
