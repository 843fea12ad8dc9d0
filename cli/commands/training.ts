/** The commands that train: train, find-lr, sweep, compare. */
import type { Command } from 'commander';
import { OPTIONS } from '../../train/config/options.ts';
import type { CompareOptions } from '../study/compare-options.ts';
import type { FindLrOptions } from '../study/find-lr.ts';
import type { SweepOptions } from '../study/sweep.ts';
import type { TrainOptions } from '../run/options.ts';
import { examples } from '../help.ts';
import { configOption, defaultedOption, modelBehind, onDevice, withConfig } from './command.ts';

export function addTrain(command: Command): void {
  command
    .description(
      'Trains a model. The run folder holds config.json, metrics.jsonl, model.safetensors (last), best.safetensors, ' +
        "the optimizer's state and curves.svg.\nCtrl-C stops after the current step and keeps a checkpoint.",
    )
    .argument('[model]', 'a name that descent models lists; not needed with --resume');
  onDevice(withConfig(command))
    .option('--out <dir>', 'run folder (default: runs/<model>-<dataset>-<date-time>)')
    .option('--resume <dir>', 'go on with the run in this folder, as if it had never stopped')
    .option(
      '--stats [n]',
      'what each layer does after each epoch, and every n steps: ' +
        'activations, dead units, sizes of weights, gradients, updates; in stats.jsonl. Of several ranks with sync alone',
    )
    .option(
      '--checkpoint-every <when>',
      'keep a checkpoint within an epoch too: every n steps, as 500, or every so many minutes, as 5m (default: 10m)',
    )
    .option('--exchange <how>', 'with --distribute: rma (one-sided calls of MPI), or messages where those fail (default: rma)')
    .option('--trust', 'resume although files of the run were changed since it wrote them')
    .option('--plan [dir]', 'print each dispatch of a step, its buffers and bytes, and stop; with a folder, write the WGSL of each into it')
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
    .action(async (model: string | undefined, options: TrainOptions) => {
      const { train } = await import('../run/train.ts');
      await train(model ?? (options.resume ? undefined : modelBehind(options, ['checkpointActivations', 'stats', 'plan'])), options);
    });
}

export function addFindLr(command: Command): void {
  command
    .description('Trains some steps at rates that grow, draws the loss against the rate and proposes the one at which it falls fastest.')
    .argument('<model>', 'a name that descent models lists');
  onDevice(
    command
      .addOption(defaultedOption('dataset'))
      .addOption(defaultedOption('optimizer'))
      .addOption(defaultedOption('batchSize'))
      .addOption(defaultedOption('normalize'))
      .addOption(configOption('loss'))
      .addOption(configOption('limitTrain'))
      .addOption(configOption('target'))
      .addOption(configOption('imageSize'))
      .addOption(configOption('resize'))
      .addOption(configOption('skipBroken'))
      .addOption(configOption('ignoreLabel'))
      .addOption(defaultedOption('seed'))
      .option('--from <rate>', 'first rate', '1e-5')
      .option('--to <rate>', 'last rate', '10')
      .option('--steps <n>', 'steps in all', '200')
      .option('--out <file>', 'picture, .svg or .png; without an ending both', 'find-lr'),
  )
    .addHelpText(
      'after',
      examples('descent find-lr lenet5', 'descent find-lr resnet20 --dataset cifar10 --optimizer momentum --steps 100 --out rates.png'),
    )
    .action(async (model: string, options: FindLrOptions) => {
      const { findLr } = await import('../study/find-lr.ts');
      await findLr(model, options);
    });
}

/** Gathers the values of an option that is given several times. */
const collect = (value: string, all: string[] = []): string[] => [...all, value];

export function addSweep(command: Command): void {
  command
    .description(
      'Trains every combination of the values given, or random draws, and lists them by their accuracy on held-out images.\n' +
        'Keys are options of descent train, hyper-parameters of the optimizer, or model.<name>, schedule.<name>. ' +
        'Each run is a line of results.jsonl in the folder;\nthe same command again skips what is done on the data and model as they are.',
    )
    .argument('<model>', 'a name that descent models lists')
    .option(
      '--grid <key=value,...>',
      'values to try, as often as there are keys; | between values that hold commas; with --random also a range, lr=1e-4..1e-1',
      collect,
    )
    .option('--random <n>', 'n random combinations in place of all')
    .option('--folds <k>', 'k-fold cross-validation in place of one held-out share')
    .option('--out <dir>', 'folder of the results (default: sweeps/<model>-<dataset>)');
  onDevice(withConfig(command))
    .addHelpText(
      'after',
      examples(
        'descent sweep lenet5 --grid lr=0.01,0.1 --grid optimizer=sgd,adam --epochs 2',
        'descent sweep mlp --dataset shapes --grid lr=1e-4..1e-1 --grid model.hidden=64,256-128 --random 10 --folds 5',
      ),
    )
    .action(async (model: string, options: SweepOptions) => {
      const { sweep } = await import('../study/sweep.ts');
      await sweep(model, options);
    });
}

export function addCompare(command: Command): void {
  command
    .description(
      'Trains one model in several ways from the same seed, one after the other, ' +
        'and compares test accuracy and the curves of the training loss; or does an experiment of the courses, ' +
        'whose options follow its name.\nWithout <what> all are listed, a line each.',
    )
    .argument('[what]', 'what is compared, or an experiment as born-dead:nets=100');
  onDevice(
    command
      .option('--model <name>', 'model to train (default: lenet5, or one that shows what is compared)')
      .addOption(configOption('dataset', ' (default: fashion-mnist)'))
      .addOption(configOption('target'))
      .option(OPTIONS.optimizer.flags, 'optimizer, where optimizers are not compared (default: momentum)')
      .addOption(configOption('lr'))
      .addOption(configOption('epochs', ' (default: 2, 20 where overfitting is compared, 1 for distribution)'))
      .addOption(configOption('limitTrain', ' (default: 12000, 1000 where overfitting is compared, 2000 for depth, 6000 for distribution)'))
      .addOption(configOption('limitTest', ' (default: 2000, 1000 for distribution)'))
      .addOption(defaultedOption('seed'))
      .option(
        '--delay <rank=n,ms=t>',
        'of distribution: slow a rank down by so many milliseconds a step; several times for several',
        collect,
      )
      .option('--out <file>', 'picture, .svg or .png; without an ending both (default: compare-<what>)'),
  )
    .addHelpText(
      'after',
      examples(
        'descent compare',
        'descent compare optimizers',
        'descent compare born-dead:nets=20000',
        'descent compare schedules --model resnet20 --dataset cifar10 --out schedules.png',
      ),
    )
    .action(async (what: string | undefined, options: CompareOptions) => {
      const { compare } = await import('../study/compare.ts');
      await compare(what, options);
    });
}
