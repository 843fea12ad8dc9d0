/** A run of `descent train`, what it writes and prints, and `eval` and `predict` of it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { datasets } from '../../datasets/index.ts';
import { parseMetrics, type EvalMetrics } from '../../train/step/metrics.ts';
import { readSafetensors } from '../../train/run/node/sealed.ts';
import { encodeSafetensors } from '../../train/run/safetensors.ts';
import { called } from '../support/process/called.ts';
import { descent, inTurn, SMALL, words } from '../support/process/command.ts';
import { scratchFolders } from '../support/process/scratch.ts';

const runs = suite('runs');
const scratch = scratchFolders(runs);

// a finished run that tests do not change
let run = '';
runs.before(async () => {
  const home = await scratch();
  run = join(home, 'run');
  assert.is((await called([...SMALL, '--out', 'run', '--quiet'], home)).refusal, '');
});
const linesOf = (text: string): string[] => text.trimEnd().split('\n');

runs('a run folder has all that repeats, continues and shows the run', () => {
  assert.equal(readdirSync(run).sort(), words('best.safetensors config.json curves.svg metrics.jsonl model.safetensors state.safetensors'));
  const config = JSON.parse(readFileSync(join(run, 'config.json'), 'utf8'));
  assert.equal(
    [config.model, config.dataset, config.batchSize, config.optimizer, config.lr, config.seed],
    ['lenet5', 'shapes', 32, 'adam:beta1=0.9,beta2=0.999,eps=1e-8', 0.001, 0],
  );
  assert.ok(config.facts.adapter.description);
  const lines = parseMetrics(readFileSync(join(run, 'metrics.jsonl'), 'utf8'));
  assert.equal(
    lines.map(l => ('split' in l ? `${l.split} ${l.step}` : l.step)),
    [1, 2, 4, 5, 8, 9, 'val 9', 10, 12, 16, 18, 'val 18', 20, 24, 27, 'val 27', 28, 32, 36, 'val 36', 'test 36'],
  );
  assert.equal(Object.keys(lines[0]!), ['step', 'epoch', 'loss', 'accuracy', 'lr', 'images_per_s']);
  assert.match(readFileSync(join(run, 'curves.svg'), 'utf8'), 'lenet5 on shapes');
  assert.equal(
    Object.keys(readSafetensors(join(run, 'model.safetensors')).tensors),
    ['conv1', 'conv2', 'fc1', 'fc2', 'fc3'].flatMap(l => [`${l}.weight`, `${l}.bias`]),
  );
});

runs('eval finds the accuracy that the run ended with, of a folder, a file, and one from elsewhere', async () => {
  const folder = await scratch();
  const test = parseMetrics(readFileSync(join(run, 'metrics.jsonl'), 'utf8')).at(-1)!;
  const { tensors, metadata } = readSafetensors(join(run, 'model.safetensors'));
  const { moments, sha256, ...rest } = metadata;
  assert.ok(moments && sha256);
  writeFileSync(join(folder, 'w.safetensors'), encodeSafetensors(tensors, rest)); // mean and deviation are then those of the data set, not of its first 320 images
  const model = join(run, 'model.safetensors');
  const evaluated = async (...args: string[]) =>
    JSON.parse((await called(['eval', ...args, '--limit-test', '100', '--json'], folder)).out) as EvalMetrics & { file: string };
  const { loss, accuracy, split } = await evaluated(model, '--batch-size', '32');
  assert.equal([split, loss, accuracy], ['test', test.loss, test.accuracy]);
  const bare = await evaluated(join(folder, 'w.safetensors'), '--normalize', 'meanstd');
  assert.ok(Math.abs(bare.loss - test.loss) < 0.05, String(bare.loss));
  assert.is((await evaluated(run)).file, join(run, 'best.safetensors'));
});

runs('predict prints the classes of image files, resized and inverted as asked', async () => {
  const folder = await scratch();
  const { test } = await datasets.shapes!.load(async () => new Uint8Array(), { limitTrain: 1, limitTest: 3 }, {});
  for (let i = 0; i < 3; i++) {
    const pixels = new Uint8Array(3072);
    for (let p = 0; p < 1024; p++) for (let c = 0; c < 3; c++) pixels[p * 3 + c] = test.images[i * 3072 + c * 1024 + p]!;
    const image = sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } });
    await image.png().toFile(join(folder, `${i}.png`));
    await image
      .negate({ alpha: false })
      .png()
      .toFile(join(folder, `negative${i}.png`));
  }
  const asked = async (more: string) => linesOf((await called(['predict', run, ...words(more)], folder)).out);
  const read = (lines: string[]) =>
    lines.map(l => (JSON.parse(l) as { predictions: { class: string; probability: number }[] }).predictions);
  const plain = read(await asked('0.png 1.png 2.png --json --top 10'));
  assert.is(plain.length, 3);
  for (const p of plain) {
    assert.equal(p.map(x => x.class).sort(), [...datasets.shapes!.classes].sort());
    assert.ok(Math.abs(p.reduce((sum, x) => sum + x.probability, 0) - 1) < 1e-5);
    assert.ok(p.every((x, i) => !i || x.probability <= p[i - 1]!.probability));
  }
  assert.equal(read(await asked('negative0.png negative1.png negative2.png --invert --json --top 10')), plain);
  assert.equal(
    await asked('0.png 1.png 2.png --quiet'),
    plain.map(p => p[0]!.class),
  );
});

runs('--json prints the lines of metrics.jsonl, plain output one line each', async () => {
  const folder = await scratch();
  const run = (out: string) => called([...SMALL, ...words(`--epochs 1 --out ${out}`)], folder);
  const json = await run('a --json');
  const plain = await run('b');
  assert.is(json.out, readFileSync(join(folder, 'a/metrics.jsonl'), 'utf8'));
  for (const part of [
    'lenet5 (62,006 parameters) on shapes: 288 training, 32 validation, 100 test images',
    'run folder b',
    'epoch 1/1  step 4  loss ',
    ' images/s',
    'validation loss',
    'test loss',
    'curves in b',
  ]) {
    assert.match(plain.out, part);
  }
  assert.not.match(plain.out, '\x1b');
});

runs('--plan prints each dispatch and the memory, and trains nothing', async () => {
  const folder = await scratch();
  const { out } = await called(words('train lenet5 --dataset shapes --limit-train 64 --limit-test 1 --batch-size 8 --plan'), folder);
  for (const part of [/conv1 forward +conv/, /model update +update_adam/, /dispatches in 1 submit/, /without reuse/]) {
    assert.match(out, part);
  }
  assert.equal(readdirSync(folder), []);
});

runs('--plan with a folder writes the WGSL of each dispatch, once where several have the same', async () => {
  const folder = await scratch();
  const small = words('train mlp:hidden=8 --dataset two-moons --limit-train 64 --batch-size 32 --json --plan step');
  const lines = linesOf((await called(small, folder)).out).map(l => JSON.parse(l) as { wgsl?: string; layer: string });
  const files = lines.flatMap(line => line.wgsl ?? []);
  assert.is(files.length, lines.length - 1, 'all but the last line, which is the sum');
  assert.equal(readdirSync(join(folder, 'step')).sort(), [...new Set(files)].map(file => basename(file)).sort());
  const update = lines.findIndex(line => line.layer === 'model update');
  assert.match(
    readFileSync(join(folder, lines[update]!.wgsl!), 'utf8'),
    new RegExp(`^// ${update + 1}  model update, 1 x 1 x 1 workgroups\n@group\\(0\\)`),
  );
  assert.is((await called(small, folder)).refusal, '--plan: step holds files; name a new or an empty folder');
});

runs('a schedule reaches each step, statistics of the layers a file', async () => {
  const folder = await scratch();
  const more = words('--epochs 1 --log-every 1 --lr 0.09 --schedule linear --stats 4 --json --out r');
  const { out } = await called([...SMALL, ...more], folder);
  type Line = { lr?: number; stats?: { step: number; layers: { name: string; update?: number }[] } };
  const lines = linesOf(out).map(l => JSON.parse(l) as Line);
  assert.equal(
    lines.flatMap(l => (l.lr === undefined ? [] : [Number(l.lr.toFixed(6))])),
    [0.09, 0.08, 0.07, 0.06, 0.05, 0.04, 0.03, 0.02, 0.01],
  );
  const stats = lines.flatMap(l => l.stats ?? []);
  assert.equal(
    stats.map(s => s.step),
    [1, 4, 8, 9],
  );
  assert.ok(stats.every(s => s.layers.some(l => l.name === 'fc3' && l.update! > 0)));
  assert.equal(
    linesOf(readFileSync(join(folder, 'r/stats.jsonl'), 'utf8')).map(l => JSON.parse(l)),
    stats,
  );
});

runs('a loss that is no longer finite ends the run with step, layer and rate; the last checkpoint stays', async () => {
  const folder = await scratch();
  const wild = '--epochs 1 --optimizer sgd --lr 1e30';
  const late = '--epochs 3 --optimizer sgd --lr 1e-3 --schedule step:step_size=9,gamma=1e30 --out late';
  const [plain, kept] = await inTurn([wild, late], more => descent([...SMALL, ...words(more)], folder));
  const debug = await called([...SMALL, ...words(`${wild} --debug`)], folder);
  assert.match(
    plain!.err,
    /^the loss is (NaN|-?Infinity) at step \d+ \(learning rate 1e\+30\); doing the \d+ steps so far again with checks, to name the layer$/m,
  );
  assert.match(
    plain!.err,
    /\nNaN or infinity at step \d+, first in (conv|fc)\d \w+ .*\(learning rate 1e\+30\); lower --lr, .*; no checkpoint was kept yet$/m,
  );
  // in the second epoch
  assert.match(kept!.err, /\nNaN or infinity at step 1[01], first in (conv|fc)\d \w+ .*\(learning rate 1e\+27\); lower --lr, /);
  assert.match(kept!.err, '; the checkpoint of step 9 stays in late\n');
  assert.is(readSafetensors(join(folder, 'late/state.safetensors')).metadata.step, '9');
  assert.equal([plain!.code, kept!.code], [1, 1]);
  assert.match(debug.refusal, /^NaN or infinity at step \d+, first in (conv|fc)\d \w+ .*\(learning rate 1e\+30\)/);
});

runs('accuracies before averaging stand beside those after', async () => {
  const folder = await scratch();
  const { out } = await called([...SMALL, '--ema', '0.9', '--out', 'run'], folder);
  const test = parseMetrics(readFileSync(join(folder, 'run', 'metrics.jsonl'), 'utf8')).at(-1)!;
  const { accuracy, unaveraged } = test as EvalMetrics;
  const percent = (share: number) => `${(share * 100).toFixed(1)}%`;
  assert.match(
    out,
    new RegExp(
      `test loss [\\d.]+  accuracy ${percent(accuracy!)} \\(before averaging: loss [\\d.]+  accuracy ${percent(unaveraged!.accuracy!)}\\)`,
    ),
  );
  assert.not(readFileSync(join(run, 'metrics.jsonl'), 'utf8').includes('unaveraged'));
});

runs('of so few images that none is held out a run trains without validation; what goes by it is refused', async () => {
  const folder = await scratch();
  const few = words('train mlp:hidden=4 --dataset two-moons --limit-train 4 --limit-test 8 --batch-size 4 --epochs 2 --quiet');
  const { code, err } = await descent([...few, '--out', 'few'], folder);
  assert.equal([code, err], [0, '']);
  const lines = parseMetrics(readFileSync(join(folder, 'few/metrics.jsonl'), 'utf8'));
  assert.equal(
    lines.map(l => ('split' in l ? `${l.split} ${l.step}` : l.step)),
    [1, 2, 'test 2'],
  );
  const { refusal } = await called([...few, ...words('--early-stop 1 --out never')], folder);
  assert.is(refusal, '--early-stop: no images are held out for validation; give a larger --val-split');
});

runs('find-lr of a table takes its target and draws the loss of numbers under its name', async () => {
  const folder = await scratch();
  writeFileSync(join(folder, 't.csv'), ['x,y', ...Array.from({ length: 80 }, (_, i) => `${i / 10},${i / 5}`)].join('\n'));
  const drawn = async (more: string) => {
    const line = `find-lr mlp:hidden=4 --dataset t.csv --target y --batch-size 16 --steps 40 --out fl.svg --quiet ${more}`;
    const { out, refusal } = await called(words(line.trimEnd()), folder);
    assert.match(refusal || out, /^0\.\d+\n$/);
    return readFileSync(join(folder, 'fl.svg'), 'utf8');
  };
  assert.match(await drawn(''), />mse</);
  assert.match(await drawn('--loss mae'), />mae</);
  const line = 'find-lr mlp:hidden=4 --dataset t.csv --target y --batch-size 16 --steps 20 --out fl.svg';
  const { out } = await called(words(line), folder);
  assert.match(
    out,
    /^mlp:hidden=4 \(13 parameters\) on t\.csv: 64 training images\n/,
    'nothing is said of images that it does not look at',
  );
  const none = await called(words(`${line} --from 1e5 --to 1e9 --json`), folder);
  const { proposed, pictures } = JSON.parse(none.out);
  assert.equal([proposed, pictures], [null, ['fl.svg']]);
  assert.match(none.refusal, /^find-lr: the loss never falls between 100000 and 1000000000; try other rates/);
});

runs.run();
