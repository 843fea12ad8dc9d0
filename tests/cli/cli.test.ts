import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { datasets } from '../../datasets/index.ts';
import { parseMetrics, type EvalMetrics } from '../../train/step/metrics.ts';
import { readSafetensors } from '../../train/run/node/sealed.ts';
import { encodeSafetensors, type Tensors } from '../../train/run/safetensors.ts';
import { called } from '../support/process/called.ts';
import { BIN, descent, inTurn, SMALL, words } from '../support/process/command.ts';
import { scratchFolders } from '../support/process/scratch.ts';

const cli = suite('cli');
const scratch = scratchFolders(cli);

// a folder, and in it a finished run that tests copy from and do not change
let home = '';
let run = '';
cli.before(async () => {
  home = await scratch();
  run = join(home, 'run');
  const { code, err } = await descent([...SMALL, '--out', 'run', '--quiet'], home);
  assert.is(code, 0, err);
});
const linesOf = (text: string): string[] => text.trimEnd().split('\n');
const weights = (): Tensors => readSafetensors(join(run, 'model.safetensors')).tensors;

/** A file that a case needs, written into the folder where the command runs. */
type Prepare = (folder: string) => void;
const tensors =
  (change: (t: Tensors) => Tensors, metadata?: Record<string, string>): Prepare =>
  folder =>
    writeFileSync(join(folder, 'w.safetensors'), encodeSafetensors(change(weights()), metadata));
const text =
  (name: string, content: string | Uint8Array): Prepare =>
  folder =>
    writeFileSync(join(folder, name), content);
const copy: Prepare = folder => cpSync(run, join(folder, 'run'), { recursive: true });
const without = (t: Tensors, name: string) => Object.fromEntries(Object.entries(t).filter(([n]) => n !== name));
const lying = '{"x":{"dtype":"F32","shape":[4],"data_offsets":[0,64]}}';

const train = (...more: string[]) => ['train', 'lenet5', '--dataset', 'shapes', ...more];
// a GPU that descent meets for the first time says so
const init = train('--limit-train', '100', '--no-tune', '--init', 'w.safetensors');
const refused: [args: string[], message: RegExp, prepare?: Prepare][] = [
  [['trian'], /^descent: unknown command 'trian'; did you mean train\?$/],
  [['train'], /^train: no model is named; give one, as in descent train lenet5/],
  [train('--optimzer', 'sgd'), /^descent train: unknown option '--optimzer'; did you mean --optimizer\?$/],
  [train('--lr'), /^descent train: option '--lr <rate>' argument missing; 'descent train --help' says what is accepted$/],
  [['train', 'lenet5', 'resnet20'], /^descent train: too many arguments/],
  [['eval'], /^descent eval: missing required argument 'checkpoint'; 'descent eval --help'/],
  [['data', 'fetsh'], /^descent data: unknown command 'fetsh'; did you mean fetch\?$/],
  [['data', 'fetch', 'fashion'], /^unknown dataset 'fashion'; .*known: fashion-mnist, /],
  [['train', 'lenet', '--dataset', 'shapes'], /^unknown model 'lenet'; did you mean 'lenet5'\? known: .*lenet5/],
  [['models', 'lenett5'], /^unknown model 'lenett5'; did you mean 'lenet5'\?/],
  [['train', 'lenet5', '--dataset', 'shpes'], /^unknown dataset 'shpes'; did you mean 'shapes'\? known: fashion-mnist, /],
  [train('--optimizer', 'adan'), /^unknown optimizer 'adan'; did you mean 'adam'\? known: .*sgd/],
  [train('--optimizer', 'adam:beta=0.9'), /^unknown hyper-parameter of adam 'beta'; did you mean 'beta1'\? known: /],
  [train('--optimizer', 'momentum:momentum=big'), /^momentum: momentum is 'big'; give a number of at least 0 and below 1$/],
  [
    train('--optimizer', 'sgd:momentum=0.9'),
    /^--optimizer: sgd has no momentum, it has .*; take --optimizer momentum, or take --optimizer momentum:/,
  ],
  [
    ['train', 'lenet5', '--dataset', './nofolder'],
    /^--dataset: \.\/nofolder is not there; give a folder with a subfolder of images for each class, a table as .csv, or a name: /,
  ],
  [
    words('train mlp --dataset xor --augment flip,crop'),
    /^--augment: flip changes images, and this data set has points of 2 coordinates; leave it out, or take noise or mixup$/,
  ],
  [train('--optimizer', 'adam:'), /^--optimizer: nothing follows 'adam:'/],
  [train('--out', ''), /^--out: the value is empty; give one$/],
  [['eval', ''], /^eval: an argument is empty; give a name there$/],
  [train('--stats', 'x'), /^--stats: 'x' is not a number; give a whole number of at least 1$/],
  [train('--checkpoint-every', 'xm'), /^--checkpoint-every: 'x' is not a number; give a number above 0$/],
  [words('compare schedules --out nope/x.svg'), /^nope\/x\.svg: cannot be written, there is no such file or folder; choose another place$/],
  [
    words('compare schedules --dataset shapes --limit-train 5'),
    /^--limit-train: 5 images leave 4 to train on, and a batch is 64; give more$/,
  ],
  [words('bench kernels --filter zzz'), /^--filter: no kernel or shape contains 'zzz'; leave it out to see all$/],
  [words('bench scaling --picture x.gif'), /^--picture: 'x\.gif' is no picture's name; /],
  [words('bench step mlp --out nope/x.json'), /^nope\/x\.json: cannot be written, /],
  [
    words('predict run x.png --dataset nope'),
    /^unknown dataset 'nope'; known: /,
    folder => [copy, text('x.png', '')].forEach(prepare => prepare(folder)),
  ],
  [words('models lenet5 --dataset ./nope'), /^--dataset: \.\/nope is not there; /],
  [train('--lr', '-0.1'), /^--lr: -0\.1 is out of range; give a number of at least 0$/],
  [train('--lr', 'NaN'), /^--lr: 'NaN' is not a number; give a number of at least 0$/],
  [train('--weight-decay', '-1'), /^--weight-decay: -1 is out of range/],
  [train('--batch-size', '0'), /^--batch-size: 0 is out of range; give a whole number of at least 1$/],
  [train('--batch-size', '12.5'), /^--batch-size: 12\.5 is not a whole number/],
  [train('--batch-size', '100', '--limit-train', '100'), /^--batch-size: 100 is more than the 90 training images; give 1 to 90$/],
  [train('--epochs', '0'), /^--epochs: 0 is out of range/],
  [train('--val-split', '1'), /^--val-split: 1 is out of range; give a number of at least 0 and below 1$/],
  [train('--normalize', 'std'), /^--normalize: 'std' is not known; give one of none, mean, meanstd/],
  [train('--adapter', 'voodoo'), /^--adapter: no adapter matches 'voodoo'; this machine has /],
  [train('--init', 'nope.safetensors'), /^nope\.safetensors: cannot be read, there is no such file or folder; give a \.safetensors file$/],
  [train('--init', 'w.safetensors'), /^w\.safetensors: 4 bytes are too few for a safetensors header/, text('w.safetensors', 'PK\x03\x04')],
  [
    train('--init', 'w.safetensors'),
    /^w\.safetensors: tensor 'x' ends at byte 64 of the data, which has 16; the file is cut short/,
    text('w.safetensors', Buffer.concat([Buffer.from([lying.length, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(lying), Buffer.alloc(16)])),
  ],
  [init, /'fc3\.bias' \[10\] is missing/, tensors(t => without(t, 'fc3.bias'))],
  [
    init,
    /'fc2\.weight' has shape \[120, 84\], the model has \[84, 120\]/,
    tensors(t => ({ ...t, 'fc2.weight': { ...t['fc2.weight']!, shape: [120, 84] } })),
  ],
  [init, /'layer1\.0\.conv1\.weight' is not in this model/, tensors(t => ({ ...t, 'layer1.0.conv1.weight': t['fc3.bias']! }))],
  [
    train('--out', 'run'),
    /^run: already holds a run \(config\.json\); choose another folder with --out, or continue that run with --resume run$/,
    copy,
  ],
  [
    train('--out', 'file/run'),
    /^file\/run: cannot be written, part of the path is a file, not a folder; choose another folder with --out$/,
    text('file', ''),
  ],
  [['train', '--resume', 'nope'], /^nope: there is no such folder; give the folder of a run/],
  [['train', '--resume', 'run'], /^run: the run is complete \(36 of 36 steps\); give more with --epochs or --steps$/, copy],
  [
    words('train --resume run --epochs 5 --lr 0.1'),
    /^--lr: the run in run has 0\.001, not 0\.1; a resumed run keeps its configuration/,
    copy,
  ],
  [['train', 'alexnet', '--resume', 'run'], /^--resume: the run in run trains lenet5, not alexnet/, copy],
  [['eval', 'nope'], /^nope: there is no such file or folder/],
  [['eval', 'w.safetensors'], /^w\.safetensors: does not say which model it is of; give --model$/, tensors(t => t)],
  [
    words('eval w.safetensors --model lenet5 --dataset shapes'),
    /^w\.safetensors: does not say how its images were normalized; give --normalize none\|mean\|meanstd/,
    tensors(t => t),
  ],
  [
    words('eval w.safetensors --model lenet5'),
    /^w\.safetensors: is a checkpoint of resnet20, not of lenet5; leave out --model$/,
    tensors(t => t, { model: 'resnet20' }),
  ],
  [['eval', 'run', '--attack', 'pdg'], /^unknown attack 'pdg'; did you mean 'pgd'\? known: fgsm, ifgsm, pgd, margin, cw$/, copy],
  [['eval', 'run', '--attack', 'pgd', '--tta', 'flip'], /^--tta: is not told of attacked images; leave it out, or --attack$/, copy],
  [['eval', 'run', '--split', 'train'], /^--split: 'train' is not known; give one of test, val$/, copy],
  [['predict', 'run', 'nope.png'], /^nope\.png: there is no such file; give an image file$/, copy],
  [
    ['predict', 'run', 'text.png'],
    /^text\.png: cannot be read as an image \(.*\); give a PNG, JPEG/,
    folder => [copy, text('text.png', 'hello')].forEach(prepare => prepare(folder)),
  ],
  [
    ['train', 'lenet5', '--dataset', './photos'],
    /photos: one class only \('cats'\); at least two subfolders/,
    folder => mkdirSync(join(folder, 'photos/cats'), { recursive: true }),
  ],
];

/** A refusal is one line, and it comes before anything is begun. */
function checkRefusal(folder: string, said: string, out: string, message: RegExp): void {
  assert.match(said, message, `${said} does not match ${message}`);
  assert.not.match(said, '\n', 'more than one line');
  assert.is(out, '', 'it began');
  const runs = join(folder, 'runs');
  assert.not(existsSync(runs) && readdirSync(runs).length, 'a run folder was left');
}
for (const [args, message, prepare] of refused) {
  cli(`descent ${args.join(' ')}: ${message.source.slice(0, 60)}`, async () => {
    const folder = await scratch();
    prepare?.(folder);
    const { out, refusal } = await called(args, folder);
    checkRefusal(folder, refusal, out, message);
  });
}

cli('a process that is refused something says it on standard error, and ends by 1', async () => {
  const some = refused.filter((_, i) => i % 10 === 0);
  await inTurn(some, async ([args, message, prepare]) => {
    const folder = await scratch();
    prepare?.(folder);
    const { code, out, err } = await descent(args, folder);
    checkRefusal(folder, err.trimEnd(), out, message);
    assert.is(code, 1);
  });
});

cli('help of every command answers with examples, on standard output', async () => {
  const commands = [
    'train',
    'eval',
    'predict',
    'look',
    'devices',
    'find-lr',
    'sweep',
    'compare',
    'models',
    'data',
    'data fetch',
    'data list',
    'data show',
    'data verify',
    'bench',
    'bench kernels',
    'bench step',
    'bench scaling',
  ];
  for (const command of commands) {
    const { out, refusal } = await called(words(`${command} --help`), home);
    assert.is(refusal, '', command);
    assert.match(out, `Usage: descent ${command}`);
    assert.match(out, 'Examples:', command);
  }
  const [bare, asked] = await inTurn([[], ['--help']], args => descent(args, home));
  assert.equal([asked!.code, asked!.err], [0, '']);
  assert.match(asked!.out, /^Usage: descent [^]*Examples:/);
  assert.equal(bare, asked);
});

cli('the stack is shown with --verbose only', async () => {
  const { code, err } = await descent(train('--lr', 'x', '--verbose'), home);
  assert.is(code, 1);
  assert.match(err, /DescentError: --lr: 'x' is not a number[^\n]*\n +at /);
});

cli('a run folder has all that repeats, continues and shows the run', () => {
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
    [4, 8, 9, 'val 9', 12, 16, 18, 'val 18', 20, 24, 27, 'val 27', 28, 32, 36, 'val 36', 'test 36'],
  );
  assert.equal(Object.keys(lines[0]!), ['step', 'epoch', 'loss', 'accuracy', 'lr', 'images_per_s']);
  assert.match(readFileSync(join(run, 'curves.svg'), 'utf8'), 'lenet5 on shapes');
  assert.equal(
    Object.keys(weights()),
    ['conv1', 'conv2', 'fc1', 'fc2', 'fc3'].flatMap(l => [`${l}.weight`, `${l}.bias`]),
  );
});

cli('eval finds the accuracy that the run ended with, of a folder, a file, and one from elsewhere', async () => {
  const folder = await scratch();
  const test = parseMetrics(readFileSync(join(run, 'metrics.jsonl'), 'utf8')).at(-1)!;
  const { metadata } = readSafetensors(join(run, 'model.safetensors'));
  const { moments, sha256, ...rest } = metadata;
  assert.ok(moments && sha256);
  tensors(t => t, rest)(folder); // mean and deviation are then those of the data set, not of its first 320 images
  const model = join(run, 'model.safetensors');
  const evaluated = async (...args: string[]) =>
    JSON.parse((await called(['eval', ...args, '--limit-test', '100', '--json'], folder)).out) as EvalMetrics & { file: string };
  const { loss, accuracy, split } = await evaluated(model, '--batch-size', '32');
  assert.equal([split, loss, accuracy], ['test', test.loss, test.accuracy]);
  const bare = await evaluated(join(folder, 'w.safetensors'), '--normalize', 'meanstd');
  assert.ok(Math.abs(bare.loss - test.loss) < 0.05, String(bare.loss));
  assert.is((await evaluated(run)).file, join(run, 'best.safetensors'));
});

cli('predict prints the classes of image files, resized and inverted as asked', async () => {
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

cli('--json prints the lines of metrics.jsonl, plain output one line each', async () => {
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

cli('--plan prints each dispatch and the memory, and trains nothing', async () => {
  const folder = await scratch();
  const { out } = await called(words('train lenet5 --dataset shapes --limit-train 64 --limit-test 1 --batch-size 8 --plan'), folder);
  for (const part of [/conv1 forward +conv/, /model update +update_adam/, /dispatches in 1 submit/, /without reuse/]) {
    assert.match(out, part);
  }
  assert.equal(readdirSync(folder), []);
});

cli('a schedule reaches each step, statistics of the layers a file', async () => {
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

cli('a loss that is no longer finite ends the run with step, layer and rate; the last checkpoint stays', async () => {
  const folder = await scratch();
  const wild = '--epochs 1 --optimizer sgd --lr 1e30';
  const late = '--epochs 3 --optimizer sgd --lr 1e-3 --schedule step:step_size=9,gamma=1e30 --out late';
  const [plain, debug, kept] = await inTurn([wild, `${wild} --debug`, late], more => descent([...SMALL, ...words(more)], folder));
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
  assert.equal([plain!.code, debug!.code, kept!.code], [1, 1, 1]);
  assert.match(debug!.err, /^NaN or infinity at step \d+, first in (conv|fc)\d \w+ .*\(learning rate 1e\+30\)/);
});

cli('devices and models tell what is there', async () => {
  const said = async (command: string) => (await called(words(command), home)).out;
  const first = JSON.parse(linesOf(await said('devices --json'))[0]!);
  assert.ok(first.name && ['hardware', 'lavapipe', 'swiftshader', 'software'].includes(first.kind) && first.limits.maxBufferSize > 0);
  assert.match(await said('models'), /^lenet5 +61,706 +0\.83\b/m);
  const { parameters, layers: rows } = JSON.parse(await said('models lenet5 --json'));
  assert.equal([parameters, rows.at(-1)], [61706, { name: 'fc3', shape: [10], parameters: 850, flops: 1680, bytes: 3440 }]);
});

cli('a reader that closes the pipe ends the command quietly', async () => {
  const child = spawn(process.execPath, [BIN, 'data', 'list'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy(); // long before the first line
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const code = await new Promise(done => child.on('close', done));
  assert.equal([code, err], [0, '']);
});

cli('accuracies before averaging stand beside those after', async () => {
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

cli.run();
