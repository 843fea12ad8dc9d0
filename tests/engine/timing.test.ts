/** How long jobs take. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withProgram } from '../../engine/compute.ts';
import { Device } from '../../engine/device.ts';
import { openAdapter } from '../../engine/node/adapters.ts';
import { time } from '../../engine/timing.ts';
import { elementwise } from '../../shaders/kernel/elementwise.ts';
import { useNode } from '../../train/run/node/platform.ts';

const test = suite('timing');
test.before(useNode);

test('where the clock of a GPU stands still, the wall clock counts', async () => {
  const device = await Device.open(await openAdapter());
  Object.assign(device, { report: { ...device.report, software: false } });
  const encoder = device.gpu.createCommandEncoder.bind(device.gpu);
  device.gpu.createCommandEncoder = () => Object.assign(encoder(), { resolveQuerySet: () => undefined }); // begin and end are both 0
  const [timing] = await withProgram(
    device,
    g => {
      const [v, y] = ['v', 'y'].map(name => g.persistent('input', name, [64]));
      g.run(elementwise, { n: 64, f: 'v' }, { v: v!, y: y! });
    },
    ({ commands }) => time(device, [{ commands }], { rounds: 1, target: 1 }),
  );
  device.close();
  for (const [what, ms] of Object.entries(timing!)) assert.ok(ms > 0, `${what}: ${ms} ms`);
});

test.run();
