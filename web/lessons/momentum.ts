import type { Lesson } from './lesson.ts';

const t = String.raw;

export const momentum: Lesson = {
  topic: 'momentum',
  title: 'Momentum',
  about: 'Descent that remembers where it was going pays for the root of the condition number alone.',
  blocks: [
    t`Across a narrow valley the gradients of successive steps contradict each other; along it they agree. A running sum lets the first cancel and the second add up. Polyak's **momentum** keeps a velocity $v$:`,
    { tex: t`v_{t+1} = \mu v_t + g_t, \qquad w_{t+1} = w_t - \eta\, v_{t+1}` },
    t`Where the gradient does not change, the velocity tends to $g/(1-\mu)$: with $\mu = 0.9$ steps become ten times as long. So a rate that suits plain descent must be lowered when momentum is added.`,
    t`**Nesterov's** method looks ahead: it takes the gradient where the velocity is about to lead. On a quadratic with condition number $\kappa$ the distance shrinks in each step, in the end, by`,
    {
      tex: t`\underbrace{\frac{\kappa-1}{\kappa+1}}_{\text{descent}}, \qquad \underbrace{\frac{\sqrt\kappa-1}{\sqrt\kappa+1}}_{\text{Polyak}}, \qquad \underbrace{1-\frac{2}{\sqrt{3\kappa+1}}}_{\text{Nesterov}}`,
    },
    {
      title: 'At their best settings',
      experiment: 'momentum-rates:k=100',
      controls: [{ option: 'k', label: 'Condition number', values: [2, 5, 10, 20, 50, 100, 200, 500, 1000] }],
      live: true,
      look: t`The lines are the engine's updates, the grey ones what theory promises. Polyak's bends at first: two roots fall together there, and the distance goes as $t\,r^t$.`,
    },
    t`For small rates Nesterov's steps follow a differential equation, a ball with friction that fades as $3/t$. Momentum is thus not a trick but a discretisation of motion: its oscillations are those of a ball in a bowl.`,
    {
      title: 'Steps and their equation',
      experiment: 'nesterov-ode',
      look: t`Time is $t\sqrt\eta$. The smaller the rate, the closer the steps keep to the dashed solution.`,
    },
  ],
  question: t`How many times fewer steps than descent does momentum take at condition number 10, and by what factor should that grow at 1,000? Read the table at both.`,
  answer: t`At 10 it is 35 steps against 15, so 2.3 times. Descent needs steps in proportion to $\kappa$, Polyak's momentum in proportion to $\sqrt\kappa$, so the gain grows as $\sqrt\kappa$: by $\sqrt{100} = 10$, less what the bend at the start costs. At 1,000 momentum takes 198, and plain descent does not arrive within the steps that are shown; by its factor it would take about 3,450, which is 17 times as many.`,
  train: {
    what: 'LeNet-5 by Nesterov momentum. Compare with `sgd` at the same rate, and at ten times the rate: much of what momentum gives is a longer step.',
    texts: { model: 'lenet5', optimizer: 'nesterov', lr: '0.01', epochs: '2' },
  },
};
