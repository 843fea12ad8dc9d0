import type { Lesson } from './lesson.ts';

const t = String.raw;

export const uncertainty: Lesson = {
  topic: 'uncertainty',
  title: 'Uncertainty',
  about: 'A probability is calibrated if it comes true as often as it says; nets are too sure, and means of several less so.',
  blocks: [
    t`Softmax gives numbers that sum to 1, which does not make them probabilities of anything. They are **calibrated** if, of all images that a net is 80 % sure of, 80 % are right. A net that goes on training after it has all training images right makes its scores larger and larger, since that lowers the loss: it becomes surer without becoming better.`,
    t`To measure it, sort the predictions into bins by their confidence and compare confidence and accuracy of each. The mean distance is the **expected calibration error**:`,
    { tex: t`\mathrm{ECE} = \sum_b \frac{n_b}{n}\, \bigl|\operatorname{acc}(b) - \operatorname{conf}(b)\bigr|` },
    t`It can be 0 for a net that always says how frequent each class is, so look at it beside a **proper score**, which is least for true probabilities alone: the log loss, or Brier's mean squared distance from the label.`,
    t`What a net does not know has two parts. Some images are ambiguous, and no net would know. Others are unlike what it has seen; there, nets that explain the training images equally well disagree. Bayes' rule averages over all of them, by how well each explains the data $\mathcal D$:`,
    { tex: t`p(y \mid x, \mathcal D) = \int p(y \mid x, w)\; p(w \mid \mathcal D)\; dw \qquad \approx \frac1S \sum_{s} p(y \mid x, w_s)` },
    t`Where do the $w_s$ come from? From several trainings (ensembles), from masks that stay on at test time (dropout, Gal & Ghahramani 2016), or from a Gaussian around the path of SGD: **SWAG** (Maddox et al. 2019) takes its mean from SWA, and a covariance of low rank from the way the weights wander.`,
    {
      title: 'How often a confidence comes true',
      experiment: 'calibration:images=1000,epochs=8,members=3,draws=8',
      controls: [{ option: 'members', label: 'Nets and snapshots', values: [2, 3, 5] }],
      look: t`On the diagonal a net says what happens; below it, it is too sure. The means of nets and of snapshots lie closer to it than the single net beside them; those over masks need nets that have trained longer. This takes a minute or more.`,
    },
    {
      title: 'SGD as a sampler',
      experiment: 'stationary:runs=400',
      controls: [{ option: 'runs', label: 'Runs', values: [100, 400, 1000, 2000] }],
      look: t`At a constant rate SGD does not arrive, it fills a cloud. On a quadratic theory (Mandt et al. 2017) knows its covariance; the ellipse should hold 95 % of the ends.`,
    },
  ],
  question: t`Dividing all scores by one number $T > 1$ (temperature scaling) mends most of the calibration error. Which errors can it not mend?`,
  answer: t`It leaves the order of the classes as it is, so accuracy stays, and it makes the net less sure of all images alike. It cannot know that one image is strange and another is not: for images from elsewhere the net stays as sure as for its own. Members of an ensemble disagree there, which no scalar can imitate.`,
  train: {
    what: 'A dense net that trains long on few images: watch validation loss rise while its accuracy stays. It is getting surer of its mistakes.',
    texts: { model: 'mlp', optimizer: 'adam', limitTrain: '1000', valSplit: '0.5', epochs: '30' },
  },
};
