/** What the command line refuses: one line, before anything is begun. */
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSafetensors } from '../../train/run/node/sealed.ts';
import { encodeSafetensors, type Tensors } from '../../train/run/safetensors.ts';
import { called } from '../support/process/called.ts';
import { descent, inTurn, SMALL, words } from '../support/process/command.ts';
import { scratchFolders } from '../support/process/scratch.ts';

const test = suite('refusals');
const scratch = scratchFolders(test);

// a finished run of one epoch that cases copy and do not change
let run = '';
test.before(async () => {
  const home = await scratch();
  run = join(home, 'run');
  const { refusal } = await called([...SMALL, '--epochs', '1', '--out', 'run', '--quiet'], home);
  assert.is(refusal, '');
});
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
  [words('bench kernels --filter lrn'), /^--filter: no kernel or shape that is timed contains 'lrn'; leave it out to see all$/],
  [words('bench scaling --picture x.gif'), /^--picture: 'x\.gif' is no picture's name; /],
  [words('bench scaling batch --points 3'), /^--points: 3 is no point there; give some of 1, 4, 16, /],
  [words('bench scaling deep'), /^unknown axis 'deep'; known: batch, depth, width, size$/],
  [words('bench inference mlp'), /^unknown network of the peers 'mlp'; known: lenet5, vgg-small, resnet20$/],
  [words('bench inference lenet5 --peers ort'), /^unknown peer 'ort'; known: ort-wasm, ort-webgpu, ort-webgpu-js$/],
  [words('bench inference lenet5 --batches 0'), /^--batches: 0 is out of range; /],
  [words('bench inference lenet5 --batches 1,100000000'), /^--batches: 100000000 is out of range; .* at most 342392$/],
  [words('bench distributed lenet5 --ranks 1,100000000'), /^--ranks: 100000000 is out of range; .* at most 1024$/],
  [words('bench step mlp --out nope/x.json'), /^nope\/x\.json: cannot be written, /],
  [
    words('predict run x.png --dataset nope'),
    /^unknown dataset 'nope'; known: /,
    folder => [copy, text('x.png', '')].forEach(prepare => prepare(folder)),
  ],
  [words('models lenet5 --dataset ./nope'), /^--dataset: \.\/nope is not there; /],
  [train('--lr', '-0.1'), /^--lr: -0\.1 is out of range; give a number of at least 0$/],
  [train('--lr', 'NaN'), /^--lr: 'NaN' is not a number; give a number of at least 0$/],
  [train('--checkpoint-activations', '0.9'), /^--checkpoint-activations: 0\.9 is out of range; give a number of at least 1$/],
  [train('--checkpoint-activations', 'x'), /^--checkpoint-activations: 'x' is not a number; give a number of at least 1$/],
  [words('train --checkpoint-activations nosuch --dataset shapes'), /^unknown model 'nosuch'; /],
  [words('train --stats nosuch --dataset shapes'), /^unknown model 'nosuch'; /],
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
  [['train', '--resume', 'run'], /^run: the run is complete \(9 of 9 steps\); give more with --epochs or --steps$/, copy],
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
  test(`descent ${args.join(' ')}: ${message.source.slice(0, 60)}`, async () => {
    const folder = await scratch();
    prepare?.(folder);
    const { out, refusal } = await called(args, folder);
    checkRefusal(folder, refusal, out, message);
  });
}

test('a process that is refused something says it on standard error, and ends by 1', async () => {
  const some = refused.filter((_, i) => i % 10 === 0);
  await inTurn(some, async ([args, message, prepare]) => {
    const folder = await scratch();
    prepare?.(folder);
    const { code, out, err } = await descent(args, folder);
    checkRefusal(folder, err.trimEnd(), out, message);
    assert.is(code, 1);
  });
});

test('the stack is shown with --verbose only', async () => {
  const { code, err } = await descent(train('--lr', 'x', '--verbose'), await scratch());
  assert.is(code, 1);
  assert.match(err, /DescentError: --lr: 'x' is not a number[^\n]*\n +at /);
});

test.run();
