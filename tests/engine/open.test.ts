/** openDevice as a program meets it: what it gives, and what it says where something is not as it should be. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDevice, type DeviceOptions } from '../../engine/open.ts';
import { browserPlatform, usePlatform } from '../../engine/platform.ts';
import { nodePlatform } from '../../train/run/node/platform.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('openDevice');
test.before.each(() => usePlatform(nodePlatform));
test.after(() => usePlatform(nodePlatform));

test('opens the best adapter, one by its kind, and one that is given; tunes where it is asked to', async () => {
  const device = await openDevice();
  assert.is(device.tuner !== undefined, !device.report.software);
  device.close();
  const adapter = await nodePlatform.adapter();
  const tuned = await openDevice({ adapter, tune: true });
  assert.ok(tuned.tuner);
  assert.is(tuned.report.description, device.report.description);
  tuned.close();
});

test('in a browser takes what the browser gives, and says what is missing', async () => {
  usePlatform(browserPlatform);
  assert.match(
    await refusal(() => openDevice({ adapter: 'lavapipe' })),
    /^adapter: 'lavapipe' is a name, and a browser does not say .*; leave it out/,
  );
  assert.match(await refusal(() => openDevice()), /^this browser has no WebGPU, or not on this page; use Chrome/);
  const given = await nodePlatform.adapter();
  (await openDevice({ adapter: given, tune: false })).close();
});

test('what is no adapter is refused, in plain JavaScript too', async () => {
  assert.match(await refusal(() => openDevice({ adapter: 'no such' })), /^adapter: no adapter matches 'no such'; this machine has /);
  const before = process.env.DESCENT_ADAPTER;
  process.env.DESCENT_ADAPTER = 'no such';
  try {
    assert.match(await refusal(() => openDevice()), /^DESCENT_ADAPTER: no adapter matches 'no such'; this machine has /);
  } finally {
    if (before === undefined) delete process.env.DESCENT_ADAPTER;
    else process.env.DESCENT_ADAPTER = before;
  }
  for (const adapter of [{}, null, 3]) {
    assert.is(
      await refusal(() => openDevice({ adapter: adapter as never })),
      'adapter: it is neither a GPUAdapter nor a name; leave it out, and the strongest is taken',
    );
  }
  assert.is(
    await refusal(() => openDevice({ adaptr: 'lavapipe' } as DeviceOptions)),
    "unknown option of openDevice 'adaptr'; did you mean 'adapter'? known: adapter, tune, onTune, onNote, profile",
  );
});

test('devices are given back before a process ends, in whatever it is', () => {
  const program = `
    import { openDevice } from './engine/open.ts';
    import { useNode } from './train/run/node/platform.ts';
    useNode();
    const [open, closed] = [await openDevice(), await openDevice()];
    closed.close();
    await closed.gpu.lost;
    for (const [name, { gpu }] of Object.entries({ open, closed })) gpu.destroy = () => console.log(name);
    process.exit(3);`;
  const node = ['--import', 'tsx', '--input-type=module', '-e', program];
  const { status, stdout, stderr } = spawnSync(process.execPath, node, { encoding: 'utf8', cwd: join(import.meta.dirname, '../..') });
  assert.equal([status, stdout], [3, 'open\n'], stderr);
});

test.run();
