/** 5,000 steps of lenet5: memory of host and device stays flat. Prints what it measures. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openDataset } from '../../../datasets/node/open.ts';
import { parseConfig } from '../../../train/config/config.ts';
import { recipeOf } from '../../../train/config/recipe-of.ts';
import { openTrainer } from '../../../train/run/open.ts';
import { deviceFor } from '../../support/check.ts';

const test = suite('soak');
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const MIB = 2 ** 20;

test('5,000 steps of lenet5 keep heap, process and device memory flat', async () => {
  const dataset = await openDataset('fashion-mnist', { limitTrain: 12_800, limitTest: 1000, quiet: true });
  const { trainer } = await openTrainer(
    recipeOf(parseConfig('lenet5', { batchSize: '64', valSplit: '0', lr: '0.001' })),
    dataset,
    await deviceFor(),
  );
  const marks: { heap: number; rss: number; device: number }[] = [];
  for (let step = 1; step <= 5000; step++) {
    await trainer.step(step % 50 === 0);
    trainer.arrived();
    if (step % 500) continue;
    const [line] = (await trainer.settle()).slice(-1);
    await new Promise(resolve => setTimeout(resolve, 50));
    collect();
    const { heapUsed, rss } = process.memoryUsage();
    marks.push({ heap: heapUsed, rss, device: trainer.memory.bytes });
    const sizes = Object.entries({ heap: heapUsed, process: rss, device: trainer.memory.bytes });
    const said = sizes.map(([what, bytes]) => `${what} ${(bytes / MIB).toFixed(2)} MiB`).join(', ');
    console.log(`  step ${step}: ${said}${line ? `, loss ${line.loss.toFixed(3)}` : ''}`);
  }
  const [, second] = marks;
  const last = marks.at(-1)!;
  assert.is(last.device, second!.device);
  assert.ok(
    last.heap - second!.heap < 0.5 * MIB,
    `heap grew by ${((last.heap - second!.heap) / MIB).toFixed(2)} MiB from step 1,000 to 5,000`,
  );
  // the driver's threads take and give back some 15 MiB by chance (12,000 steps ended at what 1,000 had); 8 KiB a step would be 32
  assert.ok(
    last.rss - second!.rss < 24 * MIB,
    `the process grew by ${((last.rss - second!.rss) / MIB).toFixed(1)} MiB from step 1,000 to 5,000`,
  );
  trainer.destroy();
});

test.run();
