/** A comparison or a search that is stopped keeps what is complete. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { tellStopped } from '../../cli/study/stopped.ts';
import { longTests } from '../support/long.ts';
import { called } from '../support/process/called.ts';
import { descent, words, type Ended } from '../support/process/command.ts';
import { printed } from '../support/process/printed.ts';
import { scratchFolders } from '../support/process/scratch.ts';

const test = suite('stopped');
const scratch = scratchFolders(test);
const IMAGES = '--dataset shapes --limit-train 200 --epochs 1';
const SCHEDULES = words(`compare schedules --model mlp:hidden=8 --limit-test 20 ${IMAGES} --out picture.svg`);

/** The command, sent a signal at the first line that matches. */
const stoppedAt = (args: readonly string[], folder: string, line: RegExp, signal: NodeJS.Signals): Promise<Ended> => {
  let sent = false;
  return descent(args, folder, {
    onLine(said, send) {
      if (sent || !line.test(said)) return;
      sent = true;
      send(signal);
    },
  });
};

for (const [signal, exit] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  (signal === 'SIGINT' ? test : longTests(test))(`compare: ${signal} leaves table and picture of what is complete`, async () => {
    const folder = await scratch();
    const { code, out, err } = await stoppedAt(SCHEDULES, folder, /^constant: /, signal);
    assert.is(code, exit, err);
    const [, complete] =
      /\nstopping after this step; Ctrl-C again ends at once\n[^]*stopped: (\d) of 10 are complete, table and picture show those\n$/.exec(
        err,
      ) ?? [];
    assert.ok(Number(complete) >= 1, err);
    const rows = out.trimEnd().split('\n').slice(1, -1);
    assert.is(rows.length, Number(complete), out);
    assert.match(out, /^constant +\d/m);
    assert.match(out, /\n\d+ s; picture in picture\.svg\n$/);
    assert.match(readFileSync(join(folder, 'picture.svg'), 'utf8'), `Schedules (${complete} of 10)`);
  });
}

test('compare: with --json the lines of what is complete and how many there are', async () => {
  const folder = await scratch();
  const { code, out } = await stoppedAt([...SCHEDULES, '--json'], folder, /"variant":"constant"/, 'SIGINT');
  assert.is(code, 130);
  const lines = out
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as { variant?: string; stopped?: { complete: number; of: number }; pictures?: string[] });
  const complete = lines.filter(line => line.variant).length;
  assert.equal(lines.slice(complete), [{ stopped: { complete, of: 10 } }, { pictures: ['picture.svg'] }]);
});

test('of parts that make no rows it says so, and neither table nor picture is made; a run that is complete is told as such', async () => {
  const before = process.exitCode;
  const interrupt = { asked: true, trains: false, code: 130, end() {} };
  try {
    const shows = (complete: number, of: number, rows: number) => tellStopped(interrupt, complete, of, rows, { json: true });
    const said = await printed(async () => {
      assert.equal([shows(1, 4, 0), shows(0, 4, 0), shows(1, 4, 1)], [false, false, true]);
      assert.is(process.exitCode, 130);
      assert.ok(shows(4, 4, 0));
    });
    assert.is(said.split('\n')[0], '{"stopped":{"complete":1,"of":4}}');
  } finally {
    process.exitCode = before;
  }
});

test('sweep: stopped it says how to go on, and goes on so', async () => {
  const folder = await scratch();
  const args = words(`sweep mlp:hidden=8 ${IMAGES} --grid lr=0.1,0.01,0.001 --grid batch-size=16,32 --out found`);
  const { code, out, err } = await stoppedAt(args, folder, /^1\/6 /, 'SIGTERM');
  assert.is(code, 143, err);
  const [, complete] = /stopped: (\d) of 6 runs are complete; the same command goes on with the others\n$/.exec(err) ?? [];
  const lines = () => readFileSync(join(folder, 'found/results.jsonl'), 'utf8').trimEnd().split('\n').length;
  assert.is(lines(), Number(complete), out);
  const again = await called(args, folder);
  assert.is(again.refusal, '');
  assert.match(again.out, `6 runs, ${complete} of them done already; `);
  assert.is(lines(), 6);
});

test.run();
