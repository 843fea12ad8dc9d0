/** Fine-tuning of small nets beside PyTorch's; finetune.long.ts has the large ones. */
import { suite } from 'uvu';
import { finetuneCases, finetunes } from '../../support/finetune.ts';

const test = suite('fine-tuning beside PyTorch');
for (const c of finetuneCases.filter(c => c.model === 'small')) {
  test(`${c.name}: features, losses and weights of three steps`, () => finetunes(c));
}
test.run();
