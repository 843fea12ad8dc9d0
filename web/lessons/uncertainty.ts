import type { Lesson } from './lesson.ts';

const t = String.raw;

export const uncertainty: Lesson = {
  topic: 'uncertainty',
  title: 'Uncertainty',
  about: t`How sure a net is, and how sure it should be.`,
  blocks: [
    t`A net is **calibrated** if of the answers given with 80 % about 80 % are right. Weights that fit the data are many; a prediction should be the mean over them, weighted by how likely they are:`,
    { tex: t`p(y \mid x) = \int p(y \mid x, w)\, p(w \mid \text{data})\, dw \approx \frac1M \sum_m p(y \mid x, w_m)` },
    t`Ensembles, dropout at test time and SWAG draw the $w_m$ in different ways. That noisy descent can serve as a sampler is seen on a quadratic with Hessian $A$: at a constant rate its end points have a covariance $\Sigma$ with`,
    { tex: t`A\Sigma + \Sigma A - \eta A \Sigma A = \frac{\eta}{S}\, C` },
    {
      title: 'Where descent at a constant rate stays',
      experiment: 'stationary:runs=500,samples=100',
      controls: [{ option: 'runs', label: 'Runs', values: [100, 500, 2000] }],
      live: true,
      look: t`End points of many runs and the ellipse that should hold 95 % of them, by rate and size of the batch $S$.`,
    },
  ],
  question: t`Double the batch or halve the rate: which changes the ellipse how?`,
  answer: t`For small rates only $\eta/S$ counts, so both shrink it alike. At large rates the third term tells: the rate then counts for more than the batch.`,
  train: {
    what: 'A net with dropout; `descent eval` tells its calibration, several seeds its ensemble.',
    texts: { model: 'mlp:dropout=0.2', epochs: '3' },
  },
};
