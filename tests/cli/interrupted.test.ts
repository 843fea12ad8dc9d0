/** A run that is stopped, killed or out of disk keeps what goes on as if nothing had happened. */
import { cpSync, existsSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseMetrics, type EvalMetrics } from '../../train/step/metrics.ts';
import { readSafetensors } from '../../train/run/node/sealed.ts';
import { called, type Called } from '../support/process/called.ts';
import { BIN, descent, SMALL, watched, words, type Ended, type Watched } from '../support/process/command.ts';
import { scratchFolders } from '../support/process/scratch.ts';
import { longTests } from '../support/long.ts';

const test = suite('interrupted');
const long = longTests(test);
const scratch = scratchFolders(test);

/** As SMALL, of a net that is compiled in no time: what is kept of it and how it goes on is the same. */
const RUN = SMALL.map(word => (word === 'lenet5' ? 'mlp:hidden=8' : word));

let whole = ''; // the folder of a run that nothing interrupted
test.before(async () => {
  const folder = await scratch();
  whole = join(folder, 'run');
  assert.is((await called([...RUN, '--out', 'run', '--quiet'], folder)).refusal, '');
});

/** The same run in `folder`, held at its first line that begins so, until a signal or for good. */
const held = (folder: string, start: string, until: NodeJS.Signals | '', onLine: Watched['onLine'], ...more: string[]): Promise<Ended> => {
  const hold = new URL('../support/process/hold.mjs', import.meta.url).href;
  const env = { NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${hold}`, HOLD_AT: start, HOLD_UNTIL: until };
  return descent([...RUN, '--out', 'run', ...more], folder, { env, onLine });
};

/** Sends a signal at the first line that begins so: the last step before a stop writes one more. */
function at(start: string, signal: NodeJS.Signals): NonNullable<Watched['onLine']> {
  let sent = false;
  return (line, send) => {
    if (sent || !line.startsWith(start)) return;
    sent = true;
    send(signal);
  };
}

/** The files of a run that must not depend on its having been stopped. */
const numbers = (path: string) =>
  ['model', 'best', 'state'].map(name => {
    const { tensors, metadata } = readSafetensors(join(path, `${name}.safetensors`));
    return [metadata.step, ...Object.entries(tensors).map(([key, { data }]) => [key, Buffer.from(data.buffer).toString('base64')])];
  });
const evaluations = (path: string) => parseMetrics(readFileSync(join(path, 'metrics.jsonl'), 'utf8')).filter(l => 'split' in l);
const keptStep = (path: string) => Number(readSafetensors(join(path, 'state.safetensors')).metadata.step);

/** Resumes the run in `folder`: it ends, bitwise, as the one that nothing interrupted. */
async function goesOn(folder: string): Promise<void> {
  assert.is((await called(words('train --resume run --quiet'), folder)).refusal, '');
  assert.equal(numbers(join(folder, 'run')), numbers(whole));
  assert.equal(evaluations(join(folder, 'run')), evaluations(whole));
}

for (const [name, signal, exit] of [
  ['Ctrl-C', 'SIGINT', 130],
  ['SIGTERM', 'SIGTERM', 143],
  ['a closed terminal', 'SIGHUP', 129],
] as const) {
  (signal === 'SIGINT' ? test : long)(
    `${name} in mid-epoch keeps a checkpoint, from which the run ends bitwise as if it had not been stopped`,
    async () => {
      const folder = await scratch();
      const { code, err } = await held(folder, 'epoch 2/', signal, at('epoch 2/', signal));
      assert.is(code, exit, err);
      const said =
        /^stopping after this step; Ctrl-C again ends at once\nstopped at step (\d+) of 36; continue with: descent train --resume run\n$/;
      assert.match(err, said, err);
      const step = keptStep(join(folder, 'run'));
      assert.ok(step > 9 && step < 18, `step ${step} is in mid-epoch`);
      assert.is(step, Number(said.exec(err)![1]));
      await goesOn(folder);
    },
  );
}

test('a reader that closes the pipe leaves a checkpoint', async () => {
  const folder = await scratch();
  const { code, err } = await descent([...SMALL, '--out', 'run'], folder, { reads: /^epoch 1/ });
  assert.is(code, 129, err);
  const said = /^stopping after this step; .*\nstopped at step (\d+) of 36; continue with: descent train --resume run\n$/;
  assert.is(String(keptStep(join(folder, 'run'))), said.exec(err)?.[1], err);
});

test('a full disk under what is printed leaves a checkpoint, and ends other commands in one line', async () => {
  if (!existsSync('/dev/full')) return assert.ok(process.platform !== 'linux');
  const folder = await scratch();
  const full = (args: readonly string[]) =>
    watched('/bin/sh', ['-c', '"$@" > /dev/full', 'sh', process.execPath, BIN, ...args], { cwd: folder });
  const said = 'standard output: cannot be written, the disk is full; free some space\n';
  assert.equal(await full(['data', 'list']), { code: 1, out: '', err: said });
  const { code, err } = await full([...RUN, '--out', 'my run']);
  assert.is(code, 129, err);
  assert.ok(err.startsWith(said) && /continue with: descent train --resume 'my run'\n$/.test(err), err);
  renameSync(join(folder, 'my run'), join(folder, 'run'));
  await goesOn(folder);
});

test('a second Ctrl-C ends at once, and what was kept can be continued', async () => {
  const folder = await scratch();
  const first = at('epoch 2/', 'SIGINT');
  let again: NodeJS.Timeout | undefined;
  const { code, err } = await held(folder, 'epoch 2/', '', (line, send) => {
    first(line, send);
    // more than one: what follows the first within 0.3 s counts as the same
    if (line.startsWith('stopping')) again ??= setInterval(() => send('SIGINT'), 100);
  });
  clearInterval(again);
  assert.is(code, 130, err);
  assert.is(err, 'stopping after this step; Ctrl-C again ends at once\n');
  assert.is(keptStep(join(folder, 'run')), 9, 'that of the epoch before');
  await goesOn(folder);
});

test('a killed run continues from its last epoch, bitwise', async () => {
  const folder = await scratch();
  const { code, err } = await held(folder, 'epoch 3/', '', at('epoch 3/', 'SIGKILL'));
  assert.is(code, null, err);
  assert.is(keptStep(join(folder, 'run')), 18);
  const metrics = join(folder, 'run/metrics.jsonl');
  writeFileSync(metrics, `${readFileSync(metrics, 'utf8')}{"step":4`); // as if cut off in a line
  await goesOn(folder);
});

long('the end of the launcher ends the run too, with a checkpoint', async () => {
  const folder = await scratch();
  let killed = false;
  // The command that was launched keeps the pipe of its words: its end is the end of both.
  await descent([...RUN, '--epochs', '5000', '--out', 'run'], folder, {
    onLine: (line, send) => {
      if (killed || !line.startsWith('epoch 2/')) return;
      killed = true;
      send('SIGKILL', true);
    },
  });
  assert.ok(keptStep(join(folder, 'run')) > 9);
  assert.not(existsSync(join(folder, 'run/lock')));
});

long('what refuses a resume leaves no lock', async () => {
  const folder = await scratch();
  cpSync(whole, join(folder, 'run'), { recursive: true });
  const { refusal } = await called(words('train --resume run --lr 5'), folder);
  assert.match(refusal, /^--lr: the run in run has 0\.001, not 5; a resumed run keeps its configuration/);
  assert.not(existsSync(join(folder, 'run/lock')));
});

long('a run that was killed between its last checkpoint and its test is tested when resumed', async () => {
  const folder = await scratch();
  cpSync(whole, join(folder, 'run'), { recursive: true });
  const metrics = join(folder, 'run/metrics.jsonl');
  const lines = readFileSync(metrics, 'utf8').trimEnd().split('\n');
  assert.match(lines.at(-1)!, /"split":"test"/);
  writeFileSync(metrics, `${lines.slice(0, -1).join('\n')}\n`);
  await goesOn(folder);
  assert.match((await called(words('train --resume run --quiet'), folder)).refusal, /^run: the run is complete \(36 of 36 steps\)/);
});

long('a checkpoint within an epoch bounds what a kill costs', async () => {
  const folder = await scratch();
  const last = 'epoch 1/4  step 8';
  const { err } = await held(folder, last, '', at(last, 'SIGKILL'), '--checkpoint-every', '4');
  const kept = keptStep(join(folder, 'run'));
  assert.ok(kept === 4 || kept === 8, `step ${kept}: ${err}`); // the kill may come before or after that of step 8 is written
  const logged = parseMetrics(readFileSync(join(folder, 'run/metrics.jsonl'), 'utf8')).map(l => l.step);
  assert.equal(logged, [1, 2, 4, 5, 8], 'no line is lost to a checkpoint');
  for (const [when, says] of [
    ['0', /^--checkpoint-every: 0 is out of range; give a whole number of at least 1$/],
    ['xm', /^--checkpoint-every: 'x' is not a number; give a number above 0$/],
  ] as const) {
    assert.match((await called([...RUN, '--out', `r${when}`, '--checkpoint-every', when], folder)).refusal, says);
  }
});

test('a second run in a folder where one trains is refused; the lock of one that was killed is not in the way', async () => {
  const folder = await scratch();
  let second: Promise<Called> | undefined;
  const first = await held(folder, 'epoch 2/', 'SIGTERM', (line, send) => {
    if (!line.startsWith('epoch 2/') || second) return;
    second = called(words('train --resume run --quiet'), folder).finally(() => send('SIGTERM'));
  });
  assert.is(first.code, 143, first.err);
  assert.match((await second!).refusal, /^run: process \d+ trains in it; wait for its end or stop it$/);
  writeFileSync(join(folder, 'run/lock'), JSON.stringify({ pid: process.pid, host: hostname(), began: 'another life' }));
  await goesOn(folder);
  assert.not(existsSync(join(folder, 'run/lock')));
  writeFileSync(join(folder, 'run/lock'), JSON.stringify({ pid: 1, host: 'elsewhere', began: '1' }));
  const { refusal } = await called(words('train --resume run --epochs 9 --quiet'), folder);
  assert.is(refusal, 'run: process 1 on elsewhere trains in it; remove run/lock if that process is gone');
});

test('what was changed since the run wrote it is named, and taken only when asked for', async () => {
  const folder = await scratch();
  const path = join(folder, 'run');
  const resume = (more = '') => called(words(`train --resume run --epochs 5 --quiet${more}`), folder);
  for (const [file, change] of [
    ['metrics.jsonl', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ['config.json', (bytes: Buffer) => Buffer.from(bytes.toString().replace('"seed": 0', '"seed": 1'))],
    ['model.safetensors', (bytes: Buffer) => bytes.map((b, i) => (i === bytes.length - 9 ? b ^ 1 : b))],
    ['state.safetensors', (bytes: Buffer) => bytes.map((b, i) => (i === bytes.length - 9 ? b ^ 1 : b))],
  ] as const) {
    cpSync(whole, path, { recursive: true });
    writeFileSync(join(path, file), change(readFileSync(join(path, file))));
    const advice = 'put back the file that the run wrote, or take it as it is with --trust';
    assert.is((await resume()).refusal, `run/${file}: was changed or damaged since the run wrote it; ${advice}`);
  }
  assert.is((await resume(' --trust')).refusal, '');
  assert.is(keptStep(path), 45);
});

test('a disk that fills up stops the run with what to do, and costs no checkpoint', async () => {
  if (!existsSync('/dev/full')) return assert.ok(process.platform !== 'linux');
  const folder = await scratch();
  const path = join(folder, 'run');
  cpSync(whole, path, { recursive: true });
  const [model, , state] = numbers(path);
  symlinkSync('/dev/full', join(path, 'state.safetensors.new')); // refuses every write with ENOSPC
  const full = await called(words('train --resume run --epochs 5'), folder);
  const advice = 'free some space, then continue from the last checkpoint with --resume run';
  assert.is(full.refusal, `run/model.safetensors: cannot be written, the disk is full; ${advice}`);
  const [modelAfter, , stateAfter] = numbers(path);
  assert.equal([modelAfter, stateAfter], [model, state]);
  assert.is((await called(words('train --resume run --epochs 5 --quiet'), folder)).refusal, '');
  assert.is(keptStep(path), 45);
});

test('population statistics come with the last weights: a checkpoint before has the running ones, and costs no pass over all images', async () => {
  const folder = await scratch();
  const run = join(folder, 'run');
  const net = words('train ./net.mjs --dataset shapes --limit-train 96 --limit-test 20 --batch-size 32 --val-split 0 --log-every 1');
  const layers = 'fc1: dense(8), norm: batchNorm(), act: relu(), fc2: dense(classes)';
  writeFileSync(
    join(folder, 'net.mjs'),
    `import { batchNorm, dense, relu, sequential } from 'descent-gpu';\nexport default ({ classes }) => sequential({ ${layers} });\n`,
  );
  const { code, err } = await descent([...net, ...words('--bn-stats population --epochs 999 --out run')], folder, {
    onLine: at('epoch 2/', 'SIGINT'),
  });
  assert.is(code, 130, err);
  const step = keptStep(run);
  assert.is((await called([...net, ...words(`--steps ${step} --out plain --quiet`)], folder)).refusal, '');
  const file = (path: string) => readSafetensors(join(path, 'model.safetensors'));
  assert.equal(file(run).tensors, file(join(folder, 'plain')).tensors);
  assert.is(file(run).metadata.statistics, undefined);
  assert.is((await called(words(`train --resume run --steps ${step + 2} --quiet`), folder)).refusal, '');
  assert.is(file(run).metadata.statistics, 'population');
  const { loss, accuracy } = evaluations(run).at(-1)!;
  for (const given of ['run', 'run/model.safetensors --model ./net.mjs']) {
    const { out, refusal } = await called(words(`eval ${given} --limit-test 20 --batch-size 32 --json`), folder);
    assert.is(refusal, '');
    const asKept = JSON.parse(out) as EvalMetrics;
    assert.equal([asKept.loss, asKept.accuracy], [loss, accuracy], given);
  }
});

test.run();
