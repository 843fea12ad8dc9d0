/** Fine-tuning of torchvision's large nets beside PyTorch's. */
import { suite } from 'uvu';
import { finetuneCases, finetunes } from '../../support/finetune.ts';

const test = suite('fine-tuning of large nets beside PyTorch');
for (const c of finetuneCases.filter(c => c.model !== 'small' && c.name !== 'resnet18')) {
  test(`${c.name}: features, losses and weights of three steps`, () => finetunes(c));
}
test.run();
