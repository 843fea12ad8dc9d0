/** Fine-tuning of torchvision's large nets beside PyTorch's. */
import { suite } from 'uvu';
import { deviceFor, testWhere } from '../../support/check.ts';
import { finetuneCases, finetunes } from '../../support/finetune.ts';

const test = suite('fine-tuning of large nets beside PyTorch');
/** Bytes of the largest dense layer of those that have one; software drivers bind less at once. */
const LARGEST: Readonly<Record<string, number>> = { alexnet: 4 * 4096 * 9216, vgg11: 4 * 4096 * 25088, vgg11_bn: 4 * 4096 * 25088 };
const { maxBinding } = (await deviceFor()).profile;

for (const c of finetuneCases.filter(c => c.model !== 'small')) {
  const fits = (LARGEST[c.name] ?? 0) <= maxBinding;
  testWhere(
    test,
    fits,
    'the adapter does not bind its largest layer at once',
  )(`${c.name}: features, losses and weights of three steps`, () => finetunes(c));
}
test.run();
