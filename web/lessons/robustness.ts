import type { Lesson } from './lesson.ts';

const t = String.raw;

export const robustness: Lesson = {
  topic: 'robustness',
  title: 'Robustness',
  about: 'A change that no eye sees makes a good net wrong; nets that are trained against it hold out longer, and pay for that.',
  blocks: [
    t`Training changes the weights so that the loss falls. The same gradient, taken with respect to the **image**, tells how to change the pixels so that the loss rises. Allowed is a change of at most $\epsilon$ in each pixel, so the steepest way is to move each of them by $\epsilon$ in the direction of the sign (Goodfellow et al. 2015):`,
    { tex: t`x' = x + \epsilon\, \operatorname{sign}\bigl(\nabla_x L(x, y)\bigr)` },
    t`This is **FGSM**. It works because many small changes add up: in $n$ pixels a linear score moves by $\epsilon \sum_i |w_i|$, which grows with $n$ while each change stays small. **PGD** (Madry et al. 2018) takes several smaller steps, each followed by a projection back into the box around the image, from random starts; it is the attack to beat before one claims anything.`,
    { tex: t`x_{t+1} = \Pi_{\|x' - x\|_\infty \le \epsilon}\Bigl(x_t + \alpha\, \operatorname{sign}\nabla_x L(x_t, y)\Bigr)` },
    t`**Carlini & Wagner** ask another question: what is the smallest change that makes the net wrong? They minimise the distance plus a hinge on the difference of scores, which does not fade away where softmax is saturated.`,
    t`The remedy that holds is to train on the attacked images, a game of two sides:`,
    { tex: t`\min_w \; \mathbb E_{(x,y)} \; \max_{\|\delta\|_\infty \le \epsilon} L(w;\, x + \delta,\, y)` },
    {
      title: 'Accuracy under attack',
      experiment: 'adversarial:images=500,epsilon=0.1,train_steps=2,steps=5,restarts=1',
      controls: [{ option: 'epsilon', label: 'Training moves pixels by', values: [0.05, 0.1, 0.2] }],
      look: t`Two nets, one trained as usual and one against PGD. The curves fall with $\epsilon$; the second starts lower, as the same few images have to teach it more, and falls later.`,
    },
    t`Many defences only hide the gradient: they make attacks fail without making the net right. Noise at test time does so too. Then the attack must average its gradient over the noise (expectation over transformation, Athalye et al. 2018), or what looks like robustness is the attacker's weakness.`,
  ],
  question: t`Why does the net that is trained against attacks lose accuracy on clean images, and why does it need more units than the other?`,
  answer: t`Its boundary must keep a distance of $\epsilon$ from every image, so it may no longer use features that are informative and yet change within $\epsilon$. A boundary with such margins around all images is more winding than one that merely separates them; a small net cannot draw it, and gives up some images instead.`,
  train: {
    what: 'LeNet-5 as usual. Then Compare with “Adversarial training” by `pgd:epsilon=0.1,steps=3`, at a third of the speed or so: each step attacks its images first.',
    texts: { model: 'lenet5', optimizer: 'adam', limitTrain: '2000', epochs: '4' },
  },
};
