import type { Lesson } from './lesson.ts';

const t = String.raw;

export const depthAndShortcuts: Lesson = {
  topic: 'depth-and-shortcuts',
  title: 'Depth and shortcuts',
  about: 'Deeper nets can say more and are harder to train; adding each block to its input changes that.',
  blocks: [
    t`A layer more lets a net fold the plane once more, so the number of pieces that a ReLU net can make grows exponentially with depth, and only polynomially with width. But what a net can say and what descent finds are two things.`,
    t`The gradient of an early layer is a product of the Jacobians of all layers behind it:`,
    {
      tex: t`\frac{\partial L}{\partial x_0} = \frac{\partial L}{\partial x_D}\, J_D J_{D-1} \cdots J_1, \qquad J_l = \frac{\partial x_l}{\partial x_{l-1}}`,
    },
    t`If each factor shrinks lengths by 0.7 on average, forty layers leave $10^{-6}$ of the gradient; if each stretches them by 1.4, they leave $10^{6}$ times as much. First weights of the right size (He's, for ReLU) and normalisation keep the factors near 1, which is enough for about twenty layers.`,
    t`**Residual** blocks (He et al. 2015) add what a block computes to what it was given, $x_l = x_{l-1} + F(x_{l-1})$, so that its Jacobian is $I + \partial F$. Multiplied out, the product has a term for each subset of blocks, and the shortest of them, $I$, never vanishes. A block that has nothing to add can be 0; without the shortcut it would have to learn the identity.`,
    {
      title: 'Gradients by layer before any training',
      experiment: 'gradient-sizes:depth=20',
      controls: [{ option: 'depth', label: 'Layers of the deeper net', values: [10, 20, 30, 40] }],
      look: t`One line for each way of building the net, from the last layer back to the first. Of 20 layers sigmoid loses seven powers of ten and more, all others less than two. ReLU under Glorot's weights stays level as well, but sinks with each layer more, which He's weights mend.`,
    },
    {
      title: 'The loss around both kinds of nets',
      experiment: 'shortcuts:depth=56,points=5',
      look: t`Two random directions with the lengths of the filters (Li et al. 2018), around ResNet-56 and the same net without its shortcuts. In the corners the second loses by orders of magnitude more. Nets that have hardly trained do not show it, so this takes some minutes where no GPU helps.`,
    },
    t`**Dense** connections (Huang et al. 2017) go further, each layer reads all before it, and **highway** nets let a gate decide how much passes. Both rest on the same idea: a short way for the gradient.`,
  ],
  question: t`A plain net of 56 layers has a higher error than one of 20 on the training images, not only on test images. Why is that no overfitting, and what does it say about the net?`,
  answer: t`An overfitted net has a small training error. Here the deeper net cannot even fit what it sees, although it contains the shallower one (its last 36 layers could be the identity). So the solution exists and descent does not find it: the fault is one of optimisation, which is what shortcuts mend.`,
  train: {
    what: 'ResNet-20 on 2,000 images. Compare it with `plain20`, the same net without its shortcuts, and then both with 32 layers.',
    texts: { model: 'resnet20', optimizer: 'momentum', lr: '0.05', limitTrain: '2000', epochs: '3' },
  },
};
