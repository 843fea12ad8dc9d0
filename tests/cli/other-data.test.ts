/** Data that is not as it was when a net was trained on it: what is meant by names is found or refused by them. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openFor } from '../../cli/run/checkpoint.ts';
import { table } from '../../cli/output.ts';
import { openDataset } from '../../datasets/node/open.ts';
import { parseConfig } from '../../train/config/config.ts';
import { called } from '../support/process/called.ts';
import { descent, words } from '../support/process/command.ts';
import { scratchFolders } from '../support/process/scratch.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('other data');
const scratch = scratchFolders(test);

test('eval and a resumed run take columns of a table by their names, and refuse other classes and numbers to predict', async () => {
  const folder = await scratch();
  const cells = Array.from({ length: 60 }, (_, i) => ({ a: i / 10, b: (i * 7) % 60, y: i < 30 ? 'low' : 'up', z: i < 30 ? 'up' : 'zero' }));
  const write = (file: string, ...columns: ('a' | 'b' | 'y' | 'z')[]) =>
    writeFileSync(
      join(folder, file),
      [columns.join().replace('z', 'y'), ...cells.map(row => columns.map(name => row[name]).join())].join('\n'),
    );
  write('t.csv', 'a', 'b', 'y');
  write('moved.csv', 'b', 'y', 'a');
  write('named.csv', 'a', 'b', 'z');
  write('less.csv', 'a', 'y');
  const run = 'train mlp:hidden=4 --dataset ./t.csv --target y --batch-size 8 --lr 0.05 --epochs 8 --quiet';
  const whole = await called(words(`${run} --out whole`), folder);
  assert.is((await called(words(`${run} --epochs 2 --out r`), folder)).refusal, '');
  const evaluated = (file: string) => called(words(`eval whole --dataset ./${file} --quiet`), folder);
  const { out } = await evaluated('t.csv');
  assert.match(out, /^test loss/);
  assert.is((await evaluated('moved.csv')).out, out);
  const others = 'its classes are up, zero, those of the model low, up; give data whose names are those';
  assert.is((await evaluated('named.csv')).refusal, `./named.csv: ${others}`);
  assert.is((await called(words('look whole --dataset ./named.csv'), folder)).refusal, `./named.csv: ${others}`);
  const none = 'sine: it has no classes, those of the model are low, up; give data whose names are those';
  assert.is((await called(words('eval whole --dataset sine'), folder)).refusal, none);
  assert.is((await evaluated('less.csv')).refusal, "less.csv: there is no column 'b'; it has a, y");
  const infinite = 'predict: 1e+39 is beyond float32; give numbers of up to 3.4e38, in another unit';
  assert.is((await called(words('predict whole 1e39,2'), folder)).refusal, infinite);

  write('t.csv', 'a', 'b', 'z');
  assert.is((await called(words('train --resume r --epochs 8'), folder)).refusal, `./t.csv: ${others}`);
  write('t.csv', 'b', 'y', 'a');
  assert.is((await called(words('train --resume r --epochs 8 --quiet'), folder)).out, whole.out);
  rmSync(join(folder, 't.csv'));
  for (const command of ['eval', 'look']) {
    const gone = (await called([command, 'whole'], folder)).refusal;
    assert.match(gone, /^whole.best\.safetensors: was trained on '\.\/t\.csv', which is not here; give the data with --dataset$/);
  }
});

test('of many classes those are told where data and model differ', async () => {
  const { classes, name } = await openDataset('fashion-mnist', { limitTrain: 1, limitTest: 1, quiet: true });
  const config = parseConfig('lenet5', { dataset: name });
  const said = (own: readonly string[], on = config) => refusal(() => openFor({ classes: own }, on, { quiet: true }));
  const ends = 'give data whose names are those';
  assert.is(
    await said(['low', 'up'], parseConfig('mlp', { dataset: 'sine' })),
    `sine: it has no classes, those of the model are low, up; ${ends}`,
  );
  assert.is(
    await said([...classes.slice(0, 9), 'shoe']),
    `${name}: its classes are …, ${classes[8]}, ${classes[9]}, those of the model …, ${classes[8]}, shoe; ${ends}`,
  );
  assert.is(
    await said(classes.slice(0, 9)),
    `${name}: its classes are …, ${classes[8]}, ${classes[9]}, those of the model …, ${classes[8]}; ${ends}`,
  );
});

test('a class whose name has a line end takes one line in a table', () => {
  assert.is(
    table([
      ['class', 'images'],
      ['u\nv', '1'],
      ['w', '20'],
    ]),
    'class     images\nu\\u000av       1\nw             20',
  );
});

test('a table is aligned where names are wide in a terminal', () => {
  assert.is(
    table([
      ['class', 'images'],
      ['狗犬', '1'],
      ['😀 ｶ', '20'],
      ['e\u0301❤\ufe0f', '3'],
    ]),
    'class  images\n狗犬        1\n😀 ｶ       20\ne\u0301❤\ufe0f         3',
  );
});

test('a run that goes on with more samples than it began with says so once', async () => {
  const folder = await scratch();
  const write = (n: number) =>
    writeFileSync(join(folder, 't.csv'), ['x,y', ...Array.from({ length: n }, (_, i) => `${i},${2 * i}`)].join('\n'));
  write(40);
  const { refusal } = await called(
    words('train mlp:hidden=4 --dataset ./t.csv --target y --batch-size 8 --epochs 1 --quiet --out r'),
    folder,
  );
  assert.is(refusal, '');
  const resumed = async (epochs: number) => (await descent(words(`train --resume r --epochs ${epochs}`), folder)).err;
  write(50);
  assert.is(
    await resumed(2),
    './t.csv: this run began with 29 training, 3 validation and 8 test images, and there are 36 training, 4 validation and 10 test images now; ' +
      'it goes on with these, not as if it had never stopped\n',
  );
  assert.is(await resumed(3), '');
});

test('what is of a folder of images is refused of a table, and predict takes a table without a head by its places', async () => {
  const folder = await scratch();
  writeFileSync(
    join(folder, 't.csv'),
    ['a,b,y', ...Array.from({ length: 40 }, (_, i) => `${i},${i % 7},${i % 2 ? 'yes' : 'no'}`)].join('\n'),
  );
  const said = async (line: string) => {
    const { out, refusal } = await called(words(line), folder);
    return refusal || out;
  };
  const run = 'train mlp:hidden=4 --dataset t.csv --target y --epochs 1 --batch-size 8 --quiet --out r';
  const refused = (flag: string) => `${flag}: is of a folder of images, and t.csv is none; leave it out`;
  assert.is(await said(`${run} --ignore-label yes`), refused('--ignore-label'));
  assert.is(await said(`${run} --image-size 16`), refused('--image-size'));
  assert.is(await said('find-lr mlp --dataset t.csv --target y --image-size 16'), refused('--image-size'));
  assert.equal(JSON.parse(await said('models mlp:hidden=4 --dataset t.csv --target y --json')).input, [2, 1, 1]);
  await said(run);
  writeFileSync(join(folder, 'head.csv'), 'b,a\n2,1\n');
  writeFileSync(join(folder, 'none.csv'), '1,2\n');
  assert.match(await said('predict r none.csv'), /^a 1, b 2: /);
  assert.is(await said('predict r none.csv'), await said('predict r head.csv'));
});

test.run();
