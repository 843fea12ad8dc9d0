/** Jobs of `descent train --distribute` as a user starts them, and what is to be true when one of their ranks dies. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readCheckpoint } from '../../../train/run/node/checkpoint-files.ts';
import { parseMetrics } from '../../../train/step/metrics.ts';
import { BIN, words } from './command.ts';
import { launchers, rankProcess, ranks, type JobOptions, type Launcher } from './mpirun.ts';

/** 4 epochs of 4 steps. */
export const SMALL = words('lenet5 --dataset shapes --limit-train 72 --limit-test 20 --batch-size 16 --log-every 4 --epochs 4');
export const job = (launcher: Launcher, n: number, line: string, o: JobOptions) =>
  ranks(launcher, n, [BIN, 'train', ...words(line).filter(Boolean)], { ...o, env: { DESCENT_ADAPTER: 'lavapipe', ...o.env } });
export const started = (launcher: Launcher, n: number, line: string, o: JobOptions) => job(launcher, n, `${SMALL.join(' ')} ${line}`, o);
const linesOf = (folder: string) => parseMetrics(readFileSync(join(folder, 'metrics.jsonl'), 'utf8'));
export const weightsOf = (folder: string) => readFileSync(join(folder, 'model.safetensors'));

/** A method, and whether a run goes on with what only its ranks hold. */
export const METHODS: readonly [method: string, more: string, kept: boolean][] = [
  ['sync', '--debug --stats', false],
  ['downpour:push=2,fetch=2', '', true],
  ['easgd:every=3', '', true],
  ['local:every=2,outer=nesterov', '', true],
  ['delay-tolerant', '--optimizer adagrad', false],
  ['hogwild', '--optimizer sgd', false],
];

/** Milliseconds within which the death of a rank ends the job, on a busy machine. */
const SOON = 20_000;

/** A job of 2 ranks in `cwd`, one of which is killed: it ends, and goes on under the other library where there are two. */
export async function survivesDeath([method, more, kept]: (typeof METHODS)[number], at: number, cwd: string): Promise<void> {
  const launcher = launchers[at % launchers.length]!;
  const other = launchers[(at + 1) % launchers.length]!;
  const folder = join(cwd, 'run');
  const isSync = method === 'sync';
  const together = /sync|local/.test(method);
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
  assert.ok([4, 8, 12].includes(step), `the checkpoint is of step ${step}`); // the rank dies some steps after the line that is waited for
  assert.is(existsSync(join(folder, 'state-1.safetensors')), kept);
  const on = await job(other, 2, `--resume run --quiet${isSync ? ' --stats' : ''}`, { cwd });
  assert.is(on.code, 0, on.err);
  const lines = linesOf(folder);
  assert.equal(
    lines.filter(line => 'split' in line && line.split === 'val').map(line => line.step),
    [4, 8, 12, 16],
  );
  assert.is(
    lines.some(line => 'staleness' in line),
    !together,
  );
  if (isSync) {
    const watched = readFileSync(join(folder, 'stats.jsonl'), 'utf8').trim().split('\n');
    assert.equal(
      watched.map(line => (JSON.parse(line) as { step: number }).step),
      [1, 4, 8, 12, 16],
    );
  }
  if (!together) return; // the numbers of the others depend on who comes first
  const whole = await started(other, 2, `--distribute ${method} --out whole --quiet`, { cwd });
  assert.is(whole.code, 0, whole.err);
  assert.equal(weightsOf(folder), weightsOf(join(cwd, 'whole')));
}
