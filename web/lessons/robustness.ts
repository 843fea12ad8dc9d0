import type { Lesson } from './lesson.ts';

const t = String.raw;

export const robustness: Lesson = {
  topic: 'robustness',
  title: 'Robustness',
  about: t`Changes too small to see that change the answer.`,
  blocks: [
    t`The gradient by the **input** tells how to change an image so that the loss rises. With at most $\epsilon$ in each pixel the best linear change is the sign (FGSM), and steps of it, projected back, go further (PGD):`,
    {
      tex: t`x' = x + \epsilon \operatorname{sign} \nabla_x \ell, \qquad x_{k+1} = \Pi_{\epsilon}\bigl(x_k + \alpha \operatorname{sign} \nabla_x \ell(x_k)\bigr)`,
    },
    t`Many pixels each moved a little add up: for a linear score $w^\top x$ the change is $\epsilon \lVert w \rVert_1$, which grows with the number of pixels. **Adversarial training** learns on attacked images, a game of minimum and maximum. It costs several gradients a step, and some accuracy on clean images.`,
    {
      title: 'Accuracy under attack',
      experiment: 'adversarial:epsilon=0.1,images=500,epochs=2,test=50,steps=5,restarts=1',
      controls: [
        { option: 'epsilon', label: 'Epsilon while training', values: [0.03, 0.1, 0.2] },
        { option: 'steps', label: 'Steps of an attack', values: [2, 5, 10] },
      ],
      look: t`A net trained as usual, and one that was attacked while it trained.`,
    },
  ],
  question: t`Does PGD with ten steps ever leave more accuracy than FGSM? What would it mean if it did?`,
  answer: t`It should not, as it searches the same box more thoroughly. Where it does, gradients mislead: the net hides them rather than being robust.`,
  train: {
    what: 'The net to attack: train it, then attack it by `descent eval RUN --attack fgsm`.',
    texts: { model: 'lenet5', optimizer: 'adam', epochs: '2' },
  },
};
