import type { Lesson } from './lesson.ts';

const t = String.raw;

export const augmentation: Lesson = {
  topic: 'augmentation',
  title: 'Augmentation',
  about: t`More images from those there are, by changes that keep the label.`,
  blocks: [
    t`A net with many weights can learn few samples by heart. More data help most; augmentation makes them, by flips, crops, colours or mixtures under which the answer stays. It tells the net which differences do not matter. **Mixup** blends images and labels alike:`,
    {
      tex: t`\tilde x = \lambda x_i + (1-\lambda) x_j, \qquad \tilde y = \lambda y_i + (1-\lambda) y_j, \qquad \lambda \sim \operatorname{Beta}(\alpha, \alpha)`,
    },
    t`**Cutout** hides a square, **cutmix** fills it from another image. A change that does alter the label (a 6 turned upside down) is noise. And it slows learning: within few passes a net without augmentation is often ahead.`,
    {
      title: 'Ten points by heart',
      experiment: 'ten-points',
      look: t`What augmentation is against: the error on the points vanishes while the curve between them is wrong.`,
    },
    {
      title: 'Cut, mixed and as they are',
      experiment: 'augmentations:limit_train=300,limit_test=500,epochs=5',
      controls: [{ option: 'epochs', label: 'Passes', values: [3, 5, 10] }],
      look: t`LeNet-5 on 300 images. What augmentation is to close is the distance between training accuracy and test accuracy. In so few passes that is small yet, and most of them lower both: they slow learning. Whether they raise the second in the end depends on how long one trains.`,
    },
    t`Which changes are right is knowledge about the task that the images themselves do not hold. Garments may be mirrored, digits may not; colours may be shifted for shapes and not for ripeness. **AugMix** mixes several chains of mild changes and asks that the answers agree, which helps on images that are disturbed in ways never seen.`,
    t`At test time the same idea works without any training: predict several crops and the mirror image, and average. It costs as many passes as there are views and brings about as much as a slightly better net.`,
  ],
  question: t`Which augmentations would be right for the points of a function such as a sine, and which wrong?`,
  answer: t`Shifts by a period and the mirror image with a changed sign keep the rule; a shift by half a period does not. Augmentation is knowledge of symmetries.`,
  train: {
    what: 'LeNet-5 with shifts, flips and cutout on few images. Compare with none over more epochs.',
    texts: { model: 'lenet5', augment: 'crop:padding=2,flip,cutout:8', limitTrain: '2000', epochs: '10' },
  },
};
