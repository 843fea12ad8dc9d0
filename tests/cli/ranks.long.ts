/** The death of a rank under each method, a signal and a full disk: jobs as in ranks.test.ts. */
import { readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { methods } from '../../train/distribute/methods.ts';
import { readCheckpoint } from '../../train/run/node/checkpoint-files.ts';
import { descent, words } from '../support/process/command.ts';
import { job, METHODS, started, survivesDeath, weightsOf } from '../support/process/job.ts';
import { launchers, sayMissing } from '../support/process/mpirun.ts';
import { scratchFolders } from '../support/process/scratch.ts';

const test = suite('ranks, the long ones');
const scratch = scratchFolders(test);
sayMissing('cli/ranks.long.ts');

for (const [at, method] of METHODS.entries()) {
  if (!at || !launchers.length) continue; // the first is in ranks.test.ts
  test(`${method[0]}: the death of a rank ends the job, the last checkpoint is whole, and the other library goes on`, async () =>
    survivesDeath(method, at, await scratch()));
}

const [first] = launchers;
const last = launchers.at(-1);
if (first && last) {
  test('a signal keeps a checkpoint, a full disk costs none, and another number of ranks goes on or is refused', async () => {
    const cwd = await scratch();
    const folder = join(cwd, 'run');
    let asked = false;
    const ended = await started(first, 2, '--distribute easgd:every=2 --out run --epochs 400', {
      cwd,
      env: { OMPI_MCA_odls_base_sigkill_timeout: '3' }, // Open MPI waits as long before the signal too, and a rank that prints meanwhile never sees it
      onLine(line, signal) {
        if (!asked && line.startsWith('epoch 3/')) signal('SIGTERM');
        asked ||= line.startsWith('epoch 3/');
      },
    });
    assert.is.not(ended.code, 0);
    assert.match(ended.err, /stopped at step \d+ of 1600; continue with: mpirun -n 2 descent train --resume run/);
    const { step } = readCheckpoint(folder);
    assert.ok(step > 8, `the checkpoint is of step ${step}`);
    const before = weightsOf(folder);

    symlinkSync('/dev/full', join(folder, 'state.safetensors.new'));
    const full = await job(last, 2, '--resume run --epochs 401', { cwd });
    assert.is.not(full.code, 0);
    assert.match(
      full.err,
      'run/model.safetensors: cannot be written, the disk is full; free some space, then continue from the last checkpoint',
    );
    assert.equal(weightsOf(folder), before);

    const alone = await descent(words('train --resume run --epochs 20 --quiet'), cwd);
    assert.match(alone.err, 'run: 2 ranks trained in it, and each holds a state of its own; 1 was started; start 2\n');
    assert.equal(
      readdirSync(folder).filter(name => name === 'lock'),
      [],
    );
  });
}

for (const { name, command } of launchers) {
  test(`bench distributed starts jobs of 1 and 2 ranks with ${command}, and measures each method in both`, async () => {
    const asked = words(`bench distributed mlp:hidden=16 --dataset shapes --steps 12 --ranks 1,2 --json --mpirun ${command}`);
    const { code, out, err } = await descent(asked, await scratch(), { env: { DESCENT_ADAPTER: 'lavapipe' } });
    assert.is(code, 0, err);
    const { jobs, predicted } = JSON.parse(out);
    assert.equal(
      jobs.map((job: { ranks: number }) => job.ranks),
      [1, 2],
    );
    for (const { library, alone, apart, means, methods: rows } of jobs) {
      assert.match(library, name);
      assert.ok(alone > 0 && apart > 0 && means.every(({ ms }: { ms: number }) => ms > 0));
      assert.equal(
        rows.map((row: { method: string }) => row.method),
        Object.keys(methods),
      );
      assert.ok(rows.every(({ ms }: { ms: number }) => ms > 0));
    }
    const [sync] = jobs[1].methods;
    assert.ok(sync.hidden >= 0 && sync.hidden <= 1);
    assert.equal(
      predicted.efficiency.map(({ ranks }: { ranks: number }) => ranks),
      [2, 4, 16, 64, 256, 1024],
    );
  });
}

test.run();
