import type { Lesson } from './lesson.ts';

const t = String.raw;

export const initialisation: Lesson = {
  topic: 'initialisation',
  title: 'Initialisation',
  about: t`First weights decide whether signals and gradients survive the depth.`,
  blocks: [
    t`A layer of $n$ inputs multiplies the variance of its signal by $n \operatorname{Var}(w)$. Over $L$ layers that is a power of $L$: below 1 the signal vanishes, above it explodes. Gradients fare alike on their way back. **Glorot** takes the middle of both ways, **He** makes up for the half that ReLU sets to 0:`,
    { tex: t`\operatorname{Var}(w) = \frac{2}{n_{\text{in}} + n_{\text{out}}}, \qquad \operatorname{Var}(w) = \frac{2}{n_{\text{in}}}` },
    t`Biases begin at 0, and weights must not: units that begin alike get the same gradient and stay alike for ever. Only the spread of the random numbers matters, hardly their distribution. **Orthogonal** matrices keep every length exactly, not only on average; **LSUV** measures the variance behind each layer on a batch of images and divides by it, whatever the activation.`,
    {
      title: 'Products of random matrices',
      experiment: 'exploding-products:n=4,count=100',
      controls: [
        { option: 'n', label: 'Rows and columns', values: [2, 4, 8, 16, 32] },
        { option: 'count', label: 'Matrices', values: [10, 30, 100, 200] },
      ],
      live: true,
      look: t`The largest entry of a product of Gaussian matrices. With deviation 1 it explodes; with $1/\sqrt n$ it shrinks, the more slowly the larger the matrices; at the critical deviation it stays.`,
    },
    t`A narrow and deep ReLU net may even be **born dead**: a layer all of whose units are 0 for every input passes on nothing, and no gradient comes back.`,
    {
      title: 'Dead from birth',
      experiment: 'born-dead:nets=1000',
      controls: [{ option: 'nets', label: 'Nets of each width', values: [200, 1000, 6000] }],
      look: t`The share of nets that are constant before training, by width and depth, between the bounds of theory.`,
    },
    t`Normalisation behind each layer and shortcuts around them make nets forgive bad first weights, yet they do not replace them: the last layer still decides how large the first loss is. A common check is that the first loss of $K$ classes is $\ln K$; if it is 20, the scores begin far too large.`,
  ],
  question: t`What happens to the product if the matrices become larger, with entries of variance 1? Which power of $n$ do you read per matrix?`,
  answer: t`Each matrix multiplies the length by about $\sqrt n$, so the logarithm after 100 matrices grows by $50 \ln n$. Variance $1/n$ takes just that away, and of small matrices a little more: the mean of a logarithm is less than the logarithm of the mean.`,
  train: {
    what: 'A net under He initialisation. Compare with `box` or `xavier-normal`.',
    texts: { model: 'mlp:hidden=64-64-64-64-64-64', initScheme: 'he-normal', epochs: '2' },
  },
};
