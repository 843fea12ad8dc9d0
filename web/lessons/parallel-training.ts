import type { Lesson } from './lesson.ts';

const t = String.raw;

export const parallelTraining: Lesson = {
  topic: 'parallel-training',
  title: 'Parallel training',
  about: 'Several devices share a batch, or each trains a copy; what is sent, and how old it may be, makes the difference.',
  blocks: [
    t`The gradient of a batch is a mean over its images, so it can be computed in parts. With $P$ devices each takes $1/P$ of the batch, and all add up what they found (**all-reduce**) before each makes the same step. The result is that of one device with the whole batch, number for number up to rounding:`,
    { tex: t`\nabla L = \frac1P \sum_{p=1}^{P} \nabla L_p, \qquad T(P) \approx \frac{T_{\text{compute}}}{P} + T_{\text{all-reduce}}` },
    t`In a ring each device sends about $2\,\frac{P-1}{P}$ times the gradient, whatever their number, so the second term hardly grows; but it does not shrink, and for small nets it soon is all there is. One can hide part of it: the gradients of the last layers are ready first, and travel while the earlier ones are computed.`,
    t`To keep devices busy one makes the batch larger. That pays only up to a point: below it twice the batch saves half the updates, beyond it the gradient is already exact enough, and more images add nothing (McCandlish et al. 2018 call the point the noise scale). The rate is raised along with the batch, in proportion or by the root, after a warm-up.`,
    {
      title: 'Error by updates, and by samples',
      experiment: 'batch-or-stochastic:seeds=5',
      controls: [{ option: 'seeds', label: 'Runs of each', values: [1, 3, 5, 9] }],
      live: true,
      look: t`One least squares problem by single samples, mini-batches and the whole batch. On the left, where an update costs the same whatever its batch (many devices), the batch wins; on the right, where samples cost (one device), it loses.`,
    },
    t`Who does not want to wait for the slowest lets copies differ. **Local SGD** averages the weights only every $H$ steps. **Downpour** has a server that takes gradients as they come: they belong to weights that are some updates old, which acts as momentum and forbids large rates. **Elastic averaging** (Zhang et al. 2015) ties the copies $w_p$ to a centre $\tilde w$ with a spring, so that they explore and do not part:`,
    {
      tex: t`w_p \leftarrow w_p - \eta\, \nabla L_p - \alpha\,(w_p - \tilde w), \qquad \tilde w \leftarrow \tilde w + \alpha \sum_p (w_p - \tilde w)`,
    },
    'Tabs of several browsers can train one net here: open **Train together** under Train, and pass the link on. On the command line the same methods run under MPI.',
  ],
  question: t`Eight devices take a step in 20 ms and need 15 ms to add up their gradients, one after the other. How much faster than one device are they with the batch shared among them, if one needs 160 ms? And if only every tenth step is averaged?`,
  answer: t`Shared: $160/8 + 15 = 35$ ms, so 4.6 times as fast. With the mean of every tenth step it is $20 + 1.5 = 21.5$ ms, 7.4 times as fast in images a second; but the ten steps between are made by copies that drift apart, and the loss for each image seen is a little higher. Which of both arrives first is an experiment.`,
  train: {
    what: 'A batch of 512, eight times the usual, with eight times a rate of 0.01 after a warm-up. Compare with 64 at that rate, without the warm-up: by epochs they look alike, by steps they do not.',
    texts: { model: 'lenet5', optimizer: 'momentum', lr: '0.08', batchSize: '512', schedule: 'constant:warmup=100', epochs: '4' },
  },
};
