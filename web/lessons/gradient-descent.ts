import type { Lesson } from './lesson.ts';

const t = String.raw;

export const gradientDescent: Lesson = {
  topic: 'gradient-descent',
  title: 'Gradient descent',
  about: 'One step downhill, again and again; how long the step may be, and why a narrow valley is slow.',
  blocks: [
    t`The gradient $\nabla f(w)$ points where the loss rises fastest. Descent takes a step against it, of a length that is in proportion to the **learning rate** $\eta$:`,
    { tex: t`w_{t+1} = w_t - \eta\,\nabla f(w_t)` },
    t`Near a minimum every smooth loss looks like a parabola, so the parabola tells most of the story. Let $f(w) = \tfrac{h}{2} w^2$ with curvature $h$. Then the gradient is $h w$, and each step multiplies the distance to the minimum by one number:`,
    { tex: t`w_{t+1} = (1 - \eta h)\, w_t` },
    t`With $\eta = 1/h$ that number is 0, and one step arrives. A smaller rate creeps from one side; a larger one jumps across and still comes nearer, as long as $\eta < 2/h$; beyond that each jump is longer than the one before.`,
    {
      title: 'How long a step may be',
      experiment: 'step-sizes:share=0.5',
      controls: [{ option: 'share', label: 'Rate, of the best one', values: [0.1, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 1.9, 2, 2.1, 2.5] }],
      live: true,
      look: t`The update that trains nets, on the parabola $x^2$ with $h = 2$. Move the rate past 1, then past 2.`,
    },
    t`In many dimensions each direction has a curvature of its own, between $h_{\min}$ and $h_{\max}$, and they share one rate. The steepest direction limits it, and the flattest then hardly moves. The best compromise is $\eta = 2/(h_{\min}+h_{\max})$, and the distance shrinks in each step by`,
    { tex: t`\frac{\kappa - 1}{\kappa + 1}, \qquad \kappa = \frac{h_{\max}}{h_{\min}}` },
    t`The **condition number** $\kappa$ counts how oblong the valley is; the steps that are needed grow in proportion to it. Momentum, adaptive rates, second order methods and normalisation are all ways to pay less for it.`,
    {
      title: 'Steps by condition number',
      experiment: 'condition-number',
      look: t`Each line is one valley at its best rate. On the right the steps grow as a straight line of slope one.`,
    },
  ],
  question: t`At 1.9 and at 0.1 of the best rate the distance shrinks equally fast. What would you see in the loss that tells one from the other, and which of the two is the safer choice where the curvature is not known exactly?`,
  answer: t`The factor is $-0.9$ or $0.9$: the loss falls to 0.81 of itself a step in both cases, and only the point changes sides. If the curvature turns out 10 % larger, the small rate becomes a bit faster (factor 0.89), the large one diverges (factor $-1.09$). Rates that are too small cost time; rates that are too large cost the run.`,
  train: {
    what: 'The same three behaviours on images: plain descent at three rates. Start one, then Compare with another rate, a tenth and ten times as large.',
    texts: { model: 'lenet5', optimizer: 'sgd', lr: '0.05', epochs: '2' },
  },
};
