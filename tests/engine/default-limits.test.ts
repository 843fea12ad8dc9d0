/**
 * A device of WebGPU's default limits, to which adapters with more hold us to nothing: every variant that fits a call of any model or rule
 * must compile on it; the deeper models of a family, and those in f16 (default-limits.long.ts), in the long tests.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { models } from '../../models/index.ts';
import { rules } from '../../optim/index.ts';
import { optimizer } from '../../optim/optimizer.ts';
import * as pieces from '../../optim/pieces.ts';
import { limited, refused, step } from '../support/default-limits.ts';
import { isLongRun } from '../support/long.ts';

const test = suite('default limits');
const all = [
  pieces.clipNorm(1),
  pieces.clipValue(1),
  pieces.gradNoise(0.1),
  pieces.weightDecay(0.1),
  pieces.l1(0.1),
  pieces.lookahead(5),
  pieces.ema(0.9),
];

for (const half of isLongRun ? [false, true] : [false]) {
  const device = await limited(half);
  test(`every rule compiles with all that can be around it${half ? ' in f16' : ''}`, async () => {
    for (const [name, rule] of Object.entries(rules)) {
      if (half && rule.probes) continue; // refused with --precision f16
      const ops = step(device, 'lenet5', optimizer(rule, {}, rule.average ? all.slice(0, -1) : all), half);
      assert.equal(await refused(device, ops, half), [], name);
    }
  });
}

/** Whose kernels most of the others have; npm run test:long takes all. */
const USUAL = ['lenet5', 'resnet20', 'airbench'];

test('every model compiles', async () => {
  const device = await limited();
  const { maxComputeWorkgroupStorageSize, maxStorageBuffersPerShaderStage } = device.gpu.limits;
  assert.equal([maxComputeWorkgroupStorageSize, maxStorageBuffersPerShaderStage], [16384, 8]);
  for (const name of Object.keys(models).filter(one => isLongRun || USUAL.includes(one))) {
    const ops = step(device, name, optimizer(rules.sgd!), false);
    assert.equal(await refused(device, ops, false), [], name);
  }
});

test.run();
