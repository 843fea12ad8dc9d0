import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { evaluation, loop, type Fitted, type LoopOptions, type LoopState } from '../../../train/run/loop.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('loop');

const afterEpochs = (patience: number) => ({ watched: 'accuracy', patience }) as const;

interface Run
  extends Partial<
    Pick<LoopOptions, 'total' | 'logEvery' | 'validate' | 'evalEvery' | 'earlyStop' | 'checkpointAfter' | 'checkpointEvery'>
  > {
  readonly from?: number;
  readonly state?: LoopState;
  /** The run is asked to stop once so many steps are done. */
  readonly stopAt?: number;
  /** The turn after so many steps is refused. */
  readonly pauseAt?: number;
  /** Accuracy on the validation images after a step. */
  readonly accuracy?: (step: number) => number;
}

/** Runs the loop with ten steps an epoch on a trainer that only counts; tells what happened in order. Its weights are the number of the step. */
async function told({ from = 0, state = { evaluated: [] }, stopAt, pauseAt, accuracy = () => 0, ...options }: Run): Promise<string[]> {
  const said: string[] = [];
  let steps = from;
  let waiting: number[] = [];
  const arrived: number[] = [];
  const lines = (done: number[]) => done.map(step => ({ step, epoch: step / 10, loss: 0, accuracy: 0, lr: 0, images_per_s: 0 }));
  const trainer: Fitted = {
    get steps() {
      return steps;
    },
    stepsPerEpoch: 10,
    async step(log) {
      // metrics come back one step late
      steps++;
      arrived.push(...waiting);
      waiting = log ? [steps] : [];
    },
    arrived: () => lines(arrived.splice(0)),
    settle: async () => lines([...arrived.splice(0), ...waiting.splice(0)]),
    evaluate: async () => ({ loss: 1, accuracy: accuracy(steps) }),
    observe: () => void said.push(`observe ${steps}`),
    evaluatedWeights: async () => ({ w: { shape: [1], data: Float32Array.of(steps) } }),
    loadWeights: async ({ w }) => void said.push(`load ${w!.data[0]}`),
  };
  const ended = await loop(trainer, {
    total: 23,
    logEvery: 4,
    validate: true,
    ...options,
    state,
    stopped: () => steps === stopAt,
    turn: async work => {
      if (steps === pauseAt) return false;
      await work();
      return true;
    },
    onMetrics: l => void said.push(`log ${l.step}`),
    onBest: ({ w }) => void said.push(`best ${w!.data[0]}`),
    onEvaluation: l => void said.push(`val ${l.step} ${l.epoch}`),
    async onCheckpoint() {
      await trainer.settle(); // as reading the state does
      said.push(`keep ${steps}`);
    },
  });
  return [...said, ended];
}

const whole = [
  ...['log 4', 'log 8', 'log 10', 'observe 10', 'best 10', 'val 10 1', 'keep 10'],
  ...['log 12', 'log 16', 'log 20', 'observe 20', 'val 20 2', 'keep 20'],
  ...['log 23', 'observe 23', 'val 23 2.3', 'keep 23'],
  'complete',
];
/** Better in the first and third epoch, never again. */
const rising = (step: number) => Math.min(step, 30) / 100 - (step === 20 ? 0.15 : 0);

test('a run logs, evaluates and keeps a checkpoint at each epoch and at its end', async () => {
  assert.equal(await told({}), whole);
  assert.equal(
    await told({ validate: false }),
    whole.filter(w => !/^(val|observe|best)/.test(w)),
  );
});

for (const stopAt of [0, 5, 9, 10, 12]) {
  test(`a run asked to stop after ${stopAt} steps does one more, keeps it, and goes on as if it had not stopped`, async () => {
    const last = stopAt + 1;
    const state: LoopState = { evaluated: [] };
    const before = await told({ stopAt, state });
    const after = await told({ from: last, state });
    assert.equal(before.slice(-2), [`keep ${last}`, 'stopped']);
    assert.ok(before.includes(`log ${last}`));
    const stepOf = (w: string) => Number(w.split(' ')[1]);
    assert.equal(
      after,
      whole.filter(w => w === 'complete' || stepOf(w) > last),
    );
    assert.equal(
      before.slice(0, -1).filter(w => stepOf(w) !== last),
      whole.filter(w => stepOf(w) < last),
    );
  });
}

test('a run that was complete does nothing', async () => assert.equal(await told({ from: 23 }), ['complete']));

test('a run whose turn is refused ends at once, and goes on from there', async () => {
  const state: LoopState = { evaluated: [] };
  const before = await told({ pauseAt: 12, state });
  assert.equal(before.at(-1), 'stopped');
  assert.not(before.includes('log 12')); // its metrics are still on their way
  assert.equal([...before.slice(0, -1), 'log 12', ...(await told({ from: 12, state }))], whole);
});

test('evaluations within an epoch log and keep, but decide nothing', async () => {
  assert.equal(await told({ total: 10, evalEvery: 5, accuracy: step => (step === 5 ? 1 : 0), earlyStop: afterEpochs(1) }), [
    ...['log 4', 'log 5', 'val 5 0.5', 'keep 5'],
    ...['log 8', 'log 10', 'observe 10', 'best 10', 'val 10 1', 'keep 10'],
    'complete',
  ]);
});

test('checkpoints that are due within an epoch lose no metrics', async () => {
  const said = await told({ checkpointEvery: 3, logEvery: 1, total: 10 });
  assert.equal(
    said.filter(w => /^(keep|log)/.test(w)),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].flatMap(step => [`log ${step}`, ...(step % 3 && step < 10 ? [] : [`keep ${step}`])]),
  );
  assert.ok((await told({ checkpointAfter: 0, total: 10 })).includes('keep 1'));
});

test('without a better evaluation for as many epochs as there is patience for, the best weights come back', async () => {
  const decisions = async (o: Run) => (await told({ total: 100, accuracy: rising, ...o })).filter(w => !/^(log|val|observe)/.test(w));
  assert.equal(await decisions({ earlyStop: afterEpochs(2) }), [
    'best 10',
    'keep 10',
    'keep 20',
    'best 30',
    'keep 30',
    'keep 40',
    'keep 50',
    'load 30',
    'early',
  ]);
  assert.equal(await decisions({ earlyStop: afterEpochs(1) }), ['best 10', 'keep 10', 'keep 20', 'load 10', 'early']);
  const last = await decisions({ earlyStop: afterEpochs(2), total: 50 });
  assert.equal(last.slice(-2), ['keep 50', 'complete']); // at the last step there is nothing to stop
});

test('asked to stop in the step after which it would stop early, a run is complete', async () => {
  assert.equal((await told({ total: 100, accuracy: rising, earlyStop: afterEpochs(1), stopAt: 19 })).slice(-3), [
    'keep 20',
    'load 10',
    'early',
  ]);
  const state: LoopState = { evaluated: [] };
  assert.is((await told({ total: 100, accuracy: rising, earlyStop: afterEpochs(2), stopAt: 40, state })).at(-1), 'stopped');
  assert.equal((await told({ from: 41, total: 100, accuracy: rising, earlyStop: afterEpochs(2), state })).slice(-3), [
    'keep 50',
    'load 30',
    'early',
  ]);
});

test('an evaluation whose loss is not finite says of which images and when', async () => {
  const trainer = { steps: 7, stepsPerEpoch: 10, evaluate: async () => ({ loss: NaN, accuracy: 0 }) };
  assert.match(await refusal(() => evaluation(trainer, 'val')), /^the loss is NaN on the validation images after step 7/);
});

test.run();
