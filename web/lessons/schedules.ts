import type { Lesson } from './lesson.ts';

const t = String.raw;

export const schedules: Lesson = {
  topic: 'schedules',
  title: 'Schedules',
  about: t`Large steps to get there, small ones to stay.`,
  blocks: [
    t`Gradients of batches are noisy. At a constant rate the weights never come to rest: they swing about the minimum with a variance in proportion to $\eta$. If the rate falls too fast, they stop before they arrive. Robbins and Monro asked for`,
    { tex: t`\sum_t \eta_t = \infty, \qquad \sum_t \eta_t^2 < \infty` },
    t`far enough to get anywhere, and quiet enough in the end. $\eta_t \propto 1/t$ does both; an exponential fall breaks the first condition. In practice nets are trained for a fixed number of steps, by a cosine, by stairs, or by **one cycle**: up first, then far down.`,
    {
      title: 'Where noisy descent ends',
      experiment: 'noisy-ends:steps=1000',
      controls: [{ option: 'steps', label: 'Updates', values: [50, 100, 300, 1000] }],
      live: true,
      look: t`On $x_1^2 + 2x_2^2$ with noise, 100 runs of each schedule. Give them fewer steps: the exponential rate has stopped at the same place by then, short of the minimum.`,
    },
    t`**Warm-up** is the opposite end: at the first steps the gradients are large and contradict each other, the averages of adaptive rules are built on few of them, and a full rate can throw the weights where no later step brings them back. Some hundred steps in which the rate rises from 0 cost nothing and allow a larger rate afterwards; the larger the batch, the more they matter.`,
    { title: 'One cycle', experiment: 'one-cycle', look: t`A rate that rises and falls, beside constant ones.` },
    t`The form of the fall matters less than its end: cosine, linear and polynomial schedules that reach 0 at the last step differ by a fraction of a percent. What costs is to stop before the fall, for most of the gain comes in the last tenth. Without a planned end one averages the weights in place of lowering the rate.`,
  ],
  question: t`Which of the three schedules ends nearest to the minimum after 50 updates, and what do the others gain from 1,000? Read the mean value in the table.`,
  answer: t`The polynomial rate, and with more updates it comes nearer still: the noise of many short steps cancels. The others gain nothing. The constant rate has arrived by 50, and what is left is noise, which it never averages away; the exponential rate has no way left to go, as the sum of its steps is finite.`,
  train: {
    what: 'Cosine decay on images. Compare with a constant rate: watch the loss in the last tenth.',
    texts: { model: 'lenet5', optimizer: 'momentum', lr: '0.02', schedule: 'cosine', epochs: '3' },
  },
};
