import type { Lesson } from './lesson.ts';

const t = String.raw;

export const lossFunctions: Lesson = {
  topic: 'loss-functions',
  title: 'Loss functions',
  about: 'What a net is asked to make small decides what it learns, and which samples it listens to.',
  blocks: [
    t`Training makes one number small, the mean **loss** over the samples. For numbers the usual losses of a residual $r = \hat y - y$ are the square and the absolute value:`,
    { tex: t`\ell_2(r) = r^2, \qquad \ell_1(r) = |r|` },
    t`The constant that makes the sum of squares least is the mean; of absolute values it is the median. So $\ell_2$ follows outliers and $\ell_1$ ignores how far away they are. It is the gradient that says so: $2r$ grows with the distance, $\operatorname{sign} r$ does not. Huber's loss is square near 0 and absolute beyond.`,
    t`For classes a net gives scores $z_k$, which softmax turns into probabilities; the **cross-entropy** is minus the logarithm of the one that belongs to the label $y$:`,
    { tex: t`\ell(z, y) = -\log \frac{e^{z_y}}{\sum_k e^{z_k}}, \qquad \frac{\partial \ell}{\partial z_k} = p_k - [k = y]` },
    t`Its gradient is the error of the probability itself: confident mistakes pull at full strength, confident hits hardly at all. The **hinge** loss $\max(0, 1 - yz)$ goes further, and does not listen at all to samples beyond the margin. Squared error on labels $\pm 1$ does the opposite, it punishes a sample for being too far on the right side.`,
    {
      title: 'Who moves the boundary',
      experiment: 'hinge-logistic:points=40,far=8,steps=300',
      controls: [{ option: 'far', label: 'Points far behind', values: [0, 2, 4, 8, 16, 32] }],
      look: t`Two clouds, and some points far behind the second one, all on the right side. See how far each boundary turns because of them.`,
    },
  ],
  question: t`The far points are classified rightly with and without them. Why does the squared loss turn its boundary, and would ten times as many steps help?`,
  answer: t`A point with margin $m = yz$ costs $(1-m)^2$, which is large for $m = 5$. The least squares solution itself is turned, so more steps only come nearer to it. Logistic loss costs $\log(1+e^{-m})$ there, almost nothing, and hinge exactly nothing.`,
  train: {
    what: 'A dense net by hinge loss. Compare it with the same net by `cross-entropy`.',
    texts: { model: 'mlp', loss: 'hinge', optimizer: 'momentum', lr: '0.005', epochs: '2' },
  },
};
