import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { datasets } from '../datasets/index.ts';
import { parseMetrics } from '../train/metrics.ts';
import { readSafetensors } from '../train/node/run-folder.ts';
import { encodeSafetensors, type Tensors } from '../train/safetensors.ts';
import { scratchFolders } from './scratch.ts';

const cli = suite('cli');
const scratch = scratchFolders(cli);

interface Ended {
  code: number | null;
  out: string;
  err: string;
}
const BIN = fileURLToPath(new URL('../bin/descent.mjs', import.meta.url));

/** Runs descent as a user does, in `cwd`. `onLine` sees each line of either stream as it comes, and may signal the process. */
function descent(
  args: readonly string[],
  cwd: string,
  onLine?: (line: string, signal: (s: NodeJS.Signals) => void) => void,
): Promise<Ended> {
  return new Promise(done => {
    const child = spawn(process.execPath, [BIN, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const streams = { out: '', err: '' };
    for (const [name, stream] of [
      ['out', child.stdout],
      ['err', child.stderr],
    ] as const) {
      let rest = '';
      stream.setEncoding('utf8').on('data', (text: string) => {
        streams[name] += text;
        const lines = (rest + text).split('\n');
        rest = lines.pop()!;
        for (const line of lines) onLine?.(line, s => child.kill(s));
      });
    }
    const tooLong = setTimeout(() => {
      streams.err += '\nkilled by the test after 2 minutes';
      child.kill('SIGTERM');
      child.kill('SIGKILL');
    }, 120_000);
    child.on('close', code => {
      clearTimeout(tooLong);
      done({ code, ...streams });
    });
  });
}

/** As many at a time as there are cores here. */
async function inTurn<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = [...items.entries()];
  await Promise.all(
    [0, 1].map(async () => {
      for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await run(next[1]);
    }),
  );
  return results;
}

// a short run on computed images: 4 epochs of 9 steps
const SMALL = [
  '--dataset',
  'shapes',
  '--limit-train',
  '320',
  '--limit-test',
  '100',
  '--batch-size',
  '32',
  '--epochs',
  '4',
  '--log-every',
  '4',
];
let home = '';
let run = ''; // a folder, and in it a finished run that tests copy from and do not change
cli.before(async () => {
  home = await scratch();
  run = join(home, 'run');
  const { code, err } = await descent(['train', 'lenet5', ...SMALL, '--out', 'run', '--quiet'], home);
  assert.is(code, 0, err);
});
const weights = (): Tensors => readSafetensors(join(run, 'model.safetensors')).tensors;

/** A file that a case needs, written into the folder where the command runs. */
type Prepare = (folder: string) => void;
const tensors =
  (change: (t: Tensors) => Tensors, metadata?: Record<string, string>): Prepare =>
  folder => writeFileSync(join(folder, 'w.safetensors'), encodeSafetensors(change(weights()), metadata));
const text =
  (name: string, content: string | Uint8Array): Prepare => folder => writeFileSync(join(folder, name), content);
const copy: Prepare = folder => cpSync(run, join(folder, 'run'), { recursive: true });
const without = (t: Tensors, name: string) => Object.fromEntries(Object.entries(t).filter(([n]) => n !== name));
const lying = '{"x":{"dtype":"F32","shape":[4],"data_offsets":[0,64]}}';

const train = (...more: string[]) => ['train', 'lenet5', '--dataset', 'shapes', ...more];
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
  [train('--optimizer', 'momentum:momentum=big'), /^momentum: momentum is 'big'; give a number$/],
  [train('--optimizer', 'adam:'), /^--optimizer: nothing follows 'adam:'/],
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
  [train('--init', 'w.safetensors'), /^w\.safetensors: tensor 'x' ends at byte 64 of the data, which has 16; the file is cut short/,
    text('w.safetensors', Buffer.concat([Buffer.from([lying.length, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(lying), Buffer.alloc(16)]))],
  [train('--limit-train', '100', '--init', 'w.safetensors'), /'fc3\.bias' \[10\] is missing/, tensors(t => without(t, 'fc3.bias'))],
  [train('--limit-train', '100', '--init', 'w.safetensors'), /'fc2\.weight' has shape \[120, 84\], the model has \[84, 120\]/,
    tensors(t => ({ ...t, 'fc2.weight': { ...t['fc2.weight']!, shape: [120, 84] } }))],
  [train('--limit-train', '100', '--init', 'w.safetensors'), /'layer1\.0\.conv1\.weight' is not in this model/,
    tensors(t => ({ ...t, 'layer1.0.conv1.weight': t['fc3.bias']! }))],
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
    ['train', '--resume', 'run', '--epochs', '5', '--lr', '0.1'],
    /^--lr: the run in run has 0\.001, not 0\.1; a resumed run keeps its configuration/,
    copy,
  ],
  [['train', 'alexnet', '--resume', 'run'], /^--resume: the run in run trains lenet5, not alexnet/, copy],
  [['eval', 'nope'], /^nope: there is no such file or folder/],
  [['eval', 'w.safetensors'], /^w\.safetensors: does not say which model it is of; give --model$/, tensors(t => t)],
  [
    ['eval', 'w.safetensors', '--model', 'lenet5', '--dataset', 'shapes'],
    /^w\.safetensors: does not say how its images were normalized; give --normalize none\|mean\|meanstd/,
    tensors(t => t),
  ],
  [
    ['eval', 'w.safetensors', '--model', 'lenet5'],
    /^w\.safetensors: is a checkpoint of resnet20, not of lenet5; leave out --model$/,
    tensors(t => t, { model: 'resnet20' }),
  ],
  [['eval', 'run', '--split', 'train'], /^--split: 'train' is not known; give one of test, val$/, copy],
  [['predict', 'run', 'nope.png'], /^nope\.png: there is no such file; give an image file$/, copy],
  [['predict', 'run', 'text.png'], /^text\.png: cannot be read as an image \(.*\); give a PNG, JPEG/,
    folder => {
      copy(folder);
      text('text.png', 'hello')(folder);
    }],
  [['train', 'lenet5', '--dataset', './photos'], /photos: one class only \('cats'\)/,
    folder => mkdirSync(join(folder, 'photos/cats'), { recursive: true })],
];

let endings: { folder: string; ended: Ended }[] = [];
cli('refuses bad input (all cases run)', async () => {
  endings = await inTurn(refused, async ([args, , prepare]) => {
    const folder = await scratch();
    prepare?.(folder);
    return { folder, ended: await descent(args, folder) };
  });
  assert.is(endings.length, refused.length);
});
refused.forEach(([args, message], i) =>
  cli(`descent ${args.join(' ')}: ${message.source.slice(0, 60)}`, () => {
    const {
      folder,
      ended: { code, out, err },
    } = endings[i]!;
    assert.match(err.trimEnd(), message);
    assert.is(err.trimEnd().split('\n').length, 1, `more than one line:\n${err}`);
    assert.is(code, 1);
    assert.not(out.includes('epoch'), 'it trained');
    assert.not(existsSync(join(folder, 'runs')) && readdirSync(join(folder, 'runs')).length, 'a run folder was left');
  }),
);

cli('help of every command answers with examples, on standard output', async () => {
  const commands = [
    [],
    ['train'],
    ['eval'],
    ['predict'],
    ['devices'],
    ['data'],
    ['data', 'fetch'],
    ['data', 'list'],
    ['data', 'verify'],
    ['models'],
    ['bench'],
    ['bench', 'kernels'],
    ['bench', 'step'],
    ['bench', 'scaling'],
  ];
  const said = await inTurn(commands, words => descent([...words, '--help'], home));
  for (const [i, { code, out, err }] of said.entries()) {
    assert.equal([code, err], [0, ''], commands[i]!.join(' '));
    assert.match(out, `Usage: ${['descent', ...commands[i]!].join(' ')}`);
    assert.match(out, 'Examples:');
  }
  assert.is((await descent([], home)).out, said[0]!.out);
});

cli('the stack is shown with --verbose only', async () => {
  const { err } = await descent(train('--lr', 'x', '--verbose'), home);
  assert.match(err, /DescentError: --lr: 'x' is not a number[^\n]*\n +at /);
});

cli('a run folder has all that repeats, continues and shows the run', () => {
  assert.equal(readdirSync(run).sort(), [
    'best.safetensors',
    'config.json',
    'curves.svg',
    'metrics.jsonl',
    'model.safetensors',
    'state.safetensors',
  ]);
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
  assert.equal(Object.keys(weights()), ['conv1', 'conv2', 'fc1', 'fc2', 'fc3'].flatMap(l => [`${l}.weight`, `${l}.bias`]));
});

cli('eval finds the accuracy that the run ended with, of a folder, a file, and one from elsewhere', async () => {
  const folder = await scratch();
  const test = parseMetrics(readFileSync(join(run, 'metrics.jsonl'), 'utf8')).at(-1)!;
  const { metadata } = readSafetensors(join(run, 'model.safetensors'));
  const { moments, ...rest } = metadata;
  assert.ok(moments);
  tensors(t => t, rest)(folder); // mean and deviation are then those of the data set, not of its first 320 images
  const model = join(run, 'model.safetensors');
  const [last, bare, whole] = await inTurn(
    [[model, '--batch-size', '32'], [join(folder, 'w.safetensors'), '--normalize', 'meanstd'], [run]],
    args => descent(['eval', ...args, '--limit-test', '100', '--json'], folder),
  );
  const { loss, accuracy, split } = JSON.parse(last!.out);
  assert.equal([split, loss, accuracy], ['test', test.loss, test.accuracy]);
  assert.ok(Math.abs(JSON.parse(bare!.out).loss - test.loss) < 0.05, bare!.out);
  assert.is(JSON.parse(whole!.out).file, join(run, 'best.safetensors'));
});

cli('predict prints the classes of image files, resized and inverted as asked', async () => {
  const folder = await scratch();
  const { test } = await datasets.shapes!.load(async () => new Uint8Array(), { limitTrain: 1, limitTest: 3 });
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
  const [plain, inverted, quiet] = await inTurn(
    [
      ['0.png', '1.png', '2.png', '--json', '--top', '10'],
      ['negative0.png', 'negative1.png', 'negative2.png', '--invert', '--json', '--top', '10'],
      ['0.png', '--quiet'],
    ],
    args => descent(['predict', run, ...args], folder),
  );
  const read = (e: Ended) =>
    e.out
      .trim()
      .split('\n')
      .map(l => (JSON.parse(l) as { predictions: { class: string; probability: number }[] }).predictions);
  assert.is(read(plain!).length, 3);
  for (const p of read(plain!)) {
    assert.equal(p.map(x => x.class).sort(), [...datasets.shapes!.classes].sort());
    assert.ok(Math.abs(p.reduce((sum, x) => sum + x.probability, 0) - 1) < 1e-5);
    assert.ok(p.every((x, i) => !i || x.probability <= p[i - 1]!.probability));
  }
  assert.equal(read(inverted!), read(plain!));
  assert.is(quiet!.out.trim(), read(plain!)[0]![0]!.class);
});

cli('--json prints the lines of metrics.jsonl, plain output one line each', async () => {
  const folder = await scratch();
  const args = [...SMALL, '--epochs', '1', '--out'];
  const [json, plain] = await inTurn([[...args, 'a', '--json'], [...args, 'b']], a => descent(['train', 'lenet5', ...a], folder));
  assert.is(json!.out, readFileSync(join(folder, 'a/metrics.jsonl'), 'utf8'));
  for (const part of [
    'lenet5 (62,006 parameters) on shapes: 288 training, 32 validation, 100 test images',
    'run folder b',
    'epoch 1/1  step 4  loss ',
    ' images/s',
    'validation loss',
    'test loss',
    'curves in b',
  ]) {
    assert.match(plain!.out, part);
  }
  assert.not.match(plain!.out, '\x1b');
});

cli('--plan prints each dispatch and the memory, and trains nothing', async () => {
  const folder = await scratch();
  const { code, out } = await descent(train('--limit-train', '64', '--limit-test', '1', '--batch-size', '8', '--plan'), folder);
  assert.is(code, 0);
  for (const part of [/conv1 forward +conv/, /model update +update_adam/, /dispatches in 1 submit/, /without reuse/]) {
    assert.match(out, part);
  }
  assert.equal(readdirSync(folder), []);
});

/** The files of a run that must not depend on its having been stopped. */
const numbers = (folder: string) =>
  ['model', 'best', 'state'].map(name => readFileSync(join(folder, `${name}.safetensors`)).toString('base64'));

cli('Ctrl-C in mid-epoch keeps a checkpoint, from which the run ends bitwise as if it had not been stopped', async () => {
  const folder = await scratch();
  let asked = false;
  const stopped = await descent(['train', 'lenet5', ...SMALL, '--out', 'run'], folder, (line, signal) => {
    if (line.startsWith('epoch 2/') && !asked) signal('SIGINT');
    asked ||= line.startsWith('epoch 2/');
  });
  assert.is(stopped.code, 130);
  assert.match(
    stopped.err,
    /stopping after this step; Ctrl-C again ends at once\nstopped at step \d+ of 36; continue with: descent train --resume run\n/,
  );
  const resumed = await descent(['train', '--resume', 'run', '--quiet'], folder);
  assert.is(resumed.code, 0, resumed.err);
  assert.equal(numbers(join(folder, 'run')), numbers(run));
  const steps = (path: string) => parseMetrics(readFileSync(join(path, 'metrics.jsonl'), 'utf8')).filter(l => 'split' in l);
  assert.equal(steps(join(folder, 'run')), steps(run));
});

cli('a second Ctrl-C ends at once, and what was kept can be continued', async () => {
  const folder = await scratch();
  let asked = 0;
  const { code } = await descent(['train', 'lenet5', ...SMALL, '--out', 'run'], folder, (line, signal) => {
    if ((!asked && line.startsWith('epoch 2/')) || (asked === 1 && line.startsWith('stopping'))) {
      asked++;
      signal('SIGINT');
    }
  });
  assert.is(code, 130);
  assert.equal((await descent(['train', '--resume', 'run', '--quiet'], folder)).code, 0);
  assert.equal(numbers(join(folder, 'run')), numbers(run));
});

cli('a killed run continues from its last epoch, bitwise', async () => {
  const folder = await scratch();
  const { code } = await descent(['train', 'lenet5', ...SMALL, '--out', 'run'], folder, (line, signal) => {
    if (line.startsWith('epoch 3/')) signal('SIGTERM');
  });
  assert.ok(code === 143 || code === 130, `${code}`);
  // as if cut off in a line
  writeFileSync(join(folder, 'run/metrics.jsonl'), `${readFileSync(join(folder, 'run/metrics.jsonl'), 'utf8')}{"step":4`);
  assert.equal((await descent(['train', '--resume', 'run', '--quiet'], folder)).code, 0);
  assert.equal(numbers(join(folder, 'run')), numbers(run));
});

cli('a disk that fills up stops the run with what to do, and costs no checkpoint', async () => {
  if (!existsSync('/dev/full')) return assert.ok(process.platform !== 'linux');
  const folder = await scratch();
  const path = join(folder, 'run');
  copy(folder);
  const before = numbers(path);
  symlinkSync('/dev/full', join(path, 'state.safetensors.new')); // refuses every write with ENOSPC
  const full = await descent(['train', '--resume', 'run', '--epochs', '5'], folder);
  assert.is(full.code, 1);
  assert.match(
    full.err,
    /^run\/model\.safetensors: cannot be written, the disk is full; free some space, then continue from the last checkpoint with --resume run$/m,
  );
  const [model, , state] = numbers(path);
  assert.equal([model, state], [before[0], before[2]]);
  assert.is((await descent(['train', '--resume', 'run', '--epochs', '5', '--quiet'], folder)).code, 0);
});

cli('a schedule reaches each step, statistics of the layers a file', async () => {
  const folder = await scratch();
  const { out, err } = await descent(
    [
      'train',
      'lenet5',
      ...SMALL,
      '--epochs',
      '1',
      '--log-every',
      '1',
      '--lr',
      '0.09',
      '--schedule',
      'linear',
      '--stats',
      '4',
      '--json',
      '--out',
      'r',
    ],
    folder,
  );
  const lines = out
    .trim()
    .split('\n')
    .map(l => JSON.parse(l) as { lr?: number; stats?: { step: number; layers: { name: string; update?: number }[] } });
  assert.equal(
    lines.flatMap(l => (l.lr === undefined ? [] : [Number(l.lr.toFixed(6))])),
    [0.09, 0.08, 0.07, 0.06, 0.05, 0.04, 0.03, 0.02, 0.01],
    err,
  );
  const stats = lines.flatMap(l => l.stats ?? []);
  assert.equal(stats.map(s => s.step), [1, 4, 8, 9]);
  assert.ok(stats.every(s => s.layers.some(l => l.name === 'fc3' && l.update! > 0)));
  assert.equal(readFileSync(join(folder, 'r/stats.jsonl'), 'utf8') .trim() .split('\n') .map(l => JSON.parse(l)), stats);
});

cli('a loss that is no longer finite ends the run with step, layer and rate; the last checkpoint stays', async () => {
  const folder = await scratch();
  const args = ['train', 'lenet5', ...SMALL, '--epochs', '1', '--optimizer', 'sgd', '--lr', '1e30'];
  const late = [
    'train',
    'lenet5',
    ...SMALL,
    '--epochs',
    '3',
    '--optimizer',
    'sgd',
    '--lr',
    '1e-3',
    '--schedule',
    'step:step_size=9,gamma=1e30',
    '--out',
    'late',
  ];
  const [plain, debug, kept] = await inTurn([args, [...args, '--debug'], late], a => descent(a, folder));
  assert.match(
    plain!.err,
    /^the loss is NaN at step \d+ \(learning rate 1e\+30\); doing the \d+ steps so far again with checks, to name the layer\nNaN or infinity at step \d+, first in (conv|fc)\d \w+ .*\(learning rate 1e\+30\); lower --lr, .*; no checkpoint was kept yet$/m,
  );
  // the second epoch
  assert.match(
    kept!.err,
    /\nNaN or infinity at step 1[01], first in (conv|fc)\d \w+ .*\(learning rate 1e\+27\); lower --lr, .*; the checkpoint of step 9 stays in late$/m,
  );
  assert.is(readSafetensors(join(folder, 'late/state.safetensors')).metadata.step, '9');
  assert.match(debug!.err, /^NaN or infinity at step \d+, first in (conv|fc)\d \w+ .*\(learning rate 1e\+30\)/);
});

cli('devices and models tell what is there', async () => {
  const [devices, models, layers] = await inTurn([['devices', '--json'], ['models'], ['models', 'lenet5', '--json']], args =>
    descent(args, home),
  );
  const first = JSON.parse(devices!.out.split('\n')[0]!);
  assert.ok(first.name && ['hardware', 'lavapipe', 'swiftshader', 'software'].includes(first.kind) && first.limits.maxBufferSize > 0);
  assert.match(models!.out, /^lenet5 +61,706 +0\.83\b/m);
  const { parameters, layers: rows } = JSON.parse(layers!.out);
  assert.equal([parameters, rows.at(-1)], [61706, { name: 'fc3', shape: [10], parameters: 850, flops: 1680 }]);
});

cli('a reader that closes the pipe ends the command quietly', async () => {
  const child = spawn('sh', ['-c', `'${process.execPath}' '${BIN}' data list | head -1`], { cwd: resolve(home) });
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (t: string) => {
    err += t;
  });
  await new Promise(done => child.on('close', done));
  assert.is(err, '');
});

cli.run();
