import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { barLine } from '../../cli/run/progress.ts';

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

test.run();
