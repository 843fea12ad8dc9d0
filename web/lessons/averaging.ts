import type { Lesson } from './lesson.ts';

const t = String.raw;

export const averaging: Lesson = {
  topic: 'averaging',
  title: 'Averaging',
  about: 'The mean of several nets, or of the weights of one, is better than each: noise cancels, what they agree on stays.',
  blocks: [
    t`Write the prediction of net $i$ as what all agree on plus an error of its own, $f_i = f + \varepsilon_i$. If the errors have variance $\sigma^2$ and correlation $\rho$, the mean of $M$ nets has`,
    { tex: t`\operatorname{Var}\Bigl[\tfrac1M \sum_i \varepsilon_i\Bigr] = \rho\,\sigma^2 + \frac{1-\rho}{M}\,\sigma^2` },
    t`So members help as far as they differ. Nets from other first weights, in another order of images, differ enough: an **ensemble** of five is usually better than its best member (Hansen & Salamon 1990). It costs five trainings, and five passes for each prediction.`,
    {
      title: 'One net, and the mean of several',
      experiment: 'ensemble:members=5,images=3000,epochs=2',
      controls: [{ option: 'members', label: 'Nets', values: [2, 3, 5, 8] }],
      look: t`Accuracy and loss of the mean by the number of members, beside those of each net. The first members bring most. The loss of the mean is below that of every net in it: it is less sure where they disagree.`,
    },
    t`**Snapshots** (Huang et al. 2017) take members from one training: the rate falls to 0 and jumps up again, several times, and the net at each end is kept. **Weight averaging** is cheaper still, for it leaves one net. Polyak's mean over the last steps, or an exponential one,`,
    { tex: t`\bar w_{t} = \beta\, \bar w_{t-1} + (1 - \beta)\, w_t,` },
    t`removes the noise of mini-batches as a falling rate does, without waiting for the rate to fall. **SWA** (Izmailov et al. 2018) keeps the rate high on purpose, so that the weights wander around a basin, and takes the middle of their path. Statistics of batch norm must be taken anew for it: they belong to none of the nets that were averaged.`,
    {
      title: 'Where SGD ends, and the mean of its way',
      experiment: 'wide-optima:images=500,epochs=8,points=9',
      look: t`The line from one to the other, and rays into random directions. At this rate SGD has not come to rest: both losses of the mean are lower, and it lies in the flat middle, from where the loss rises later.`,
    },
  ],
  question: t`The mean of two nets' **predictions** is fine, yet the mean of their **weights** is useless. Why, and why does it work for snapshots that lie close together?`,
  answer: t`Hidden units have no order: unit 3 of one net may do what unit 17 does in another, and their mean does neither. Between two independent minima lies a barrier (the experiment interpolation shows it). Weights along one path at a moderate rate stay in one basin, where the loss is nearly convex; there the loss of the mean is at most the mean of the losses.`,
  train: {
    what: 'LeNet-5 with an exponential average of its weights, which validation takes. Compare it with the same run without, and look at the jitter of both curves.',
    texts: { model: 'lenet5', optimizer: 'momentum', lr: '0.05', ema: '0.99', epochs: '2' },
  },
};
