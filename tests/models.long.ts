/** The families whose steps take long on a software adapter; run with --long. */
import { suite } from 'uvu';
import { FAMILIES, learns } from './families.ts';

const test = suite('models, the large ones');

for (const family of FAMILIES.filter(f => f.long)) test(`${family.spec} learns: the loss of ${family.batch} real images falls`, () => learns(family));

test.run();
