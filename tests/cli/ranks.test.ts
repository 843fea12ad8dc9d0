/** `descent train --distribute` as a user starts it, by the mpirun of Open MPI and of MPICH: it trains, ranks die, runs go on. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { agree, agreeOnData } from '../../cli/run/job-checks.ts';
import { datasetOf } from '../../datasets/memory.ts';
import { openDataset } from '../../datasets/node/open.ts';
import { parseConfig } from '../../train/config/config.ts';
import { openModel } from '../../models/index.ts';
import { encodeSafetensors } from '../../train/run/safetensors.ts';
import { generatedWeights } from '../support/onnx.ts';
import { together } from '../../train/distribute/alone.ts';
import { called } from '../support/process/called.ts';
import { paint } from '../support/painted.ts';
import { BIN, words } from '../support/process/command.ts';
import { job, METHODS, SMALL, survivesDeath } from '../support/process/job.ts';
import { launchers, ranks, sayMissing } from '../support/process/mpirun.ts';
import { scratchFolders } from '../support/process/scratch.ts';
import { refusal } from '../support/refusal.ts';
import { isLongRun, longTests } from '../support/long.ts';

const test = suite('ranks');
const scratch = scratchFolders(test);
sayMissing('cli/ranks.test.ts');

const last = launchers.at(-1);
if (last) {
  test('sync: the death of a rank ends the job, the last checkpoint is whole, and the other library goes on', async () =>
    survivesDeath(METHODS[0]!, 0, await scratch()));

  test('ranks of unlike options are refused in one line, and leave no folder', async () => {
    const cwd = await scratch();
    const rank = (lr: string) => [BIN, 'train', ...SMALL, '--distribute', 'sync', '--out', 'run', '--lr', lr];
    const { code, err } = await ranks(last, 1, [...rank('0.1'), ':', '-n', '1', process.execPath, ...rank('0.2')], { cwd });
    assert.is.not(code, 0);
    assert.match(err, '--lr: rank 1 has 0.2, rank 0 0.1; start all ranks with the same options\n');
    assert.not(existsSync(join(cwd, 'run')));
  });

  test('a search whose ranks have other data or other runs is refused in one line, and leaves no folder', async () => {
    const cwd = await scratch();
    const table = (end: string) => `x,y\n${Array.from({ length: 40 }, (_, i) => `${i},${i % 3}\n`).join('')}${end}\n`;
    mkdirSync(join(cwd, 'other'));
    writeFileSync(join(cwd, 't.csv'), table('40,1'));
    writeFileSync(join(cwd, 'other/t.csv'), table('40,2'));
    const rank = (lr: string) => [BIN, ...words('sweep mlp:hidden=4 --dataset ./t.csv --target y --batch-size 8 --out runs --grid'), lr];
    const beside = (where: string, lr: string) => [
      ...rank('lr=0.1'),
      ':',
      '-n',
      '1',
      '-wdir',
      join(cwd, where),
      process.execPath,
      ...rank(lr),
    ];
    for (const [where, lr, said] of [
      ['other', 'lr=0.1', '--dataset t.csv: the images of rank 1 are not those of rank 0; fetch them again'],
      ...(isLongRun ? ([['', 'lr=0.2', '--lr: rank 1 has 0.2, rank 0 0.1; start all ranks with the same options\n']] as const) : []),
      ['', 'lr=0.1,0.2', 'sweep: rank 1 has 2 runs, rank 0 1; start all ranks with the same options\n'],
    ] as const) {
      const { code, err } = await ranks(last, 1, beside(where, lr), { cwd });
      assert.is.not(code, 0);
      assert.match(err, said);
      assert.not(existsSync(join(cwd, 'runs')));
    }
  });

  test('what one process does is done and said by the first of the ranks that are asked for it', async () => {
    const cwd = await scratch();
    const shape: [number, number, number] = [1, 4, 4];
    const classes = ['a', 'b'];
    const net = openModel({ name: 'mlp', options: { hidden: [4] } }, { classes: 2, shape });
    const texts = { shape: JSON.stringify(shape), classes: JSON.stringify(classes) };
    const metadata = { model: 'mlp:hidden=4', dataset: './none', normalize: 'none', ...texts };
    writeFileSync(join(cwd, 'net.safetensors'), encodeSafetensors(generatedWeights(net, shape), metadata));
    const rank = (out: string) => [BIN, ...words('export net.safetensors --quiet --to onnx --out'), out];
    const all = await ranks(last, 2, [...rank('a.onnx'), ':', '-n', '1', process.execPath, ...rank('b.onnx')], { cwd });
    assert.is(all.code, 0, all.err);
    assert.equal(all.out.split('\n').sort(), ['', 'a.onnx', 'b.onnx']);
    assert.ok(existsSync(join(cwd, 'a.onnx')) && existsSync(join(cwd, 'b.onnx')));
  });

  test('a run on one process goes on as a job of two ranks', async () => {
    const cwd = await scratch();
    const small = SMALL.map(word => (word === 'lenet5' ? 'mlp:hidden=8' : word));
    const one = await called([...words('train'), ...small, ...words('--distribute sync --epochs 2 --quiet --out run')], cwd);
    assert.is(one.refusal, '');
    const two = await job(last, 2, '--resume run --epochs 3 --quiet', { cwd });
    assert.is(two.code, 0, two.err);
    assert.match(two.out, /^test accuracy/);
  });

  test('a run of one process goes on where a launcher starts one', async () => {
    const cwd = await scratch();
    const one = await called(words('train mlp:hidden=8 --dataset two-moons --steps 20 --quiet --out run'), cwd);
    assert.is(one.refusal, '');
    const more = await job(last, 1, '--resume run --steps 30 --quiet', { cwd });
    assert.is(more.code, 0, more.err);
    assert.match(more.out, /^test accuracy/);
  });

  longTests(test)('a search on 2 ranks gives each runs of its own, and rank 0 keeps the results of all', async () => {
    const cwd = await scratch();
    const grid = words(
      'sweep lenet5 --dataset shapes --limit-train 72 --limit-test 20 --batch-size 16 --epochs 1 --grid lr=0.1,0.001,0 --out runs',
    );
    const { code, out, err } = await ranks(last, 2, [BIN, ...grid], { cwd });
    assert.is(code, 0, err);
    const lines = readFileSync(join(cwd, 'runs/results.jsonl'), 'utf8').trim().split('\n');
    assert.equal(
      lines.map(line => (JSON.parse(line) as { choice: { lr: string } }).choice.lr),
      ['0.1', '0.001', '0'],
    );
    assert.match(out, /\n3\/3 {2}lr=0 {2}held-out accuracy/);
  });
}

const [first] = launchers;
if (first) {
  test('a comparison of methods on ranks writes its table alone to standard output, and what is done so far beside it', async () => {
    const asked = words('compare distribution --model mlp:hidden=4 --dataset shapes --limit-train 256 --limit-test 50');
    const { code, out, err } = await ranks(first, 2, [BIN, ...asked], { cwd: await scratch() });
    assert.is(code, 0, err);
    assert.match(out, /^method +lr/);
    assert.match(err, /sync: [\d.]+ s, test accuracy/);
  });
}

test('a benchmark that is to start jobs where there is no launcher says so in one line', async () => {
  const { refusal: said } = await called(words('bench distributed lenet5 --mpirun no-such-mpirun'), await scratch());
  assert.is(
    said,
    'no-such-mpirun: there is none on the PATH; install one (Debian and Ubuntu: apt-get install openmpi-bin), or name one with --mpirun',
  );
});

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
  const numbers = [1, 2].map(scale => datasetOf({ images: [[1], [2]], targets: [scale, 2 * scale] }));
  const [c, d] = together(2);
  const answers = await Promise.all(
    [c, d].map(async (exchange, i) => refusal(async () => agreeOnData({ exchange: exchange! }, await numbers[i]!))),
  );
  assert.match(answers[0]!, 'dataset samples: the images of rank 1 are not those of rank 0; fetch them again');
});

test('ranks whose images stay on disk compare these too', async () => {
  const dataDir = await scratch();
  const openAt = async (green: number) => {
    const root = join(await scratch(), 'pets');
    for (const name of ['cats', 'dogs']) await paint(root, name, 10, green);
    return openDataset(root, { dataDir, imageSize: 5, resident: 0, quiet: true });
  };
  const [first, same, other] = await Promise.all([200, 200, 90].map(openAt));
  const said = (...sets: (typeof first)[]) => {
    const ranks = together(sets.length);
    return Promise.all(sets.map((dataset, rank) => refusal(() => agreeOnData({ exchange: ranks[rank]! }, dataset!))));
  };
  assert.match((await said(first, other))[0]!, 'dataset pets: the images of rank 1 are not those of rank 0');
  const pair = together(2);
  await Promise.all([first, same].map((dataset, rank) => agreeOnData({ exchange: pair[rank]! }, dataset!)));
});

test.run();
