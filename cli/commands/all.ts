/** The commands, in the order of the help. */
import type { Command } from 'commander';

interface Listed {
  readonly name: string;
  readonly summary: string;
  /** Gives what adds its description, options and action, which takes long to load: the options of a run know all rules and losses. */
  readonly load: () => Promise<(command: Command) => void>;
}

const COMMANDS: readonly Listed[] = [
  {
    name: 'train',
    summary: 'train a model and keep the run in a folder',
    load: async () => (await import('./training.ts')).addTrain,
  },
  {
    name: 'find-lr',
    summary: 'learning-rate range test: propose a rate, draw loss against rate',
    load: async () => (await import('./training.ts')).addFindLr,
  },
  {
    name: 'sweep',
    summary: 'grid or random search, evaluated on held-out images or by cross-validation',
    load: async () => (await import('./training.ts')).addSweep,
  },
  {
    name: 'compare',
    summary: 'compare optimizers, schedules, initialisations and more: one picture and a table',
    load: async () => (await import('./training.ts')).addCompare,
  },
  {
    name: 'eval',
    summary: 'measure loss and accuracy of a trained model',
    load: async () => (await import('./checkpoints.ts')).addEval,
  },
  {
    name: 'predict',
    summary: 'classify images',
    load: async () => (await import('./checkpoints.ts')).addPredict,
  },
  {
    name: 'export',
    summary: 'write a trained net for other programs: ONNX, timm, TensorBoard, a web page',
    load: async () => (await import('./checkpoints.ts')).addExport,
  },
  {
    name: 'look',
    summary: 'pictures of a trained net: confusions, filters, activations, layers, mistakes',
    load: async () => (await import('./checkpoints.ts')).addLook,
  },
  {
    name: 'devices',
    summary: 'list the adapters of this machine',
    load: async () => (await import('./inventory.ts')).addDevices,
  },
  {
    name: 'data',
    summary: 'fetch, list and verify data sets',
    load: async () => (await import('./inventory.ts')).addData,
  },
  {
    name: 'models',
    summary: 'list the models; shapes, parameters, FLOPs, memory and receptive fields by layer',
    load: async () => (await import('./inventory.ts')).addModels,
  },
  {
    name: 'kernels',
    summary: 'list the kernels and their variants; the WGSL of any',
    load: async () => (await import('./inventory.ts')).addKernels,
  },
  {
    name: 'bench',
    summary: 'measure kernels and training steps beside what the adapter can do',
    load: async () => (await import('./bench.ts')).addBench,
  },
];

/** Adds all commands, those that are `wanted` with all that they take, the others by name and summary. */
export async function addCommands(program: Command, wanted: (name: string) => boolean): Promise<void> {
  for (const { name, summary, load } of COMMANDS) {
    const command = program.command(name).summary(summary);
    if (wanted(name)) (await load())(command);
  }
}
