/**
 * Records what a checkout computes, to the bit: for each of the configurations below a digest of weights, optimizer state and logged
 * numbers after a few steps and an evaluation, and the dispatches of a step. Two records, of the commit before a change and of the one
 * after it, are compared. All goes through the command line, so that this file can drive another checkout than its own.
 *
 * node --import tsx scripts/digests.ts [--root DIR] [--only PART,PART] [--out FILE] [--against FILE] [--list]
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const SMALL = '--dataset shapes --limit-train 200 --limit-test 40 --batch-size 16';
const FIVE = `${SMALL} --steps 5 --log-every 1`;
/** Two epochs of five steps. */
const EPOCHS = '--dataset shapes --limit-train 90 --limit-test 40 --batch-size 16 --epochs 2 --log-every 1';
/** Points, for a net so small that a dense Hessian fits. */
const PLANE = '--dataset xor --limit-train 200 --limit-test 40 --batch-size 16 --steps 5 --log-every 1';
const TINY = '--dataset shapes --limit-train 12 --limit-test 4 --batch-size 2 --steps 2 --log-every 1';
const NET = `resnet20 ${FIVE}`;

const lines = (prefix: string, texts: string, by: (text: string) => string): [string, string][] =>
  texts.split(' ').map(text => [`${prefix} ${text}`, by(text)]);

/** A name, and what follows `descent train`; a row with `then` is stopped at its steps and resumed with those arguments. */
const ROWS: readonly (readonly [name: string, args: string, then?: string])[] = [
  ...lines(
    'model',
    'mlp lenet5 alexnet-cifar vgg-small resnet20 plain20 resnet110-sd resnet18 airbench',
    m => `${m} ${m === 'resnet18' || m === 'resnet110-sd' ? TINY : FIVE}`,
  ),
  ...lines(
    'model',
    'vgg11-bn googlenet resnet50 resnext29 wide-resnet-16-4 enresnet20 squeezenet1_1 mobilenet-v2 efficientnet-b0 densenet121',
    m => `${m} ${TINY}`,
  ),
  ['model alexnet', `alexnet --dataset photos --image-size 64 --batch-size 2 --steps 1 --limit-train 4 --limit-test 2 --val-split 0`],
  ['model lenet5 classic', `lenet5:classic=true ${FIVE}`],
  ...lines(
    'rule',
    'sgd momentum nesterov nag-c nag-sc adagrad adadelta rmsprop asgd rprop quickprop adam adamw amsgrad adamax nadam natural-gradient newton-diagonal lbfgs bfgs',
    r => (r === 'bfgs' ? `mlp:hidden=8 ${PLANE} --optimizer bfgs` : `lenet5 ${FIVE} --optimizer ${r}`),
  ),
  ['rule adam then lbfgs', `lenet5 ${EPOCHS} --optimizer adam:epochs=1,lbfgs`],
  ['rule sgd then adam', `lenet5 ${EPOCHS} --optimizer sgd:epochs=1,adam --weight-decay 1e-3`],
  ['rule lbfgs decayed', `lenet5 ${FIVE} --optimizer lbfgs --weight-decay 1e-2 --no-decay-bias --accumulate 2`],
  ...lines(
    'schedule',
    'step:step_size=2 multistep:milestones=2/4 exponential:k=0.1 cosine cosine:warmup=2 sgdr:T_0=2 onecycle:max_lr=0.1 polynomial plateau linear triangular:step_size_up=2,max_lr=0.1 batch-growth:milestones=2/4,times=2',
    s => `lenet5 ${FIVE} --optimizer momentum --schedule ${s}`,
  ),
  ['schedule plateau of epochs', `lenet5 ${EPOCHS} --epochs 3 --schedule plateau:patience=0,factor=0.5 --lr 0.5 --optimizer sgd`],
  ...Object.entries({
    'weight decay': '--weight-decay 1e-2',
    'weight decay, adamw': '--optimizer adamw --weight-decay 1e-1 --no-decay-bias',
    'elastic net': '--l1 1e-3 --weight-decay 1e-2 --no-decay-bias',
    'max-norm and ema': '--max-norm 0.5 --ema 0.9',
    'clip-norm': '--clip-norm 0.1 --accumulate 2',
    'clip-value and noise': '--clip-value 1e-3 --grad-noise 0.01',
    'label smoothing': '--label-smoothing 0.1',
    ema: '--ema 1',
    lookahead: '--lookahead 2 --optimizer momentum',
    'all pieces':
      '--clip-norm 1 --clip-value 0.01 --grad-noise 0.01 --weight-decay 1e-3 --l1 1e-4 --lookahead 2 --ema 0.9 --optimizer amsgrad',
  }).map(([name, args]) => [`around ${name}`, `${NET} ${args}`] as const),
  ['around swa', `resnet20 ${EPOCHS} --swa 0.5`],
  ['around swag', `lenet5 ${EPOCHS} --epochs 3 --swag 0.3`],
  ['around snapshots', `lenet5 ${EPOCHS} --snapshots 2`],
  ['around early stop', `lenet5 ${EPOCHS} --epochs 6 --early-stop 1 --lr 1e-6`],
  ...lines('loss', 'hinge logistic mse mae', l => `lenet5 ${FIVE} --loss ${l}`),
  ...lines('init', 'constant glorot-uniform he-normal orthogonal lsuv', i => `${NET} --init-scheme ${i}`),
  ['memory f16', `${NET} --precision f16`],
  ['memory f16 accumulated', `${NET} --precision f16 --accumulate 2 --checkpoint-activations --clip-norm 1`],
  ['memory checkpointed', `${NET} --checkpoint-activations`],
  ['memory accumulated', `${NET} --accumulate 4`],
  ['unfused', `${NET} --no-fuse`],
  ['unfused f16', `resnet18 ${TINY} --no-fuse --precision f16`],
  ...lines(
    'augment',
    'crop,flip scale,rotate translate,shear stretch,lens brightness,contrast,saturation pca,noise cutout:8 augmix augmix:consistency=true mixup cutmix mixup,cutmix flip:alternate=true',
    a => `lenet5 ${FIVE} --augment ${a}`,
  ),
  ...lines('normalize', 'none mean meanimage pca zca', n => `lenet5 ${FIVE} --normalize ${n}`),
  ['order curriculum', `lenet5 ${EPOCHS} --order curriculum`],
  ['order of the files', `lenet5 ${EPOCHS} --no-shuffle`],
  ['statistics of the population', `${NET} --bn-stats population`],
  ['statistics of layers', `lenet5 ${EPOCHS} --stats 2`],
  ['data folder', `lenet5 --dataset photos --image-size 32 --batch-size 4 --epochs 2 --log-every 1 --augment flip`],
  ['data fashion-mnist', 'lenet5 --dataset fashion-mnist --limit-train 500 --limit-test 100 --steps 5 --log-every 1'],
  ['resumed', `${NET} --ema 0.9 --schedule cosine`, '--steps 8'],
  ['resumed with growing batches', `lenet5 ${FIVE} --optimizer momentum --schedule batch-growth:milestones=2,times=3`, '--steps 9'],
  ['resumed lbfgs', `lenet5 ${FIVE} --optimizer lbfgs`, '--steps 8'],
  ['resumed f16', `${NET} --precision f16 --augment crop,mixup`, '--steps 8'],
  ['resumed curriculum and swag', `lenet5 ${EPOCHS} --swag 0.2 --order curriculum`, '--epochs 4'],
];

/** Commands other than train whose words are recorded, those that say a time or a speed apart. `RUN` is a run of lenet5. */
const COMMANDS: readonly (readonly [name: string, command: string])[] = [
  ['eval', 'eval RUN --json'],
  ['predict', 'predict RUN photos/a/0.png photos/b/1.png --json'],
  ['models', 'models --json'],
  ['model by layers', 'models resnet20 --dataset cifar10 --json'],
  [
    'sweep',
    'sweep lenet5 --dataset shapes --limit-train 100 --limit-test 20 --steps 3 --batch-size 16 --grid lr=0.01,0.1 --folds 2 --json --out sweep',
  ],
  ['find-lr', 'find-lr lenet5 --dataset shapes --limit-train 100 --steps 20 --json --out rates.svg'],
  ['compare', 'compare regularisers --dataset shapes --limit-train 100 --limit-test 20 --epochs 1 --json --out compared'],
];

type Digest = Readonly<Record<string, string | readonly string[]>>;

const { values } = parseArgs({
  options: {
    root: { type: 'string', default: '.' },
    only: { type: 'string' },
    out: { type: 'string' },
    against: { type: 'string' },
    list: { type: 'boolean' },
  },
});
const isWanted = (name: string) => !values.only || values.only.split(',').some(part => name.includes(part));
const rows = ROWS.filter(([name]) => isWanted(name));
const commands = COMMANDS.filter(([name]) => isWanted(name));
if (rows.length + commands.length === 0) {
  console.error(`--only: nothing is called ${values.only}; --list shows all names`);
  process.exit(1);
}
if (values.list) {
  for (const [name, ...rest] of [...rows, ...commands]) console.log(`${name}: ${rest.filter(Boolean).join(' | then ')}`);
  process.exit(0);
}

const root = resolve(values.root);
const work = mkdtempSync(join(tmpdir(), 'descent-digests-'));
const hash = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

/** What a command of the checkout prints; an error's words where it fails, so that refusals are recorded too. */
function descent(args: readonly string[]): Promise<string> {
  const env = { ...process.env, NO_COLOR: '1' };
  return new Promise(done => {
    execFile(process.execPath, [join(root, 'bin/descent.mjs'), ...args], { cwd: work, env, maxBuffer: 2 ** 28 }, (error, stdout, stderr) =>
      done(error ? `${stdout}exit ${error.code}: ${stderr}` : stdout),
    );
  });
}

/** A tensor in the header of a safetensors file; its offsets count from the end of that. */
interface Entry {
  readonly shape: readonly number[];
  readonly data_offsets: readonly [from: number, to: number];
}

/** A digest of each tensor of a safetensors file, by name. */
function tensors(file: string): string[] {
  if (!existsSync(file)) return [];
  const bytes = readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<string, Entry>;
  const digests = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, { shape, data_offsets: offsets }]) => {
      const [from, to] = offsets.map(offset => 8 + length + offset);
      return `${name} [${shape}] ${hash(bytes.subarray(from, to))}`;
    });
  return digests.sort();
}

/** Lines of JSON without what a clock says. */
const timeless = (text: string) =>
  text
    .trim()
    .split('\n')
    .map(line =>
      line.replace(/"(images_per_s|seconds|ms|started|time|run|path|out|model)":("[^"]*"|[-\d.e+]+),?/g, '').replaceAll(work, ''),
    );

async function record(name: string, args: string, then?: string): Promise<Digest> {
  const run = join(work, name.replace(/\W+/g, '-'));
  const words = args.split(' ');
  await descent(['train', ...words, '--quiet', '--out', run]).then(
    said => /^exit|error/.test(said) && writeFileSync(`${run}.failed`, said),
  );
  if (then) await descent(['train', '--resume', run, ...then.split(' '), '--quiet']);
  const metrics = existsSync(join(run, 'metrics.jsonl')) ? timeless(readFileSync(join(run, 'metrics.jsonl'), 'utf8')) : [];
  const stats = existsSync(join(run, 'stats.jsonl')) ? [hash(timeless(readFileSync(join(run, 'stats.jsonl'), 'utf8')).join('\n'))] : [];
  const failed = existsSync(`${run}.failed`) ? readFileSync(`${run}.failed`, 'utf8').replaceAll(work, '').split('\n').slice(0, 1) : [];
  const plan = (await descent(['train', ...words, '--plan'])).trimEnd().split('\n');
  const snapshots = existsSync(run) ? readdirSync(run).filter(file => /^(best|snapshot).*safetensors$/.test(file)) : [];
  return {
    weights: tensors(join(run, 'model.safetensors')),
    kept: snapshots.flatMap(file => tensors(join(run, file)).map(line => `${file} ${line}`)),
    state: tensors(join(run, 'state.safetensors')),
    metrics,
    stats,
    failed,
    plan,
  };
}

/** A line for each part of a digest that is not as it was before: where the two first differ. */
function differences(name: string, digest: Digest, before: Digest): string[] {
  return Object.entries(digest).flatMap(([part, now]) => {
    const then = before[part] ?? [];
    const at = Array.from(now).findIndex((line, i) => line !== then[i]);
    if (at < 0 && now.length === then.length) return [];
    const place = at < 0 ? now.length : at;
    return `${name}: ${part}, line ${place + 1}: '${then[place] ?? 'nothing'}' before, '${now[place] ?? 'nothing'}' now`;
  });
}

/** Small coloured pictures of two classes, always the same bytes. */
async function photos(): Promise<void> {
  const { default: sharp } = await import('sharp');
  for (const [label, red] of [
    ['a', 200],
    ['b', 60],
  ] as const) {
    mkdirSync(join(work, 'photos', label), { recursive: true });
    for (let i = 0; i < 12; i++) {
      const raw = Uint8Array.from({ length: 72 * 72 * 3 }, (_, p) => (p % 3 ? (p * (i + 3)) % 251 : red + ((p * i) % 50)));
      const png = sharp(raw, { raw: { width: 72, height: 72, channels: 3 } }).png();
      await png.toFile(join(work, 'photos', label, `${i}.png`));
    }
  }
}

await photos();
const digests: Record<string, Digest> = {};
const waiting = [...rows];
const worker = async () => {
  for (let row = waiting.shift(); row; row = waiting.shift()) digests[row[0]] = await record(...row);
};
await Promise.all([worker(), worker()]);
if (commands.length) {
  const run = join(work, 'for-commands');
  await descent(['train', 'lenet5', ...FIVE.split(' '), '--quiet', '--out', run]);
  for (const [name, command] of commands) {
    digests[name] = { said: timeless(await descent(command.split(' ').map(word => (word === 'RUN' ? run : word)))) };
  }
}
rmSync(work, { recursive: true, force: true });

if (values.out) writeFileSync(values.out, `${JSON.stringify(digests, null, 1)}\n`);
let differing = 0;
if (values.against) {
  const before = JSON.parse(readFileSync(values.against, 'utf8')) as Record<string, Digest>;
  for (const [name, digest] of Object.entries(digests)) {
    const lines = differences(name, digest, before[name] ?? {});
    for (const line of lines) console.log(line);
    if (lines.length) differing++;
  }
}
const count = Object.keys(digests).length;
console.log(values.against ? `${count} configurations, ${count - differing} equal, ${differing} differ` : `${count} configurations`);
process.exit(differing ? 1 : 0);
