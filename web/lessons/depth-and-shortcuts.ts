import type { Lesson } from './lesson.ts';

const t = String.raw;

export const depthAndShortcuts: Lesson = {
  topic: 'depth-and-shortcuts',
  title: 'Depth and shortcuts',
  about: t`Why deep nets were hard to train, and what a sum with the input changes.`,
  blocks: [
    t`The gradient of a deep net is a product over layers, and products vanish or explode. A sigmoid alone takes at least three quarters of it at each layer. A **residual** layer adds to what it is given:`,
    {
      tex: t`x_{l+1} = x_l + F(x_l), \qquad \frac{\partial x_L}{\partial x_l} = \prod_{k=l}^{L-1} \Bigl(I + \frac{\partial F}{\partial x_k}\Bigr)`,
    },
    t`The product now has a term $I$: the gradient reaches the first layer whatever the layers between do. At the start such a net behaves like a shallow one, and depth comes as it learns.`,
    {
      title: 'Gradients by layer',
      experiment: 'gradient-sizes:depth=10',
      controls: [{ option: 'depth', label: 'Layers', values: [6, 10, 20, 40] }],
      look: t`The size of gradients from the last layer to the first, before learning, by activation, first weights, batch norm and shortcuts.`,
    },
  ],
  question: t`For which combinations does doubling the depth square the loss of gradient, and for which does it change nothing?`,
  answer: t`Where each layer has a constant factor below 1 (sigmoid; ReLU under Glorot) the logarithm is in proportion to the depth. He initialisation and shortcuts have a factor of about 1, so depth does not count.`,
  train: {
    what: 'ResNet-20. Compare with `plain20`, the same net without shortcuts.',
    texts: { model: 'resnet20', limitTrain: '2000', epochs: '2' },
  },
};
