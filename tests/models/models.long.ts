/** The families whose steps take long on a software adapter; run with --long. */
import { suite } from 'uvu';
import { FAMILIES, learns } from '../support/families.ts';
import { cases, isLong, matches, specOf } from '../support/network.ts';

const test = suite('models, the large ones');

for (const family of FAMILIES.filter(f => f.long)) {
  test(`${family.spec} learns: the loss of ${family.batch} real images falls`, () => learns(family));
}

for (const c of cases.filter(isLong)) {
  test(`${specOf(c)} on ${c.input.join('x')}: logits, loss, gradients, running statistics`, () => matches(c));
}

test.run();
