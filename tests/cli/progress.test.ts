import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { barLine, progress } from '../../cli/run/progress.ts';

const test = suite('progress');

const WORDS = { epoch: 'epoch 12/100', loss: 'loss 0.5945', accuracy: 'accuracy 78.2%', speed: '12,345 images/s', left: '1:05:09 left' };

test('the line fits its terminal, and keeps accuracy and time as long as they fit', () => {
  for (let columns = 20; columns < 200; columns++) {
    const line = barLine(WORDS, 0.5, columns);
    assert.ok(line.length < columns, `${columns}: ${line}`);
    if (columns > 29) assert.match(line, /accuracy 78\.2% .*1:05:09 left$/, `in ${columns} columns`);
  }
  assert.is(barLine(WORDS, 0.5, 50), 'epoch 12/100  accuracy 78.2%  1:05:09 left');
  assert.is(barLine({ ...WORDS, epoch: 'epoch 1/5', left: '1:05 left' }, 0.5, 52), 'epoch 1/5  loss 0.5945  accuracy 78.2%  1:05 left');
});

test('the bar takes what room there is, up to its full length, and shows the share that is done', () => {
  const bar = (share: number, columns: number) => /[█░]+/.exec(barLine(WORDS, share, columns))?.[0] ?? '';
  assert.is(bar(0.25, 200), '█'.repeat(6) + '░'.repeat(18));
  assert.is(bar(0, 200), '░'.repeat(24));
  assert.is(bar(1, 200), '█'.repeat(24));
  const narrowest = Array.from({ length: 200 }, (_, i) => i).find(columns => bar(0.5, columns))!;
  assert.is(bar(0.5, narrowest), '█'.repeat(4) + '░'.repeat(4));
  assert.is(barLine(WORDS, 0.5, narrowest).length, narrowest - 1);
});

/** Lets `work` write to what takes itself for a terminal; `said` gives what was written since it was last asked, without control sequences. */
async function onTerminal(work: (said: () => string) => Promise<void>): Promise<void> {
  const { stdout } = process;
  const { isTTY, write } = stdout;
  let text = '';
  stdout.isTTY = true;
  stdout.write = (chunk: string | Uint8Array) => {
    text += chunk;
    return true;
  };
  try {
    await work(() => {
      const said = stripVTControlCharacters(text);
      text = '';
      return said;
    });
  } finally {
    Object.assign(stdout, { isTTY, write });
  }
}

test('a terminal shows a run before its first step is done, and each step before it is logged', async () => {
  await onTerminal(async said => {
    const bar = await progress({ total: 100, stepsPerEpoch: 25, done: 0 });
    const after = async (change: () => void) => {
      await sleep(250); // the bar is drawn ten times a second
      said();
      change();
      return said();
    };
    try {
      assert.match(await after(() => bar.steps(0)), /^epoch 1\/4 {2}░{24} {2}compiling/);
      assert.match(await after(() => bar.steps(1)), /^epoch 1\/4 {2}░{24}$/);
      assert.match(await after(() => bar.steps(24)), /^epoch 1\/4 {2}█{6}░{18} {2}\d+:\d+ left/);
      const line = { step: 20, epoch: 0.8, loss: 1.5, accuracy: 0.4, lr: 0.1, images_per_s: 1000 };
      assert.match(
        await after(() => bar.metrics(line)),
        /^epoch 1\/4 {2}█+░+ {2}loss 1\.5000 {2}accuracy 40\.0% {2}1,000 images\/s {2}\d+:\d+ left/,
      );
      assert.match(await after(() => bar.steps(25)), /^epoch 1\/4 /, 'while it is evaluated it is still in that epoch');
      assert.match(await after(() => bar.steps(26)), /^epoch 2\/4 /);
    } finally {
      bar.stop(); // its timer would go on
    }
  });
});

test.run();
