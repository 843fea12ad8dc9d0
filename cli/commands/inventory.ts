/** The commands that show what there is: devices, data, models, kernels. */
import type { Command } from 'commander';
import { OPTIONS } from '../../train/config/options.ts';
import type { ShowOptions } from '../show/data-show.ts';
import type { DataOptions } from '../show/data.ts';
import type { DevicesOptions } from '../show/devices.ts';
import type { KernelsOptions } from '../show/kernels.ts';
import type { ModelsOptions } from '../show/models.ts';
import { print } from '../output.ts';
import { examples } from '../help.ts';
import { configOption, everywhere, inDataDir, onDevice } from './command.ts';

export function addDevices(command: Command): void {
  command.description('Lists all adapters in the order in which they are taken, with features and limits.');
  everywhere(command)
    .addHelpText('after', examples('descent devices', 'descent devices --json', 'DESCENT_ADAPTER=swiftshader descent train lenet5'))
    .action(async (options: DevicesOptions) => {
      const { devices } = await import('../show/devices.ts');
      await devices(options);
    });
}

export function addData(data: Command): void {
  data.addHelpText('after', examples('descent data list', 'descent data fetch cifar10', 'descent data verify'));
  const cacheCommand = (name: string, description: string) => everywhere(inDataDir(data.command(name).description(description)));

  cacheCommand('fetch <name...>', 'Fetches data sets into the local cache, checked against their published content.')
    .addHelpText('after', examples('descent data fetch fashion-mnist cifar10'))
    .action(async (names: string[], options: DataOptions) => {
      const { dataFetch } = await import('../show/data.ts');
      await dataFetch(names, options, print);
    });

  cacheCommand('list', 'Lists the data sets and what of them the local cache has.')
    .addHelpText('after', examples('descent data list --json'))
    .action(async (options: DataOptions) => {
      const { dataList } = await import('../show/data.ts');
      await dataList(options, print);
    });

  addDataShow(data);

  cacheCommand('verify [name...]', 'Compares the stored files with their published content.')
    .addHelpText('after', examples('descent data verify', 'descent data verify cifar10'))
    .action(async (names: string[], options: DataOptions) => {
      const { dataVerify } = await import('../show/data.ts');
      await dataVerify(names, options, print);
    });
}

function addDataShow(data: Command): void {
  const command = data
    .command('show')
    .description('Writes a contact sheet: a column of images as they are, beside each its augmentations in one epoch after another.')
    .argument('<dataset>', 'name of a data set, or a folder of images by class');
  onDevice(
    command
      .addOption(configOption('augment'))
      .addOption(configOption('imageSize'))
      .addOption(configOption('resize'))
      .addOption(configOption('skipBroken'))
      .option('--out <file.png>', 'file to write', 'sheet.png')
      .option('--rows <n>', 'images', '8')
      .option('--columns <n>', 'augmentations of each', '12')
      .addOption(configOption('seed'))
      .option('--zoom <n>', 'pixels of the sheet for one of the image (default: so that images are about 64 wide)'),
  )
    .addHelpText(
      'after',
      examples(
        'descent data show cifar10 --augment crop:4,flip,cutout:16',
        'descent data show fashion-mnist --augment rotate:20,fill=edge --out rotated.png',
      ),
    )
    .action(async (name: string, options: ShowOptions) => {
      const { dataShow } = await import('../show/data-show.ts');
      await dataShow(name, options);
    });
}

export function addModels(command: Command): void {
  command
    .description('Lists the models, or one model layer by layer: output shape, receptive field, parameters, FLOPs, memory.')
    .argument('[name[:k=v,...]]', 'model to show in full, with its options');
  everywhere(
    command
      .option(
        '--dataset <name>',
        `data set whose images go in (default: those that an .onnx file takes, else of ${OPTIONS.dataset.default})`,
      )
      .addOption(configOption('target'))
      .option('--input <CxHxW>', "size of the images, in place of the data set's")
      .option('--classes <n>', "number of classes, in place of the data set's"),
  )
    .addHelpText(
      'after',
      examples(
        'descent models',
        'descent models resnet20:shortcut=B --dataset cifar10',
        'descent models vgg16 --input 3x224x224 --classes 1000',
      ),
    )
    .action(async (name: string | undefined, options: ModelsOptions) => {
      const { models } = await import('../show/models.ts');
      await models(name, options);
    });
}

export function addKernels(command: Command): void {
  command
    .description(
      'Lists the kernels, or the variants of one and where each is taken; with --variant or --call prints the WGSL. It opens no device.',
    )
    .argument('[name]', 'kernel to show')
    .option('--variant <name>', 'print the WGSL of this variant; of what is done in stages, that of each')
    .option('--call <text>', 'print the WGSL for the call whose shape or description contains this')
    .option('--for <adapter>', 'only for software, gpu or gpu-f16');
  everywhere(command)
    .addHelpText(
      'after',
      examples(
        'descent kernels',
        'descent kernels matmul',
        'descent kernels matmul --variant "tiled 64x64"',
        'descent kernels conv --call 5x5 --for gpu',
      ),
    )
    .action(async (name: string | undefined, options: KernelsOptions) => {
      const { kernels } = await import('../show/kernels.ts');
      await kernels(name, options);
    });
}
