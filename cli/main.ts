/** The command line: what each command is called and takes. What it does lies in a file of its own, loaded when it is called. */
import { createRequire } from 'node:module';
import { Command, CommanderError, Option } from 'commander';
import { DescentError } from '../engine/check.ts';
import { OPTIONS } from '../train/config.ts';
import { endWithReader, noteError } from './output.ts';

const { version, description } = createRequire(import.meta.url)('../package.json') as {
  version: string;
  description: string;
};

const program = new Command('descent')
  .description(description)
  .version(version, '--version', 'print the version')
  .configureOutput({ writeErr: () => {}, outputError: () => {} }) // errors are caught below, all in one grammar
  .configureHelp({ sortSubcommands: false, helpWidth: 110 })
  .exitOverride()
  .showSuggestionAfterError(true)
  .enablePositionalOptions()
  .addHelpText('after', examples('descent train lenet5 --dataset fashion-mnist', 'descent train --help'));

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map(line => `  $ ${line}`).join('\n')}`;
}

const everywhere = (c: Command): Command =>
  c
    .option('--json', 'print one JSON object a line')
    .option('--quiet', 'print the result alone')
    .option('--verbose', 'show stack traces and what drivers say');
const onDevice = (c: Command): Command =>
  everywhere(
    c
      .option('--adapter <name>', 'adapter to run on, by name or kind (see descent devices)')
      .option('--tune', 'look for the fastest kernels on a software adapter too')
      .option('--no-tune', 'take the kernels as they come, without timing them at first use of an adapter')
      .option('--data-dir <dir>', 'folder that holds the data sets'),
  );

type TrainOptions = import('./train.ts').TrainOptions;
const train = program
  .command('train')
  .summary('train a model and keep the run in a folder')
  .description(
    "Trains a model. The run folder holds config.json, metrics.jsonl, model.safetensors (last), best.safetensors, the optimizer's state and curves.svg.\n"
      + 'Ctrl-C stops after the current step and keeps a checkpoint.',
  )
  .argument('[model]', 'a name that descent models lists; not needed with --resume');
for (const { flags, help, default: value } of Object.values(OPTIONS)) {
  train.addOption(
    new Option(flags, value === undefined || typeof value === 'boolean' ? help : `${help} (default: ${value})`),
  );
}
onDevice(train)
  .option('--out <dir>', 'run folder (default: runs/<model>-<dataset>-<date-time>)')
  .option('--resume <dir>', 'go on with the run in this folder, as if it had never stopped')
  .option(
    '--stats [n]',
    'what each layer does after each epoch, and every n steps: activations, dead units, sizes of weights, gradients, updates; in stats.jsonl',
  )
  .option('--plan', 'print each dispatch of a step, its buffers and bytes, and stop')
  .option('--debug', 'check every step: validation errors, the first NaN or Inf and where it arose')
  .addHelpText(
    'after',
    examples(
      'descent train lenet5 --dataset fashion-mnist',
      'descent train lenet5 --dataset shapes --epochs 3 --optimizer momentum:momentum=0.8 --lr 0.05',
      'descent train lenet5 --init start.safetensors --no-shuffle --normalize none --log-every 1 --steps 20 --json',
      'descent train --resume runs/lenet5-fashion-mnist-20261121-110000',
    ),
  )
  .action(async (model: string | undefined, options: TrainOptions) =>
    (await import('./train.ts')).train(model, options),
  );

onDevice(
  program
    .command('find-lr')
    .summary('learning-rate range test: propose a rate, draw loss against rate')
    .description(
      'Trains some steps at rates that grow, draws the loss against the rate and proposes the one at which it falls fastest.',
    )
    .argument('<model>', 'a name that descent models lists'),
)
  .option(OPTIONS.dataset.flags, OPTIONS.dataset.help, OPTIONS.dataset.default)
  .option(OPTIONS.optimizer.flags, OPTIONS.optimizer.help, OPTIONS.optimizer.default)
  .option(OPTIONS.batchSize.flags, OPTIONS.batchSize.help, String(OPTIONS.batchSize.default))
  .option(OPTIONS.normalize.flags, OPTIONS.normalize.help, OPTIONS.normalize.default)
  .option(OPTIONS.limitTrain.flags, OPTIONS.limitTrain.help)
  .option(OPTIONS.seed.flags, OPTIONS.seed.help, String(OPTIONS.seed.default))
  .option('--from <rate>', 'first rate', '1e-5')
  .option('--to <rate>', 'last rate', '10')
  .option('--steps <n>', 'steps in all', '200')
  .option('--out <file>', 'picture, .svg or .png; without an ending both', 'find-lr')
  .addHelpText(
    'after',
    examples(
      'descent find-lr lenet5',
      'descent find-lr resnet20 --dataset cifar10 --optimizer momentum --steps 100 --out rates.png',
    ),
  )
  .action(async (model: string, options: import('./find-lr.ts').FindLrOptions) =>
    (await import('./find-lr.ts')).findLr(model, options),
  );

const collect = (value: string, all: string[] = []): string[] => [...all, value];
const sweepCommand = onDevice(
  program
    .command('sweep')
    .summary('grid or random search, judged on held-out images or by cross-validation')
    .description(
      'Trains every combination of the values given, or random draws, and lists them by their accuracy on held-out images.\n'
        + 'Keys are options of descent train, hyper-parameters of the optimizer, or model.<name>, schedule.<name>. Each run is a line of results.jsonl in the folder;\n'
        + 'the same command again skips what is done.',
    )
    .argument('<model>', 'a name that descent models lists')
    .option(
      '--grid <key=value,...>',
      'values to try, as often as there are keys; | between values that hold commas; with --random also a range, lr=1e-4..1e-1',
      collect,
    )
    .option('--random <n>', 'n random combinations in place of all')
    .option('--folds <k>', 'k-fold cross-validation in place of one held-out share'),
);
for (const { flags, help, default: value } of Object.values(OPTIONS)) {
  sweepCommand.addOption(
    new Option(flags, value === undefined || typeof value === 'boolean' ? help : `${help} (default: ${value})`),
  );
}
sweepCommand
  .option('--out <dir>', 'folder of the results (default: sweeps/<model>-<dataset>)')
  .addHelpText(
    'after',
    examples(
      'descent sweep lenet5 --grid lr=0.01,0.1 --grid optimizer=sgd,adam --epochs 2',
      'descent sweep mlp --dataset shapes --grid lr=1e-4..1e-1 --grid model.hidden=64,256-128 --random 10 --folds 5',
    ),
  )
  .action(async (model: string, options: import('./sweep.ts').SweepOptions) =>
    (await import('./sweep.ts')).sweep(model, options),
  );

onDevice(
  program
    .command('compare')
    .summary('compare optimizers, schedules, initialisations and more: one picture and a table')
    .description(
      'Trains one model in several ways from the same seed, one after the other, and compares test accuracy and the course of the training loss.\n'
        + 'trajectories shows optimizers on functions of two variables, relu-collapse how often deep narrow nets are dead from birth.',
    )
    .argument(
      '<what>',
      'optimizers, schedules, regularisers, noises, initialisations, normalisations, batch-sizes, depth, trajectories or relu-collapse',
    ),
)
  .option('--model <name>', 'model to train (default: lenet5, or one that shows what is compared)')
  .option(OPTIONS.dataset.flags, `${OPTIONS.dataset.help} (default: fashion-mnist)`)
  .option(OPTIONS.optimizer.flags, 'optimizer, where optimizers are not compared (default: momentum)')
  .option(OPTIONS.lr.flags, OPTIONS.lr.help)
  .option(OPTIONS.epochs.flags, `${OPTIONS.epochs.help} (default: 2, or 20 where overfitting is compared)`)
  .option(
    OPTIONS.limitTrain.flags,
    `${OPTIONS.limitTrain.help} (default: 12000, 1000 where overfitting is compared, 2000 for depth)`,
  )
  .option(OPTIONS.limitTest.flags, `${OPTIONS.limitTest.help} (default: 2000)`)
  .option(OPTIONS.seed.flags, OPTIONS.seed.help, String(OPTIONS.seed.default))
  .option('--out <file>', 'picture, .svg or .png; without an ending both (default: compare-<what>)')
  .addHelpText(
    'after',
    examples(
      'descent compare optimizers',
      'descent compare schedules --model resnet20 --dataset cifar10 --out schedules.png',
    ),
  )
  .action(async (what: string, options: import('./compare.ts').CompareOptions) =>
    (await import('./compare.ts')).compare(what, options),
  );

onDevice(
  program
    .command('eval')
    .summary('measure loss and accuracy of a trained model')
    .description('Evaluates a run folder (its best weights) or a .safetensors file; several together with --ensemble.')
    .argument('<checkpoint...>', 'run folder, or a .safetensors file'),
)
  .option('--ensemble', 'the mean of the class probabilities of several checkpoints')
  .option('--model <name>', 'model of a file that does not name it')
  .option('--dataset <name>', 'data set, if not the one trained on')
  .option('--split <split>', 'test or val', 'test')
  .option(
    '--tta <views>',
    'average the predictions for several views: flip, 5crop, 10crop, scales, or several joined by +',
  )
  .option(OPTIONS.normalize.flags, `${OPTIONS.normalize.help}, if the file does not say`)
  .option(OPTIONS.batchSize.flags, OPTIONS.batchSize.help)
  .option(OPTIONS.limitTest.flags, OPTIONS.limitTest.help)
  .addHelpText(
    'after',
    examples(
      'descent eval runs/lenet5-fashion-mnist-20261121-110000',
      'descent eval lenet5.safetensors --model lenet5 --dataset fashion-mnist --normalize none',
    ),
  )
  .action(async (checkpoints: string[], options: import('./eval.ts').EvalOptions) =>
    (await import('./ensemble.ts')).evaluateAll(checkpoints, options),
  );

onDevice(
  program
    .command('predict')
    .summary('classify images')
    .description(
      "Prints the most probable classes of each image (PNG, JPEG, WebP, GIF, TIFF, AVIF), resized to the model's input.",
    )
    .argument('<checkpoint>', 'run folder, or a .safetensors file')
    .argument('<image...>', 'image files'),
)
  .option('--model <name>', 'model of a file that does not name it')
  .option('--dataset <name>', 'data set that names the classes of a file that does not')
  .option(OPTIONS.normalize.flags, `${OPTIONS.normalize.help}, if the file does not say`)
  .option('--top <n>', 'classes to print', '3')
  .option('--invert', 'swap black and white first: (Fashion-)MNIST is light on dark')
  .addHelpText(
    'after',
    examples(
      'descent predict runs/lenet5-fashion-mnist-20261121-110000 shoe.png',
      'descent predict best.safetensors *.jpg --top 1 --json',
    ),
  )
  .action(async (checkpoint: string, images: string[], options: import('./predict.ts').PredictOptions) =>
    (await import('./predict.ts')).predict(checkpoint, images, options),
  );

everywhere(
  program
    .command('devices')
    .summary('list the adapters of this machine')
    .description('Lists all adapters in the order in which they are taken, with features and limits.'),
)
  .addHelpText(
    'after',
    examples('descent devices', 'descent devices --json', 'DESCENT_ADAPTER=swiftshader descent train lenet5'),
  )
  .action(async (options: import('./devices.ts').DevicesOptions) => (await import('./devices.ts')).devices(options));

const data = program
  .command('data')
  .summary('fetch, list and verify data sets')
  .addHelpText('after', examples('descent data list', 'descent data fetch cifar10', 'descent data verify'));
const dataCommand = (name: string, summary: string) =>
  everywhere(data.command(name).description(summary).option('--data-dir <dir>', 'folder that holds the data sets'));
type DataOptions = import('./data.ts').DataOptions;
dataCommand('fetch <name...>', 'Fetches data sets into the local cache, checked against their published content.')
  .addHelpText('after', examples('descent data fetch fashion-mnist cifar10'))
  .action(async (names: string[], options: DataOptions) =>
    (await import('./data.ts')).dataFetch(names, options, (await import('./output.ts')).print),
  );
dataCommand('list', 'Lists the data sets and what of them the local cache has.')
  .addHelpText('after', examples('descent data list --json'))
  .action(async (options: DataOptions) =>
    (await import('./data.ts')).dataList(options, (await import('./output.ts')).print),
  );
const show = onDevice(
  data
    .command('show')
    .description(
      'Writes a contact sheet: a column of images as they are, beside each its augmentations in one epoch after another.',
    )
    .argument('<dataset>', 'name of a data set, or a folder of images by class'),
)
  .option(OPTIONS.augment.flags, OPTIONS.augment.help)
  .option('--out <file.png>', 'file to write', 'sheet.png')
  .option('--rows <n>', 'images', '8')
  .option('--columns <n>', 'augmentations of each', '12')
  .option(OPTIONS.seed.flags, OPTIONS.seed.help)
  .option('--zoom <n>', 'pixels of the sheet for one of the image (default: so that images are about 64 wide)');
show
  .addHelpText(
    'after',
    examples(
      'descent data show cifar10 --augment crop:4,flip,cutout:16',
      'descent data show fashion-mnist --augment rotate:20,fill=edge --out rotated.png',
    ),
  )
  .action(async (name: string, options: import('./data-show.ts').ShowOptions) =>
    (await import('./data-show.ts')).dataShow(name, options),
  );
dataCommand('verify [name...]', 'Compares the stored files with their published content.')
  .addHelpText('after', examples('descent data verify', 'descent data verify cifar10'))
  .action(async (names: string[], options: DataOptions) =>
    (await import('./data.ts')).dataVerify(names, options, (await import('./output.ts')).print),
  );

everywhere(
  program
    .command('models')
    .summary('list the models; parameters, FLOPs and shapes by layer')
    .description('Lists the models, or one model layer by layer: output shape, parameters, multiply-adds.')
    .argument('[name[:k=v,...]]', 'model to show in full, with its options'),
)
  .option('--dataset <name>', 'data set whose images go in', OPTIONS.dataset.default)
  .option('--input <CxHxW>', "size of the images, in place of the data set's")
  .option('--classes <n>', "number of classes, in place of the data set's")
  .addHelpText(
    'after',
    examples(
      'descent models',
      'descent models resnet20:shortcut=B --dataset cifar10',
      'descent models vgg16 --input 3x224x224 --classes 1000',
    ),
  )
  .action(async (name: string | undefined, options: import('./models.ts').ModelsOptions) =>
    (await import('./models.ts')).models(name, options),
  );

const bench = program
  .command('bench')
  .summary('measure kernels and training steps beside what the adapter can do')
  .addHelpText('after', examples('descent bench kernels', 'descent bench step lenet5 --trace'));
type BenchOptions = import('./bench.ts').BenchOptions;
const benchCommand = (name: string, summary: string) =>
  onDevice(bench.command(name).description(summary).option('--out <file>', 'write the results as JSON'));
benchCommand(
  'kernels',
  'Times every kernel over the shapes of the models: GFLOP/s, GB/s and the share of what a multiply-add and a copy kernel reach in the same run.',
)
  .option('--filter <text>', 'only rows whose kernel or shape contains this')
  .option('--variants', 'each variant that fits the adapter, not just the one taken')
  .addHelpText(
    'after',
    examples(
      'descent bench kernels',
      'descent bench kernels --filter matmul --variants',
      'descent bench kernels --out kernels.json',
    ),
  )
  .action(async (options: BenchOptions) => (await import('./bench.ts')).kernels(options));
benchCommand(
  'step <model>',
  'Times whole training steps: images/s, dispatches, submits, device bytes, time to the first step.',
)
  .option(OPTIONS.dataset.flags, OPTIONS.dataset.help, OPTIONS.dataset.default)
  .option(OPTIONS.batchSize.flags, OPTIONS.batchSize.help, String(OPTIONS.batchSize.default))
  .option(OPTIONS.optimizer.flags, OPTIONS.optimizer.help, OPTIONS.optimizer.default)
  .option(OPTIONS.precision.flags, OPTIONS.precision.help, OPTIONS.precision.default)
  .option(OPTIONS.checkpointActivations.flags, OPTIONS.checkpointActivations.help)
  .option('--trace [file]', 'time each dispatch; with a file, also as a Chrome trace')
  .option('--start', 'time to the first step in fresh processes, with an empty shader cache and with the one it leaves')
  .addOption(new Option('--first', 'print the time to the first step and end').hideHelp())
  .addHelpText(
    'after',
    examples(
      'descent bench step lenet5',
      'descent bench step lenet5 --start',
      'descent bench step resnet20 --dataset cifar10 --batch-size 32 --trace step.json',
    ),
  )
  .action(async (model: string, options: BenchOptions) => (await import('./bench.ts')).step(model, options));

benchCommand(
  'peers [model...]',
  'Times a training step beside TensorFlow.js, jax-js and PyTorch on the same machine; what is missing of them is installed in a folder of its own.',
)
  .option('--peers <names>', 'only these, with commas: jax-js,tfjs-webgpu,tfjs-wasm,pytorch-cpu')
  .option('--rounds <n>', 'interleaved rounds', '5')
  .addHelpText('after', examples('descent bench peers', 'descent bench peers lenet5 --peers jax-js,tfjs-webgpu'))
  .action(async (models: string[], options: BenchOptions) => (await import('./bench.ts')).peers(models, options));

benchCommand(
  'scaling [axis]',
  'Times steps over growing batches (lenet5, resnet20) and growing depth (resnet20 to resnet56), with the memory they take. The axis is batch or depth; without one, both.',
)
  .option('--picture <file>', 'draw time and memory, .svg or .png')
  .addHelpText(
    'after',
    examples('descent bench scaling', 'descent bench scaling batch --out batch.json --picture batch.svg'),
  )
  .action(async (axis: string | undefined, options: BenchOptions) =>
    (await import('./bench.ts')).scaling(axis, options),
  );

/** One line in our grammar for what the argument parser refuses. */
function usageError(error: CommanderError, command: Command): DescentError {
  const path: string[] = [];
  for (let c: Command | null = command; c; c = c.parent) path.unshift(c.name());
  const [problem = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const hint = suggestion
    ? suggestion.replace(/^\((D.*)\)$/, (_, s: string) => s.replace('Did', 'did'))
    : `'${path.join(' ')} --help' says what is accepted`;
  return new DescentError(`${path.join(' ')}: ${problem.replace(/\.$/, '').replace('. ', ', ')}; ${hint}`);
}

function prepare(command: Command): void {
  command.exitOverride(error => {
    if (error.code === 'commander.help') command.outputHelp(); // a group of commands was called by its name alone
    throw error.exitCode === 0 || error.code === 'commander.help' ? error : usageError(error, command);
  });
  for (const c of command.commands) prepare(c);
}

const verbose = process.argv.includes('--verbose');
process.on('uncaughtException', error => {
  // of callbacks, and of promises that nobody awaits
  noteError(error, verbose);
  process.exit(1);
});
endWithReader();
prepare(program);
try {
  const words = process.argv.slice(2);
  await program.parseAsync(words.length ? words : ['--help'], { from: 'user' });
} catch (error) {
  if (!(error instanceof CommanderError)) {
    noteError(error, verbose);
    process.exitCode = 1;
  }
}
