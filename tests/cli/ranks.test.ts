/** `descent train --distribute` as a user starts it, by the mpirun of Open MPI and of MPICH: it trains, ranks die, runs go on. */
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { agree, agreeOnData } from '../../cli/run/job-checks.ts';
import { openDataset } from '../../datasets/node/open.ts';
import { parseConfig } from '../../train/config/config.ts';
import { together } from '../../train/distribute/alone.ts';
import { readCheckpoint } from '../../train/run/node/run-folder.ts';
import { parseMetrics } from '../../train/step/metrics.ts';
import { BIN, descent, words } from '../support/process/command.ts';
import { launchers, rankProcess, ranks, sayMissing, type JobOptions, type Launcher } from '../support/process/mpirun.ts';
import { scratchFolders } from '../support/process/scratch.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('ranks');
const scratch = scratchFolders(test);
sayMissing('cli/ranks.test.ts');

/** 4 epochs of 4 steps. */
const SMALL = words('lenet5 --dataset shapes --limit-train 72 --limit-test 20 --batch-size 16 --log-every 4 --epochs 4');
const job = (launcher: Launcher, n: number, line: string, o: JobOptions) =>
  ranks(launcher, n, [BIN, 'train', ...words(line).filter(Boolean)], { ...o, env: { DESCENT_ADAPTER: 'lavapipe', ...o.env } });
const started = (launcher: Launcher, n: number, line: string, o: JobOptions) => job(launcher, n, `${SMALL.join(' ')} ${line}`, o);
const linesOf = (folder: string) => parseMetrics(readFileSync(join(folder, 'metrics.jsonl'), 'utf8'));
const weightsOf = (folder: string) => readFileSync(join(folder, 'model.safetensors'));

/** A method, and whether a run goes on with what only its ranks hold. */
const METHODS: readonly [method: string, more: string, kept: boolean][] = [
  ['sync', '--debug', false],
  ['downpour:push=2,fetch=2', '', true],
  ['easgd:every=3', '', true],
  ['local:every=2,outer=nesterov', '', true],
  ['delay-tolerant', '--optimizer adagrad', false],
  ['hogwild', '--optimizer sgd', false],
];

/** Milliseconds within which the death of a rank ends the job, on a busy machine. */
const SOON = 20_000;

for (const [i, [method, more, kept]] of METHODS.entries()) {
  const launcher = launchers[i % launchers.length];
  const other = launchers[(i + 1) % launchers.length];
  if (!launcher || !other) continue;
  test(`${method} on ${launcher.name}: the death of a rank ends the job, the last checkpoint is whole, and ${other.name} goes on`, async () => {
    const cwd = await scratch();
    const folder = join(cwd, 'run');
    let killed = 0;
    const { code, out, err } = await started(launcher, 2, `--distribute ${method} ${more} --out run`, {
      cwd,
      onLine(line) {
        if (killed || !line.startsWith('epoch 2/')) return;
        killed = performance.now();
        process.kill(rankProcess(launcher, 1, cwd), 'SIGKILL');
      },
    });
    assert.is.not(code, 0, out + err);
    assert.ok(killed && performance.now() - killed < SOON, err);
    assert.match(out, 'run folder run; should a rank be lost, go on with: mpirun -n 2 descent train --resume run');
    assert.match(err, /rank 1 on [\w.-]+: /);
    const { step } = readCheckpoint(folder);
    assert.ok(step === 4 || step === 8, `the checkpoint is of step ${step}`);
    assert.is(existsSync(join(folder, 'state-1.safetensors')), kept);
    const on = await job(other, 2, '--resume run --quiet', { cwd });
    assert.is(on.code, 0, on.err);
    const lines = linesOf(folder);
    assert.equal(
      lines.filter(line => 'split' in line && line.split === 'val').map(line => line.step),
      [4, 8, 12, 16],
    );
    assert.is(
      lines.some(line => 'staleness' in line),
      !/sync|local/.test(method),
    );
    if (method !== 'sync') return;
    const whole = await started(other, 2, '--distribute sync --out whole --quiet', { cwd });
    assert.is(whole.code, 0, whole.err);
    assert.equal(weightsOf(folder), weightsOf(join(cwd, 'whole')));
  });
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
      env: { OMPI_MCA_odls_base_sigkill_timeout: '10' }, // a second, as usual, is too short for a checkpoint on a busy machine
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

  test('ranks of unlike options are refused in one line, and leave no folder', async () => {
    const cwd = await scratch();
    const rank = (lr: string) => [BIN, 'train', ...SMALL, '--distribute', 'sync', '--out', 'run', '--lr', lr];
    const { code, err } = await ranks(last, 1, [...rank('0.1'), ':', '-n', '1', process.execPath, ...rank('0.2')], { cwd });
    assert.is.not(code, 0);
    assert.match(err, '--lr: rank 1 has 0.2, rank 0 0.1; start all ranks with the same options\n');
    assert.not(existsSync(join(cwd, 'run')));
  });

  test('a run on one process goes on as a job of one rank', async () => {
    const cwd = await scratch();
    const one = await descent([...words('train'), ...SMALL, ...words('--distribute sync --epochs 2 --quiet --out run')], cwd);
    assert.is(one.code, 0, one.err);
    cpSync(join(cwd, 'run'), join(cwd, 'three'), { recursive: true });
    const three = await job(last, 3, '--resume three --epochs 3 --quiet', { cwd });
    assert.is(three.code, 0, three.err);
    assert.match(three.out, /^test accuracy/);
  });
}

if (last) {
  test('a search on 3 ranks gives each runs of its own, and rank 0 keeps the results of all', async () => {
    const cwd = await scratch();
    const grid = words(
      'sweep lenet5 --dataset shapes --limit-train 72 --limit-test 20 --batch-size 16 --epochs 1 --grid lr=0.1,0.01,0.001,0 --out runs',
    );
    const { code, out, err } = await ranks(last, 3, [BIN, ...grid], { cwd });
    assert.is(code, 0, err);
    const lines = readFileSync(join(cwd, 'runs/results.jsonl'), 'utf8').trim().split('\n');
    assert.equal(
      lines.map(line => (JSON.parse(line) as { choice: { lr: string } }).choice.lr),
      ['0.1', '0.01', '0.001', '0'],
    );
    assert.match(out, /\n4\/4 {2}lr=0 {2}held-out accuracy/);
  });
}

test('ranks of unlike versions and unlike images are refused', async () => {
  const config = parseConfig('lenet5', { dataset: 'shapes' });
  const [a, b] = together(2);
  const versions = Promise.all([
    refusal(() => agree({ exchange: a! }, config, '1.0')),
    refusal(() => agree({ exchange: b! }, config, '1.1')),
  ]);
  for (const said of await versions) assert.is(said, 'rank 1 runs Descent 1.1, rank 0 1.0; install one version on all machines');
  const images = await Promise.all([10, 11].map(limitTrain => openDataset('shapes', { limitTrain, limitTest: 5, quiet: true })));
  const said = await Promise.all([a, b].map((exchange, i) => refusal(() => agreeOnData({ exchange: exchange! }, images[i]!))));
  assert.match(said[0]!, 'dataset shapes: the images of rank 1 are not those of rank 0; fetch them again');
});

test.run();
