/** Tanh forgets of the input what ReLU does not (Saxe et al. 2018). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { outcomeOf } from '../../support/lab.ts';

const test = suite('information plane');

test('the last hidden layer tells late less of the input under tanh, and not under ReLU; layers tell less the later they come', async () => {
  const { rows } = await outcomeOf('information-plane');
  const of = (activation: string) => rows.filter(row => row.activation === activation);
  const lost = (activation: string) => {
    const last = of(activation).at(-2)!;
    return Number(last['most I(X;T), bins']) - Number(last['at the end, bins']);
  };
  assert.ok(lost('tanh') > 1 && lost('relu') < 0.5, `tanh loses ${lost('tanh')} bits, ReLU ${lost('relu')}`);
  for (const activation of ['tanh', 'relu']) {
    const course = of(activation).map(row => Number(row['at the end, bins']));
    for (const [i, x] of course.slice(1).entries()) assert.ok(x <= course[i]! + 0.05, `${activation}, layer ${i + 2}: ${course}`);
  }
});

test.run();
