/** Every variant that fits a call of any model in f16 compiles on a device of WebGPU's default limits; see default-limits.test.ts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { models } from '../../models/index.ts';
import { rules } from '../../optim/index.ts';
import { optimizer } from '../../optim/optimizer.ts';
import { limited, refused, step } from '../support/default-limits.ts';

const test = suite('default limits in f16');

for (const name of Object.keys(models)) {
  test(`${name} compiles`, async () => {
    const device = await limited(true);
    const ops = step(device, name, optimizer(rules.sgd!), true);
    assert.equal(await refused(device, ops, true), []);
  });
}

test.run();
