/** What `descent bench peers`, `bench inference` and `bench scaling` keep of what they timed before a net failed or a signal ended them. */
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { datasetFolder } from '../../datasets/node/cache.ts';
import { descent, words } from '../support/process/command.ts';
import { scratchFolders } from '../support/process/scratch.ts';

const test = suite('what a benchmark keeps');
const scratch = scratchFolders(test);

const keys = (folder: string, part: 'peers' | 'inference') =>
  Object.entries(JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8'))[part]).map(([net, rows]) => [net, Object.keys(rows as object)]);

test('bench peers writes the nets that were timed before one whose data cannot be read', async () => {
  const folder = await scratch();
  symlinkSync(datasetFolder('fashion-mnist'), join(folder, 'fashion-mnist'));
  writeFileSync(join(folder, 'cifar10'), 'no folder');
  const command = 'bench peers lenet5 resnet20 --peers pytorch-cuda --rounds 1 --data-dir . --out out.json';
  const { code, out, err } = await descent(words(command), folder);
  assert.is(code, 1);
  assert.match(err, /cifar10/);
  assert.match(out, /written to out\.json/);
  assert.equal(
    keys(folder, 'peers').map(([net]) => net),
    ['lenet5'],
  );
});

test('bench inference that is stopped writes what was timed before, and leaves no folder of nets', async () => {
  const folder = await scratch();
  const command = 'bench inference lenet5 --peers ort-wasm --rounds 1 --batches 1,20000 --out out.json';
  const { code, out, err } = await descent(words(command), folder, {
    env: { TMPDIR: folder },
    onLine: (line, signal) => line.startsWith('ort-wasm') && signal('SIGINT'),
  });
  assert.is(code, 130, err);
  assert.match(out, /written to out\.json\n$/);
  assert.equal(keys(folder, 'inference'), [['lenet5', ['1']]]);
  assert.equal(
    readdirSync(folder).filter(name => name.startsWith('descent-inference')),
    [],
  );
});

test('bench scaling that is stopped writes the points that were timed before', async () => {
  const folder = await scratch();
  const { code, out, err } = await descent(words('bench scaling --points 1,110 --out out.json'), folder, {
    onLine: (line, signal) => line.startsWith('batch on') && signal('SIGINT'),
  });
  assert.is(code, 130, err);
  assert.match(out, /written to out\.json\n$/);
  const { scaling } = JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8')) as { scaling: Record<string, { at: number }[]> };
  assert.equal(
    Object.entries(scaling).map(([axis, rows]) => [axis, rows.map(row => row.at)]),
    [
      ['batch', [1, 1]],
      ['depth', []],
    ],
  );
});

test.run();
