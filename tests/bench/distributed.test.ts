/** What `descent bench distributed` says of its measurements, and of options under which nothing can be measured. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FEWEST, LASTS, MOST } from '../../bench/distributed.ts';
import { cellsOf } from '../../cli/bench/distributed.ts';
import { called } from '../support/process/called.ts';
import { descent, words } from '../support/process/command.ts';
import { launchers, sayMissing } from '../support/process/mpirun.ts';
import { scratchFolders } from '../support/process/scratch.ts';

sayMissing('bench/distributed.test.ts');

const test = suite('bench distributed');
const scratch = scratchFolders(test);

test('overhead and efficiency of a method are of steps that took longer than plain ones', () => {
  const job = { ranks: 2, alone: 8, apart: 10 };
  assert.equal(cellsOf({ method: 'sync', ms: 12.5, hidden: 0.25 }, job, 0.9), [
    'sync',
    '12.50',
    '2.50',
    '80.0%',
    '1.28x',
    '90.0%',
    '25.0%',
    '',
  ]);
  assert.equal(cellsOf({ method: 'easgd', ms: 8, staleness: 0.5 }, job, 0.9), ['easgd', '8.00', '', '', '2.00x', '', '', '0.50']);
});

test('help says how many steps are timed where nobody says how many', async () => {
  const { out } = await called(words('bench distributed --help'), '.');
  assert.match(out.replace(/\s+/g, ' '), `(default: ${LASTS / 1000} seconds of them, ${FEWEST} to ${MOST})`);
});

test('what a rank is refused for is the one line that is said, and it advises what is taken', async () => {
  if (!launchers.length) return;
  const refused = async (at: number, more: string) => {
    const { command } = launchers.at(at)!;
    const line = `bench distributed mlp --dataset two-moons --ranks 2 --steps 9 --mpirun ${command} --adapter lavapipe ${more}`;
    const { code, out, err } = await descent(words(line), await scratch());
    assert.is(code, 1, out);
    assert.is(out, '');
    return err;
  };
  const few = 'bench distributed: an epoch has 4 steps of each rank, and 11 are made; give --steps 2, or give a smaller --batch-size\n';
  assert.is(await refused(0, '--batch-size 125'), few);
  const none = 'bench distributed: an epoch has 1 step of each rank, and 11 are made; give a smaller --batch-size\n';
  assert.is(await refused(-1, '--batch-size 500'), none);
});

test.run();
