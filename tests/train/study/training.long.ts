/** What the experiments about training show that take many nets: dropout by share, norms in small batches, augmentations. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { planned } from '../../../train/study/experiments.ts';
import { labOf, outcomeOf } from '../../support/lab.ts';

const test = suite('training experiments of many nets');

test('batch norm learns nothing of one image at a time, group norm over standardised weights does', async () => {
  const { rows } = await outcomeOf('small-batches:images=300', { limitTest: 500 });
  const accuracy = (batch: number, norm: RegExp) =>
    Number(rows.find(row => row.batch === batch && norm.test(String(row.norm)))!['test accuracy']);
  assert.is(rows.length, 12);
  assert.ok(accuracy(1, /^batch/) < 0.2, JSON.stringify(rows));
  assert.ok(accuracy(1, /standardised$/) > 0.35 && accuracy(4, /^batch/) > 0.3, JSON.stringify(rows));
});

test('of one width few units kept learn too little, of as many left more, and no dropout learns the images by heart', async () => {
  const { rows } = await outcomeOf('dropout-rates:width=64,images=200,epochs=40', { limitTest: 500 });
  const errors = (figure: string, part: string) => rows.filter(row => row.figure === figure).map(row => Number(row[`${part} error`]));
  for (const part of ['training', 'test']) {
    const [one, asMany] = [errors('one width', part), errors('as many left', part)];
    assert.equal([one.length, asMany.length, errors('depth', part).length], [5, 5, 9]);
    assert.ok(one[0]! > one.at(-1)! + 0.1 && asMany[0]! < one[0]! - 0.05, `${part}: ${one}, ${asMany}`);
  }
  assert.ok(errors('one width', 'training').at(-1)! < 0.02);
});

test('what is cut and mixed is learnt less by heart: cutmix least, and the loss on other images is smaller for it', async () => {
  const given = { model: 'lenet5', optimizer: 'adam', lr: '0.002', limitTrain: '110', limitTest: '64', epochs: '50' };
  const { rows } = await planned('augmentations', given).run(labOf({ images: 'shapes' }));
  const [none, ...others] = rows;
  assert.equal(
    rows.map(row => row.augmentations),
    ['none', 'cutout', 'mixup', 'cutmix', 'augmix'],
  );
  for (const row of others) assert.ok(Number(row['training accuracy']) <= Number(none!['training accuracy']), JSON.stringify(rows));
  const cutmix = others[2]!;
  assert.ok(Number(cutmix['training accuracy']) < Number(none!['training accuracy']) - 0.1, JSON.stringify(rows));
  assert.ok(Number(cutmix['test loss']) < Number(none!['test loss']), JSON.stringify(rows));
});

test.run();
