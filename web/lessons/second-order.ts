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
    t`Between both stand methods that know the curvature in part. **Gauss-Newton** leaves out the term that can be negative; **K-FAC** writes each layer's block as a product of two small matrices; Adam's division by the root of squared gradients is a diagonal guess at the same. Each buys fewer steps for dearer ones. **Muon** needs no curvature: of each matrix of the step $U S V^\top$ it takes $U V^\top$, so that all directions of a layer move alike, whatever the gradient prefers (Jordan 2024).`,
    {
      title: 'Adam, then L-BFGS',
      experiment: 'adam-lbfgs',
      look: t`A few steps of Adam reach the neighbourhood; L-BFGS finishes. Beside them either alone, for as many steps: Adam is far behind, L-BFGS a little ahead, at the price of a search for the length of each of its steps.`,
    },
    {
      title: 'The curvatures of a net',
      experiment: 'hessian-spectrum',
      look: t`Eigenvalues of the Hessian at the first weights, at a saddle and after training, by Lanczos' method, which needs products with the Hessian alone. Most lie near 0; after training a few stand far out, about as many as there are classes, and nearly no negative ones are left. This takes a minute or two.`,
    },
    t`Such a spectrum explains both sides: the outliers limit the rate of plain descent, and the flat rest is where it is slow. A method that divides by curvature must not trust the near-zero ones, where noise is all there is: hence damping, $(H + \lambda I)^{-1}$, which takes long steps only where curvature is known.`,
  ],
  question: t`On so few points L-BFGS may begin at the very first step. Why does one let Adam begin all the same where a step is dear, and why not take L-BFGS on batches of 64 images?`,
  answer: t`Far from a minimum the parabola says little: the estimate is of a curvature that soon changes, and the search for a length may take several gradients of the whole data, of each of which Adam makes a step. On batches $y$ is the difference of two noisy gradients: the noise is taken for curvature.`,
  train: {
    what: 'A function of one variable, by Adam and then L-BFGS on all points.',
    texts: { model: 'mlp', dataset: 'sine', loss: 'mse', optimizer: 'adam:epochs=30,lbfgs', batchSize: '230', epochs: '80' },
  },
};
