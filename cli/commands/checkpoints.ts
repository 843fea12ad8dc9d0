/** The commands that use what was trained: eval, predict, export, look. */
import type { Command } from 'commander';
import type { Key } from '../../train/config/options.ts';
import type { EvalOptions } from '../run/eval.ts';
import type { ExportOptions } from '../export/options.ts';
import type { LookOptions } from '../run/look.ts';
import type { PredictOptions } from '../run/predict.ts';
import { examples } from '../help.ts';
import { asGiven } from '../negative-rows.ts';
import { configOption, everywhere, inDataDir, onDevice } from './command.ts';

/** Options that name the model and, as `dataset` says, the data set of a file. */
const namedOptions = (command: Command, dataset: string): Command =>
  command
    .option('--model <name>', 'model of a file that does not name it, or your file of code for one that names such a file')
    .option('--dataset <name>', dataset);

/** What images become before the net has them. */
const IMAGES: readonly Key[] = ['normalize', 'imageSize', 'resize'];
/** Which images of a folder count, and what counts as a label. */
const FOLDER: readonly Key[] = ['skipBroken', 'ignoreLabel'];

/** Options of the run that a checkpoint may not say, and the one that takes it though it was changed. */
function openOptions(command: Command, ...keys: readonly Key[]): Command {
  for (const key of keys) {
    const holder = key === 'target' ? 'run' : IMAGES.includes(key) ? 'file' : undefined;
    command.addOption(configOption(key, holder && `, if the ${holder} does not say`));
  }
  return command.option('--trust', 'take files of the run that were changed since it wrote them');
}

export function addEval(command: Command): void {
  command
    .description('Evaluates a run folder (its best weights), a .safetensors or an .onnx file; several together with --ensemble.')
    .argument('<checkpoint...>', 'run folder, or a .safetensors or .onnx file');
  namedOptions(
    command.option('--ensemble', 'the mean of the class probabilities of several checkpoints'),
    'data set, if not the one trained on',
  )
    .option('--split <split>', 'test or val', 'test')
    .option(
      '--tta <views>',
      'average the predictions for several views: flip, 5crop, 10crop, shifts, scales, 5scales, one at each of several scales as 10crop@5scales or 10crop@0.9/0.8, or several joined by +',
    )
    .option('--tta-mean <of>', 'what is averaged over them: probabilities, or logits (default: probabilities)')
    .option(
      '--report',
      'precision, recall and F1 of each class, top-k, confusions, calibration; with pictures and the most confident mistakes in a folder, whose ' +
        'report.json has confusion [label][answer], and of over 1,000 classes confusions: those that occur',
    )
    .option('--out <folder>', 'folder of the report (default: report/ in the run)')
    .option(
      '--attack <name[:k=v,...],...>',
      'accuracy on attacked images too: fgsm, ifgsm and pgd:epsilon=8/255,steps=20,size=2/255,restarts=3 within epsilon (of pixels from 0 to 1), ' +
        'margin (PGD on the margin of Carlini & Wagner), cw:steps=100 (theirs under L2); eot=10: gradients over so many draws of a net that draws noise',
    )
    .option('--dropout', 'attacked nets go on dropping what they drop in training')
    .option('--predictions <file.csv>', 'write label, answer and all probabilities of each image');
  onDevice(
    openOptions(command, ...IMAGES, ...FOLDER, 'target')
      .addOption(configOption('batchSize'))
      .addOption(configOption('limitTest')),
  )
    .addHelpText(
      'after',
      examples(
        'descent eval runs/lenet5-fashion-mnist-20261121-110000',
        'descent eval runs/lenet5-fashion-mnist-20261121-110000 --report --predictions test.csv',
        'descent eval runs/lenet5-fashion-mnist-20261121-110000 --attack fgsm:epsilon=0.1,pgd:epsilon=0.1,restarts=2 --limit-test 500',
        'descent eval lenet5.safetensors --model lenet5 --dataset fashion-mnist --normalize none',
      ),
    )
    .action(async (checkpoints: string[], options: EvalOptions & { ensemble?: boolean }) => {
      const { evaluateAll } = await import('../run/ensemble.ts');
      await evaluateAll(checkpoints, options);
    });
}

export function addPredict(command: Command): void {
  command
    .description(
      "Prints the most probable classes of each image (PNG, JPEG, WebP, GIF, TIFF, AVIF), resized to the model's input; " +
        'of a model that takes numbers what it predicts for values or the rows of .csv files.',
    )
    .argument('<checkpoint>', 'run folder, or a .safetensors or .onnx file')
    .argument('<image...>', 'image files, or folders of them; numbers as 0.5, or rows of them as 0.5,2, or .csv files', asGiven);
  namedOptions(command, 'data set, or folder of images by class, that names the classes of a file that does not');
  onDevice(
    openOptions(command, ...IMAGES, 'target')
      .option('--top <n>', 'classes to print', '3')
      .option('--csv', 'print comma-separated values: the answer and the probabilities of all classes')
      .option('--invert', 'swap black and white first: (Fashion-)MNIST is light on dark'),
  )
    .addHelpText(
      'after',
      examples(
        'descent predict runs/lenet5-fashion-mnist-20261121-110000 shoe.png',
        'descent predict best.safetensors *.jpg --top 1 --json',
        'descent predict best.safetensors photos/ --csv > answers.csv',
        'descent predict runs/mlp-sine-20261121-110000 0.25 0.5',
        'descent predict runs/mlp-two-moons-20261121-110000 -1.5,2',
      ),
    )
    .action(async (checkpoint: string, images: string[], options: PredictOptions) => {
      const { predict } = await import('../run/predict.ts');
      await predict(checkpoint, images, options);
    });
}

export function addExport(command: Command): void {
  command
    .description(
      'Writes a trained net or its run for other programs.\n' +
        'onnx: one file for ONNX Runtime and others, opset 17, batches of any size. ' +
        "timm: a folder for timm.create_model('local-dir:...'). tensorboard: metrics, layers, weights and pictures of a run. " +
        'webpage: one HTML file that classifies pictures in a browser, offline.',
    )
    .argument('<checkpoint>', 'run folder, or a .safetensors or .onnx file')
    .requiredOption('--to <format>', 'onnx, timm, tensorboard or webpage');
  namedOptions(
    command
      .option('--out <file>', 'file or folder to write (default: beside the weights)')
      .option('--normalized-input', 'onnx: the net takes normalised images, in place of pixels from 0 to 1 that it normalises itself')
      .option('--softmax', 'onnx: a second output, the probabilities'),
    'data set that names the classes of a file that does not',
  );
  everywhere(inDataDir(openOptions(command, 'normalize', 'target')))
    .addHelpText(
      'after',
      examples(
        'descent export runs/lenet5-fashion-mnist-20261121-110000 --to onnx --softmax --out shoes.onnx',
        'descent export runs/lenet5-fashion-mnist-20261121-110000 --to tensorboard',
      ),
    )
    .action(async (checkpoint: string, options: ExportOptions) => {
      const { exportNet } = await import('../export/export.ts');
      await exportNet(checkpoint, options);
    });
}

export function addLook(command: Command): void {
  command
    .description(
      'Writes pictures of a trained net, each as SVG and PNG: confusions and reliability on the test images, filters of the first layer ' +
        '(templates of a linear model), what each layer makes of an image and does on several, the most confident mistakes.',
    )
    .argument('<checkpoint>', 'run folder, or a .safetensors or .onnx file');
  namedOptions(
    command
      .option('--out <folder>', 'folder of the pictures (default: look/ in the run)')
      .option('--image <n>', 'test image whose activations are drawn', '1'),
    'data set, if not the one trained on',
  );
  onDevice(openOptions(command, ...IMAGES, ...FOLDER, 'target').addOption(configOption('limitTest')))
    .addHelpText(
      'after',
      examples(
        'descent look runs/lenet5-fashion-mnist-20261121-110000',
        'descent look runs/lenet5-fashion-mnist-20261121-110000 --image 7 --out seen',
      ),
    )
    .action(async (checkpoint: string, options: LookOptions) => {
      const { look } = await import('../run/look.ts');
      await look(checkpoint, options);
    });
}
