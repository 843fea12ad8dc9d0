/** Nets with noise under attack, beside the figures of the long recipe. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { outcomeOf } from '../../support/lab.ts';

const test = suite('nets with noise');

test('ensembles with noise are told by members and seeds beside the figures of the long recipe', async () => {
  const { rows, expected, values } = await outcomeOf('enresnet:seeds=1,images=50,test=50,epochs=1,train_steps=1,eot=2', {
    images: 'shapes',
  });
  assert.equal(
    rows.map(row => row.net),
    ['plain', '1 with noise', '2 with noise', '5 with noise'],
  );
  const [of] = (values as { accuracy: Record<string, number> }[]).map(run => run.accuracy);
  assert.equal(Object.keys(of!), ['natural', 'FGSM', 'IFGSM-20', 'PGD-10, mean of 2 draws']);
  assert.equal(
    expected!.map(e => e.expected),
    [0.0427, 0.0534, 0.0587, 0.0697, 0.0277, 0.0435],
  );
  assert.equal(expected![0]!.found, Number(rows[2]!.natural) - Number(rows[0]!.natural));
});

test.run();
