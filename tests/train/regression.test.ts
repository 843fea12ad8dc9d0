/** A regression from end to end: its metrics against sums in float64, what is kept of it, and what is refused. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { exportNet } from '../../cli/export/export.ts';
import { messageOf } from '../../cli/flags.ts';
import { evaluate, type EvalOptions } from '../../cli/run/eval.ts';
import { predict, type PredictOptions } from '../../cli/run/predict.ts';
import { datasetOf, fit, Predictor, type EpochEvent } from '../../index.ts';
import { parseConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { openTrainer } from '../../train/run/open.ts';
import { weightsFile } from '../../train/run/node/run-folder.ts';
import { useNode } from '../../train/run/node/platform.ts';
import { isBetter } from '../../train/step/metrics.ts';
import { Teacher } from '../../web/worker/teacher.ts';
import { close, deviceFor } from '../support/check.ts';
import { runOnnx } from '../support/onnx.ts';
import { descent } from '../support/process/command.ts';
import { printed } from '../support/process/printed.ts';
import { scratchFolders } from '../support/process/scratch.ts';
import { refusal, refused } from '../support/refusal.ts';

const test = suite('regression');
const folder = scratchFolders(test);
test.before(useNode);

const MODEL = 'mlp:hidden=16,activation=tanh';
const mean = (values: ArrayLike<number>, f: (v: number) => number): number =>
  Array.from(values).reduce((sum, v) => sum + f(v), 0) / values.length;

/** Rows of two features, and two numbers of each. */
const n = 100;
const images = Array.from({ length: n }, (_, i) => [Math.sin(i), Math.cos(7 * i)]);
const targets = images.map(([a, b]) => [2 * a! - b! + 5, a! * b!]);

test('RMSE, MAE and R² of evaluations and of training lines are those of the predictions', async () => {
  const dataset = await datasetOf({ images, targets, test: 0.2 });
  const recipe = recipeOf(parseConfig(MODEL, { batchSize: '36', lr: '0.02', shuffle: 'false', augment: 'mixup' }));
  const { trainer, data } = await openTrainer(recipe, dataset, await deviceFor('own'));
  const plain = await openTrainer({ ...recipe, augment: { transforms: [], mix: [], views: 1 } }, dataset, await deviceFor('own'));
  for (const part of ['val', 'test'] as const) {
    const { loss, accuracy, rmse, mae, r2 } = await trainer.evaluate(part);
    const goals = data.parts[part].targets!;
    const errors = (await trainer.logits(part)).map((y, i) => y - goals[i]!);
    const centres = [0, 1].map(k =>
      mean(
        goals.filter((_, i) => i % 2 === k),
        v => v,
      ),
    );
    const square = (v: number) => v * v;
    const spread = mean(
      goals.map((t, i) => t - centres[i % 2]!),
      square,
    );
    const wanted = [mean(errors, square), mean(errors, square), mean(errors, Math.abs), 1 - mean(errors, square) / spread];
    close(part, [loss, rmse! ** 2, mae!, r2!], wanted, 1e-5);
    assert.is(accuracy, undefined);
  }
  const errors = (await plain.trainer.logits('train')).slice(0, 72).map((y, i) => y - data.parts.train.targets![i]!);
  await plain.trainer.step(true);
  const [line] = await plain.trainer.settle();
  close('a line of metrics', [line!.loss, line!.mae!], [mean(errors, e => e * e), mean(errors, Math.abs)], 1e-5);
  for (let i = 0; i < 60; i++) await trainer.step(i % 20 === 19);
  const mixed = await trainer.settle();
  assert.ok(mixed.at(-1)!.loss < 0.2 * mixed[0]!.loss, 'pairs of samples are mixed with their numbers, and it learns');
  trainer.destroy();
  plain.trainer.destroy();
});

test('the better evaluation is that of the smaller loss', () => {
  assert.ok(isBetter({ loss: 1, rmse: 1, mae: 1, r2: 0 }, { loss: 2, rmse: 1.4, mae: 1, r2: -1 }));
  assert.not(isBetter({ loss: 2, rmse: 1.4, mae: 1, r2: -1 }, { loss: 1, rmse: 1, mae: 1, r2: 0 }));
});

test('fit takes targets, tells R², and its model gives numbers; so does a file of it', async () => {
  const run = fit(
    MODEL,
    { images, targets, outputs: ['sum', 'product'], test: 0.2 },
    { epochs: 40, batchSize: 24, lr: 0.02, earlyStop: '20' },
  );
  const epochs: EpochEvent[] = [];
  for await (const event of run) if (event.type === 'epoch') epochs.push(event);
  const { test: tested, train } = await run.done;
  assert.ok(tested!.r2! > 0.9 && train!.r2! > 0.9 && epochs[0]!.validation!.r2! < 0.5, JSON.stringify([tested, epochs[0]]));
  const model = await run.model;
  const [sum, product] = await model.values([0.5, 0.5]);
  assert.ok(Math.abs(sum! - 5.5) < 0.5 && Math.abs(product! - 0.25) < 0.3, `${sum} ${product}`);
  assert.match(await refusal(() => model.predict([0.5, 0.5])), /^predict: the model predicts numbers \(sum, product\); ask values\(\)/);
  const { device } = await deviceFor('own').then(device => ({ device }));
  const again = await Predictor.open(device, await model.bytes(), { model: MODEL });
  assert.equal(again.outputs, ['sum', 'product']);
  close('of a file', await again.values([0.5, 0.5]), [sum!, product!], 1e-6);
  again.destroy();
  model.destroy();
});

test('the command line trains, goes on, evaluates and predicts', async () => {
  const home = await folder();
  const set = 'formula:y=2*x+1,points=60,test=20';
  const train = (...more: string[]) => descent(['train', ...more, '--quiet'], home);
  const begun = await train('mlp:hidden=none', '--dataset', set, '--lr', '0.1', '--batch-size', '27', '--epochs', '20', '--out', 'r');
  assert.match(begun.out, /^test RMSE [\d.]+, MAE [\d.]+, R² 0\.\d+, loss [\d.]+\n$/);
  const gone = await train('--resume', 'r', '--epochs', '60');
  assert.match(gone.out, /R² 1\.0000/);
  const file = join(home, 'r');
  const lines = readFileSync(join(file, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  assert.ok(lines.every(line => line.r2 <= 1 && line.accuracy === undefined));
  assert.match(readFileSync(join(file, 'curves.svg'), 'utf8'), /Root mean squared error/);
  assert.match(readFileSync(join(file, 'prediction.svg'), 'utf8'), /Data and prediction/);
  const options = { split: 'test', json: true, predictions: join(home, 'p.csv') } as EvalOptions;
  const told = JSON.parse(await printed(() => evaluate(file, options)));
  assert.ok(Math.abs(told.r2 - lines.at(-1).r2) < 1e-4 && told.rmse < 0.01, JSON.stringify(told));
  const [head, first] = readFileSync(join(home, 'p.csv'), 'utf8').split('\n');
  const [x, y, predicted] = first!.split(',').map(Number);
  assert.is(head, 'x,y,predicted y');
  assert.ok(Math.abs(y! - (2 * x! + 1)) < 1e-5 && Math.abs(predicted! - y!) < 0.02);
  writeFileSync(join(home, 'q.csv'), 'z,x\n9,0.25\n9,-0.5\n');
  const asked = { top: '3', json: true } as PredictOptions;
  const answers = (await printed(() => predict(file, ['0.25', join(home, 'q.csv')], asked)))
    .trim()
    .split('\n')
    .map(l => JSON.parse(l));
  assert.equal(
    answers.map(a => a.inputs.x),
    [0.25, 0.25, -0.5],
  );
  answers.forEach(a => assert.ok(Math.abs(a.predictions.y - (2 * a.inputs.x + 1)) < 0.02));
  const onnx = join(home, 'r.onnx');
  await printed(() => exportNet(file, { to: 'onnx', out: onnx }));
  const { values } = await runOnnx(readFileSync(onnx), Float32Array.of(0.25, -0.5), [2, 1, 1, 1]);
  close('of ONNX Runtime', values!.data, [answers[1].predictions.y, answers[2].predictions.y], 1e-5);
  const ofOnnx = JSON.parse(await printed(() => predict(onnx, ['0.25'], asked)));
  const teacher = new Teacher(() => undefined);
  for (const net of [weightsFile(file), onnx])
    assert.is(
      await refusal(() => teacher.load(new Uint8Array(readFileSync(net)), net)),
      `${net}: predicts numbers; give a net of classes`,
      'the page takes no regression where it teaches classes',
    );
  close('of the file read again', [ofOnnx.predictions.y], [answers[0].predictions.y], 1e-5);
  assert.match(
    messageOf(await refused(() => exportNet(file, { to: 'onnx', softmax: true }))),
    /^--softmax: the net predicts numbers \(y\), which have no probabilities; leave it out$/,
  );
  assert.match(
    await refusal(() => exportNet(file, { to: 'webpage' })),
    /predicts numbers \(y\), and --to webpage is of classes; export it --to onnx/,
  );
  assert.match(await refusal(() => predict(file, ['0.1,0.2'], asked)), /^predict: '0.1,0.2' has 2 values, the model takes 1; give numbers/);
  assert.match(await refusal(() => evaluate(file, { ...options, report: true })), /^--report: is of classes, and formula/);
});

test('what is of classes alone is refused in one line', async () => {
  const dataset = await datasetOf({ images, targets, name: 'pairs' });
  const said = (given: Record<string, string>) =>
    refusal(async () => openTrainer(recipeOf(parseConfig(MODEL, { batchSize: '20', ...given })), dataset, await deviceFor('own')));
  assert.is(
    await said({ loss: 'hinge' }),
    'loss hinge: is of classes, and pairs has numbers to predict; give loss as one of mse, mae, huber',
  );
  assert.match(await said({ labelSmoothing: '0.1' }), /^labelSmoothing 0.1: is of classes, and pairs has numbers to predict; leave it out/);
  assert.match(await said({ swag: '0.5' }), /^swag 0.5: is of classes/);
  assert.match(await said({ order: 'curriculum' }), /^order curriculum: is of classes/);
  assert.match(await said({ earlyStop: 'accuracy:3' }), /^earlyStop accuracy: is of classes.*give earlyStop a number of epochs/);
  assert.match(await said({ augment: 'flip' }), /points of 2 coordinates/);
});

test.run();
