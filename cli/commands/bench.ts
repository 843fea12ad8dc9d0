/** The commands that measure: bench kernels, step, peers, inference, scaling, distributed. */
import { Option, type Command } from 'commander';
import type { DistributedOptions } from '../bench/distributed.ts';
import type { InferenceOptions } from '../bench/inference.ts';
import type { KernelsOptions } from '../bench/kernels.ts';
import type { PeersOptions } from '../bench/peers.ts';
import type { ScalingOptions } from '../bench/scaling.ts';
import type { StepOptions } from '../bench/step.ts';
import { examples } from '../help.ts';
import { configOption, defaultedOption, onDevice } from './command.ts';

export function addBench(bench: Command): void {
  bench.addHelpText('after', examples('descent bench kernels', 'descent bench step lenet5 --trace'));
  addKernels(bench);
  addStep(bench);
  addPeers(bench);
  addInference(bench);
  addScaling(bench);
  addDistributed(bench);
}

/** A command below bench. Files that it is to write are refused before anything is timed. */
const benchCommand = (bench: Command, name: string, description: string): Command =>
  onDevice(bench.command(name).description(description).option('--out <file>', 'write the results as JSON')).hook(
    'preAction',
    async (_, command) => {
      const { checkWritable } = await import('../../train/run/node/files.ts');
      const { out, trace } = command.opts<{ out?: string; trace?: string | true }>();
      for (const file of [out, trace]) if (typeof file === 'string') checkWritable(file);
    },
  );

function addKernels(bench: Command): void {
  benchCommand(
    bench,
    'kernels',
    'Times convolutions, products, pooling, sums and elementwise kernels over the shapes of the models: GFLOP/s, GB/s ' +
      'and the share of what a multiply-add and a copy kernel reach in the same run.',
  )
    .option('--filter <text>', 'only rows whose kernel or shape contains this')
    .option('--variants', 'each variant that fits the adapter, not just the one taken')
    .addOption(
      new Option('--precision <type>', 'f32, or f16: activations in half precision, as products by matrix units are').default('f32'),
    )
    .addHelpText(
      'after',
      examples(
        'descent bench kernels',
        'descent bench kernels --filter matmul --variants --precision f16',
        'descent bench kernels --out kernels.json',
      ),
    )
    .action(async (options: KernelsOptions) => {
      const { kernels } = await import('../bench/kernels.ts');
      await kernels(options);
    });
}

function addStep(bench: Command): void {
  benchCommand(bench, 'step <model>', 'Times whole training steps: images/s, dispatches, submits, device bytes, time to the first step.')
    .addOption(defaultedOption('dataset'))
    .addOption(defaultedOption('batchSize'))
    .addOption(defaultedOption('optimizer'))
    .addOption(defaultedOption('precision'))
    .addOption(configOption('checkpointActivations'))
    .option('--trace [file]', 'time each dispatch, and what the adapter can do; with a file, also as a Chrome trace')
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
    .action(async (model: string, options: StepOptions) => {
      const { step } = await import('../bench/step.ts');
      await step(model, options);
    });
}

function addPeers(bench: Command): void {
  benchCommand(
    bench,
    'peers [model...]',
    'Times a training step beside TensorFlow.js, jax-js and PyTorch on the same machine; ' +
      'what is missing of them is installed in a folder of its own.',
  )
    .option('--peers <names>', 'only these, with commas, of jax-js, tfjs-webgpu, tfjs-wasm, pytorch-cpu, pytorch-cuda, pytorch-cuda-amp')
    .option('--rounds <n>', 'interleaved rounds', '5')
    .addHelpText('after', examples('descent bench peers', 'descent bench peers lenet5 --peers jax-js,tfjs-webgpu'))
    .action(async (models: string[], options: PeersOptions) => {
      const { peers } = await import('../bench/peers.ts');
      await peers(models, options);
    });
}

function addInference(bench: Command): void {
  benchCommand(
    bench,
    'inference [model...]',
    'Times the answers of exported nets beside ONNX Runtime for the web on the same machine: its WebAssembly, and its two builds for ' +
      'WebGPU on the adapter that is taken here. Answers are compared first; whose differ is left out, and it is said by how much.',
  )
    .option('--peers <names>', 'only these, with commas: ort-wasm,ort-webgpu,ort-webgpu-js')
    .option('--batches <n,...>', 'images that are asked about at once', '1,32')
    .option('--rounds <n>', 'interleaved rounds', '5')
    .addHelpText('after', examples('descent bench inference', 'descent bench inference lenet5 --peers ort-wasm --batches 1,64'))
    .action(async (models: string[], options: InferenceOptions) => {
      const { inference } = await import('../bench/inference.ts');
      await inference(models, options);
    });
}

function addScaling(bench: Command): void {
  benchCommand(
    bench,
    'scaling [axis]',
    'Times steps over growing batches (lenet5, resnet20: 1 to 1,024), depth (20 to 110 layers), width and image size (28 to 224) of ' +
      'resnet20, with the memory they take, and says whether the time of an image falls or stays. ' +
      'The axis is batch, depth, width or size; without one, all.',
  )
    .option('--points <n,...>', 'only these points of the axis')
    .option(
      '--peers [names]',
      'time the same networks with the peers of bench peers too, or with those that are named, with commas; none whose step takes over 25 s',
    )
    .option('--rounds <n>', 'interleaved rounds with the peers', '3')
    .option('--picture <file>', 'draw time and memory, .svg or .png')
    .addHelpText(
      'after',
      examples(
        'descent bench scaling',
        'descent bench scaling batch --out batch.json --picture batch.svg',
        'descent bench scaling size --points 28,32 --peers pytorch-cpu',
      ),
    )
    .action(async (axis: string | undefined, options: ScalingOptions) => {
      const { scaling } = await import('../bench/scaling.ts');
      await scaling(axis, options);
    });
}

function addDistributed(bench: Command): void {
  benchCommand(
    bench,
    'distributed <model>',
    'Times means over ranks, and a step by each method of --distribute beside one rank alone; tells what of the communication is hidden, ' +
      'and predicts the efficiency of up to 1,024 ranks. It starts jobs of 1, 2 and 4 ranks with mpirun; where mpirun or srun started it, it ' +
      'measures that job.',
  )
    .addOption(defaultedOption('dataset'))
    .addOption(defaultedOption('batchSize'))
    .option('--steps <n>', 'steps of each rank that are timed (default: 3 seconds of them, 10 to 150)')
    .option('--exchange <how>', 'rma or messages')
    .option('--ranks <n,...>', 'ranks of the jobs that are started (default: 1,2,4)')
    .option('--mpirun <command>', 'the launcher that starts them (default: mpirun)')
    .addHelpText(
      'after',
      examples(
        'descent bench distributed lenet5',
        'descent bench distributed resnet20 --dataset cifar10 --batch-size 32 --mpirun mpirun.mpich',
        'srun -n 8 descent bench distributed resnet20 --dataset cifar10 --out eight.json',
      ),
    )
    .action(async (model: string, options: DistributedOptions) => {
      const { distributed } = await import('../bench/distributed.ts');
      await distributed(model, options);
    });
}
