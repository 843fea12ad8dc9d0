import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sweep } from '../../../cli/study/sweep.ts';
import { openDataset } from '../../../datasets/node/open.ts';
import { recipeOf } from '../../../train/config/recipe-of.ts';
import { choices, configOf, parseAxis } from '../../../train/config/grid.ts';
import { keyOf, ranking, type SweepLine } from '../../../train/study/sweep.ts';
import { trial } from '../../../train/study/trial.ts';
import { deviceFor } from '../../support/check.ts';
import { called } from '../../support/process/called.ts';
import { words } from '../../support/process/command.ts';
import { printed } from '../../support/process/printed.ts';
import { refusal } from '../../support/refusal.ts';
import { scratchFolders } from '../../support/process/scratch.ts';

const test = suite('sweep');
const scratch = scratchFolders(test);

for (const [text, values] of [
  ['lr=0.01,0.1', ['0.01', '0.1']],
  ['optimizer=sgd,adam', ['sgd', 'adam']],
  ['optimizer=sgd,adam:beta1=0.8,eps=1e-6,momentum', ['sgd', 'adam:beta1=0.8,eps=1e-6', 'momentum']],
  ['augment=none|crop,flip', ['none', 'crop,flip']],
  ['model.hidden=8-8,16', ['8-8', '16']],
  ['batchSize=16', ['16']],
] as const) {
  test(`reads ${text}`, () => assert.equal(parseAxis(text).values, values));
}

for (const [text, message] of [
  ['lrr=1', /unknown key 'lrr'; did you mean 'lr'\?/],
  ['momentun=1', /did you mean 'momentum'/],
  ['lr=', /lr: no values follow/],
  ['lr', /'lr' is not key=value/],
  ['lr=0.1,,0.2', /empty value/],
  ['lr=1,1', /1 is given twice/],
  ['lr=1..0.1', /out of range/],
] as const) {
  test(`refuses ${text}`, async () => assert.match(await refusal(() => parseAxis(text)), message));
}

test('a grid is all combinations, the last axis fastest', () => {
  assert.equal(choices([parseAxis('lr=1,2'), parseAxis('optimizer=sgd,adam')]), [
    { lr: '1', optimizer: 'sgd' },
    { lr: '1', optimizer: 'adam' },
    { lr: '2', optimizer: 'sgd' },
    { lr: '2', optimizer: 'adam' },
  ]);
});

test('random draws are different, within range, even over orders of magnitude, and the same for the same seed', () => {
  const axes = [parseAxis('lr=1e-4..1e-1'), parseAxis('batch-size=16..64')];
  const drawn = choices(axes, { random: 200 });
  assert.equal(drawn, choices(axes, { random: 200 }));
  assert.not.equal(drawn, choices(axes, { random: 200, seed: 1 }));
  assert.is(new Set(drawn.map(c => JSON.stringify(c))).size, 200);
  assert.ok(
    drawn.every(
      c =>
        Number(c.lr) >= 1e-4 &&
        Number(c.lr) <= 1e-1 &&
        Number.isInteger(Number(c['batch-size'])) &&
        Number(c['batch-size']) >= 16 &&
        Number(c['batch-size']) <= 64,
    ),
  );
  const third = drawn.filter(c => Number(c.lr) < 1e-3).length; // of three decades; 67 expected, deviation 6.7
  assert.ok(third > 40 && third < 94, `${third} of 200 in the lowest decade`);
  assert.is(choices([parseAxis('lr=1,2'), parseAxis('epochs=1,2')], { random: 9 }).length, 4);
});

test('refuses what cannot be searched', async () => {
  assert.match(await refusal(() => choices([])), /nothing to search/);
  assert.match(await refusal(() => choices([parseAxis('lr=1'), parseAxis('lr=2')])), /lr is given twice/);
  assert.match(await refusal(() => choices([parseAxis('lr=1e-3..1')])), /add random <n>/);
});

test('keys reach options, hyper-parameters and what belongs to the model', async () => {
  const base = { model: 'mlp', optimizer: 'momentum', schedule: 'cosine' };
  const config = configOf(base, { momentum: '0.5', 'schedule.warmup': '7', 'model.hidden': '8-8', 'batch-size': '16', valSplit: '0.2' });
  assert.equal(
    [config.optimizer, config.schedule, config.model, config.batchSize, config.valSplit],
    ['momentum:momentum=0.5', 'cosine:warmup=7', 'mlp:hidden=8-8', 16, 0.2],
  );
  assert.is(configOf(base, { schedule: 'none' }).schedule, undefined);
  assert.is(configOf(base, { normalize: 'none' }).normalize, 'none');
  assert.match(await refusal(() => configOf(base, { lr: '-1' })), /^lr: -1 is out of range/);
  assert.match(await refusal(() => configOf({ model: 'mlp' }, { 'schedule.warmup': '7' })), /no schedule is named/);
});

test('ranks by accuracy, then loss, over folds; what diverged comes last', () => {
  const line = (lr: string, more: Partial<SweepLine>): SweepLine => ({
    choice: { lr },
    config: configOf({ model: 'mlp' }, { lr }),
    seconds: 1,
    ...more,
  });
  const scores = ranking([
    line('1', { diverged: 'the loss is NaN', fold: 0 }),
    line('1', { accuracy: 1, loss: 0, fold: 1 }),
    line('2', { accuracy: 0.5, loss: 2, fold: 0 }),
    line('2', { accuracy: 0.7, loss: 1, fold: 1 }),
    line('3', { accuracy: 0.6, loss: 1, fold: 0 }),
    line('3', { accuracy: 0.6, loss: 1, fold: 1 }),
  ]);
  assert.equal(
    scores.map(s => s.choice.lr),
    ['3', '2', '1'],
  );
  assert.equal([scores[1]!.loss, scores[1]!.seconds, scores[2]!.diverged], [1.5, 2, 1]);
  assert.ok(Math.abs(scores[1]!.accuracy! - 0.6) < 1e-12 && Math.abs(scores[1]!.spread! - Math.SQRT1_2 * 0.2) < 1e-12);
});

test('regressions are ranked by their error, whatever losses they have learned by', () => {
  const line = (loss: string, more: Partial<SweepLine>): SweepLine => ({
    choice: { loss },
    config: configOf({ model: 'mlp', dataset: 'sine' }, { loss }),
    seconds: 1,
    ...more,
  });
  const lines = [
    line('mse', { loss: 0.04, rmse: 0.2 }),
    line('mae', { loss: 0.1, rmse: 0.1, fold: 0 }),
    line('mae', { loss: 0.1, rmse: 0.17, fold: 1 }),
    line('huber', { diverged: 'the loss is NaN' }),
  ];
  const order = (all: readonly SweepLine[]) => ranking(all).map(s => s.choice.loss);
  assert.equal(order(lines), ['mae', 'mse', 'huber']);
  assert.ok(Math.abs(ranking(lines)[0]!.rmse! - Math.sqrt((0.01 + 0.0289) / 2)) < 1e-12);
  assert.equal(order([{ ...lines[0]!, rmse: undefined }, ...lines.slice(1)]), ['mse', 'mae', 'huber'], 'by loss where a line has no error');
});

const tiny = { model: 'mlp:hidden=8', dataset: 'shapes', limitTrain: '200', limitTest: '10', batchSize: '20', steps: '4' };
const images = () => openDataset('shapes', { quiet: true, limitTrain: 200, limitTest: 10 });

test('runs on one device share its pipelines and do not touch each other; a fold is its own split', async () => {
  const device = await deviceFor();
  const dataset = await images();
  const recipe = recipeOf(configOf(tiny, {}));
  const first = (await trial(recipe, dataset, device))!;
  const made = device.pipelines;
  const fold = (await trial(recipe, dataset, device, { folds: 10, fold: 3 }))!;
  const again = (await trial(recipe, dataset, device))!;
  assert.is(device.pipelines, made);
  assert.equal([again.best!.loss, again.best!.accuracy], [first.best!.loss, first.best!.accuracy]);
  assert.not.equal(fold.best!.loss, first.best!.loss);
});

test('a run that is asked to stop ends after its step, without an outcome; asked in its last step it is complete', async () => {
  const recipe = recipeOf(configOf(tiny, {}));
  const asked = async (at: number) => {
    let steps = 0;
    const outcome = await trial(recipe, await images(), await deviceFor(), { stopped: () => ++steps >= at });
    return { steps, outcome };
  };
  assert.equal(await asked(2), { steps: 2, outcome: undefined });
  assert.ok((await asked(4)).outcome!.best);
});

test('a loss that is no longer finite is an outcome', async () => {
  const wild = recipeOf(configOf(tiny, { optimizer: 'sgd', lr: '1e30', steps: '20' }));
  const { best, diverged } = (await trial(wild, await images(), await deviceFor()))!;
  assert.is(best, undefined);
  assert.match(diverged!, /the loss is (NaN|Infinity) at step/);
});

test('a repeated command skips what is done, also after a line was cut short', async () => {
  const out = await scratch();
  const file = join(out, 'results.jsonl');
  const { model, ...options } = tiny;
  const lines = () => readFileSync(file, 'utf8').split('\n').filter(Boolean);
  const run = (grid: string[]) => printed(() => sweep(model, { ...options, grid, out, quiet: true }));
  const best = await run(['lr=0.001,0.01']);
  const before = lines();
  assert.is(before.length, 2);
  assert.match(best, /^lr=0\.0?01\n$/);
  assert.is(await run(['lr=0.001,0.01']), best);
  assert.equal(lines(), before);
  appendFileSync(file, '{"choice":{"lr":"0.1"},"con');
  await run(['lr=0.001,0.01,0.1']);
  const after = lines().flatMap(l => {
    try {
      return [JSON.parse(l) as SweepLine];
    } catch {
      return [];
    }
  });
  assert.equal(
    after.map(l => l.choice.lr),
    ['0.001', '0.01', '0.1'],
  );
  assert.is(new Set(after.map(keyOf)).size, 3);
});

test('a search on a table or by a model file that has changed is done again, and one that holds nothing out is refused before it begins', async () => {
  const cwd = await scratch();
  const write = (scale: number) =>
    writeFileSync(join(cwd, 't.csv'), ['x,y', ...Array.from({ length: 40 }, (_, i) => `${i / 40},${(scale * i) / 40}`)].join('\n'));
  const net = (width: number) =>
    writeFileSync(join(cwd, 'net.mjs'), `import { dense } from 'descent-gpu';\nexport default () => dense(1); // ${width}\n`);
  const run = async (more: string) => {
    const line = 'sweep ./net.mjs --dataset ./t.csv --target y --batch-size 8 --epochs 1 --grid lr=0.01,0.1';
    const { out, refusal } = await called(words(`${line} ${more}`), cwd);
    return refusal || out.split('\n')[0];
  };
  const [done, anew] = ['2 of them done already', '2 of them done on data or a model that have changed since, and done again'];
  write(1);
  net(1);
  assert.is(await run('--out s'), '2 runs; results in s/results.jsonl');
  assert.is(await run('--out s'), `2 runs, ${done}; results in s/results.jsonl`);
  write(2);
  assert.is(await run('--out s'), `2 runs, ${anew}; results in s/results.jsonl`);
  assert.is(await run('--out s'), `2 runs, ${done}; results in s/results.jsonl`);
  net(2);
  assert.is(await run('--out s'), `2 runs, ${anew}; results in s/results.jsonl`);
  write(1);
  net(1);
  assert.is(await run('--out s'), `2 runs, ${done}; results in s/results.jsonl`);
  assert.is(
    await run('--limit-train 4 --batch-size 1 --out none'),
    '--val-split: 0.1 of 4 training images holds none out to evaluate on; give a larger share, or --folds <k>',
  );
  assert.not(existsSync(join(cwd, 'none')));
});

test('a search that no run of can begin leaves no folder', async () => {
  const cwd = await scratch();
  const run = (more: string) =>
    called(words(`sweep lenet5 --dataset shapes --limit-train 40 --grid lr=0.1 --out none/of/it --quiet ${more}`), cwd);
  assert.is((await run('--folds 60')).refusal, '--folds: 60 for 40 training images; give a whole number of 2 to 40');
  assert.match((await run('--adapter abacus')).refusal, "--adapter: no adapter matches 'abacus'");
  assert.match((await run('--batch-size 64')).refusal, '--batch-size: 64 is more than');
  assert.not(existsSync(join(cwd, 'none')));
});

test.run();
