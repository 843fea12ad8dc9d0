/** What `descent bench distributed` says of its measurements, and of options under which nothing can be measured. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FEWEST, LASTS, MOST } from '../../bench/distributed.ts';
import { cellsOf } from '../../cli/bench/distributed.ts';
import { called } from '../support/process/called.ts';
import { words } from '../support/process/command.ts';

const test = suite('bench distributed');

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

test.run();
