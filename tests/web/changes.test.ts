/** Runs that are changed while they train, and branches of them, by the session of their worker: to the bit what their configuration says. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import '../../node.ts';
import { parseConfig, type RunConfig } from '../../train/config/config.ts';
import { decodeCheckpoint } from '../../train/fit/read-checkpoint.ts';
import type { OpenOptions, RunEvent } from '../../web/worker/protocol.ts';
import { Session } from '../../web/worker/session.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('changes in a session');
const SMALL = {
  dataset: 'shapes',
  batchSize: '16',
  limitTrain: '160',
  limitTest: '20',
  logEvery: '1',
  epochs: '8',
  optimizer: 'momentum',
  lr: '0.002',
};
const NONE = { files: {}, folders: {} };

/** A session, and the steps that it has told of. */
async function opened(config: RunConfig, options: Partial<OpenOptions> = {}) {
  const told: RunEvent[] = [];
  const steps = () => told.flatMap(event => (event.kind === 'metrics' ? event.lines.flatMap(l => ('split' in l ? [] : [l.step])) : []));
  const session = new Session(event => void told.push(event));
  const facts = await session.open(config, { base: 'http://localhost/', evalEvery: 0, ...options }, NONE);
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise(resolve => setTimeout(resolve, 2));
  };
  return {
    session,
    facts,
    steps,
    pastStep: (step: number) => until(() => (steps().at(-1) ?? 0) >= step),
    /** The states in which it came to an end, so many times. */
    ended: async (times: number) => {
      const ends = () => told.flatMap(e => (e.kind === 'state' && (e.state === 'done' || e.state === 'failed') ? [e.state] : []));
      await until(() => ends().length >= times);
      return ends();
    },
    at: () => told.findLast(e => e.kind === 'rewind')?.step,
  };
}
const weights = async ({ session }: Awaited<ReturnType<typeof opened>>) => Buffer.from(await session.exportWeights(false));

test('a run that is changed twice while it trains is the one that its configuration describes, and branches of it are too', async () => {
  const config = parseConfig('mlp:hidden=8', SMALL);
  const run = await opened(config);
  assert.is(run.facts.changes, undefined);
  run.session.play();
  await run.pastStep(6);
  const first = (await run.session.change({ lr: '0.001', momentum: '0.5' })).changes!;
  await run.pastStep(12);
  const { changes } = await run.session.change({ augment: 'flip', weightDecay: '0.001' });
  const file = await run.session.checkpoint();
  await run.ended(1);
  assert.match(
    changes!,
    /^\d+: lr=0\.001 momentum=0\.5; \d+: weight-decay=0\.001 augment=flip$|^\d+: lr=0\.001 momentum=0\.5; \d+: augment=flip weight-decay=0\.001$/,
  );
  assert.ok(changes!.startsWith(first));
  assert.equal(
    run.steps(),
    Array.from({ length: run.facts.total }, (_, i) => i + 1),
  );

  const again = await opened({ ...config, changes });
  again.session.play();
  await again.ended(1);
  assert.ok((await weights(again)).equals(await weights(run)));

  const step = decodeCheckpoint(file).state.counters.steps;
  const same = await opened({ ...config, changes }, { branch: { file, values: {} } });
  assert.equal([same.at(), same.facts.changes], [step, changes]);
  const other = await opened({ ...config, changes }, { branch: { file, values: { lr: '0.0005' } } });
  assert.is(
    other.facts.changes!.endsWith(
      `${step}: ${step === Number(/; (\d+):/.exec(changes!)![1]) ? 'augment=flip weight-decay=0.001 ' : ''}lr=0.0005`,
    ),
    true,
  );
  for (const { session } of [same, other]) session.play();
  await Promise.all([same.ended(1), other.ended(1)]);
  assert.is(same.steps()[0], step + 1);
  assert.ok((await weights(same)).equals(await weights(run)));
  assert.not.ok((await weights(other)).equals(await weights(run)));

  const long = await run.session.extend(run.facts.total / run.facts.stepsPerEpoch + 2);
  assert.is(long.changes, changes);
});

test('a run that is played while it is made anew trains what comes of that, and more epochs that are asked for twice come once', async () => {
  const run = await opened(parseConfig('mlp:hidden=8', { ...SMALL, epochs: '1' }));
  const epoch = run.facts.stepsPerEpoch;
  run.session.play();
  await run.ended(1);
  const [first, second] = [run.session.extend(2), run.session.extend(2)];
  await first;
  run.session.play();
  assert.is((await second).total, 2 * epoch);
  assert.equal(await run.ended(2), ['done', 'done']);
  assert.is(run.steps().at(-1), 2 * epoch);
  await run.session.reset();
  void run.session.reset();
  run.session.play();
  assert.equal(await run.ended(3), ['done', 'done', 'done']);
});

test('what cannot be is refused in a line, and the run is as it was', async () => {
  const run = await opened(parseConfig('mlp:hidden=8', SMALL));
  for (const [values, message] of [
    [{ lr: '-1' }, 'changes: lr: -1 is out of range; give a number of at least 0'],
    [{ momentum: '1' }, 'changes after step 0: momentum: momentum is 1; give a number of at least 0 and below 1'],
    [{ augment: 'crop:40' }, 'augment: crop: padding 40 does not fit images of 32x32; give 1 to 31'],
  ] as const)
    assert.is(await refusal(() => run.session.change(values)), message);
  assert.is((await run.session.change({ lr: '0.0020' })).changes, undefined);
});

test.run();
