/** The processes of peers: they work in turns, and none is left behind. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startProcess, type Work } from '../../bench/peers/process.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('processes of peers');

const script = `
  const send = message => console.log(JSON.stringify(message));
  send({ ready: { adapter: String(process.pid), version: '1.2' } });
  require('node:readline').createInterface(process.stdin).on('line', line => {
    const { run } = JSON.parse(line);
    if (run === 9) throw new RangeError('nine steps');
    send({ ms: Array(run).fill(5), cpu: [5], losses: [0], peak: 1000 });
  });`;
const work: Work = { name: 'a peer', work: 'lenet5, batch 1', command: process.execPath, args: ['-e', script] };

/** As Linux tells it: T for one that is held; undefined where there is none. */
const stateOf = (pid: string): string | undefined =>
  existsSync(`/proc/${pid}/stat`) ? /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))![1] : undefined;

/** Waits for a state, since a signal arrives a moment after it was sent; one that does not come within ten seconds is told as what is there. */
async function reaches(pid: string, states: readonly (string | undefined)[]): Promise<void> {
  const end = performance.now() + 10_000;
  while (!states.includes(stateOf(pid)) && performance.now() < end) await new Promise(resolve => setTimeout(resolve, 5));
  assert.ok(states.includes(stateOf(pid)), `process ${pid} is in state ${stateOf(pid)}, not in ${states.join(' or ')}`);
}

test('a peer is held between its turns, says what it took, and is told by its error when it ends', async () => {
  const peer = await startProcess(work);
  assert.equal([peer.version, peer.usual, peer.peak()], ['1.2', 5, 1000]);
  const { adapter: pid } = peer.ready;
  if (process.platform === 'linux') await reaches(pid, ['T']);
  assert.equal(await peer.step(3), [5, 5, 5]);
  assert.match(await refusal(() => peer.step(9)), /^a peer: its process ended on lenet5, batch 1: RangeError: nine steps; leave it out/);
  await peer.close();
  assert.is(stateOf(pid), undefined);
});

if (process.platform === 'linux')
  test('one that is held ends with the process that started it', async () => {
    const module = JSON.stringify(new URL('../../bench/peers/process.ts', import.meta.url).href);
    const parent = `import(${module}).then(async ({ startProcess }) => {
      const { ready } = await startProcess(${JSON.stringify(work)});
      process.stdout.write(ready.adapter, () => process.exit());
    });`;
    const { stdout } = spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), '-e', parent], { encoding: 'utf8' });
    assert.match(stdout, /^\d+$/);
    await reaches(stdout, [undefined, 'Z', 'X']);
  });

test.run();
