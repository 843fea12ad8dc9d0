/** How batch normalisation of a training step becomes fewer calls: statistics are found where they are needed. */
import { isSoftware, type Join, type Profile } from '../kernel/kernel.ts';
import { batchNormApply, batchNormBackward, type BatchNormApply } from './batch-norm.ts';
import { runs, type Channels } from './channels.ts';
import { batchNormTraining, batchNormTrainingBackward } from './training.ts';

/** Bindings of such a call with both operands of an epilogue. */
const BINDINGS = 10;
const bindsAll = (d: Profile): boolean => d.maxBindings >= BINDINGS;

const sizesOf = ({ n, c, hw, split }: Channels): Channels => ({ n, c, hw, split });

/** Of `joinMoments`: the application finds mean and variance from the moments of runs. */
export const joinsMoments: Join = {
  op: batchNormApply,
  replaces: false,
  when: (op, _producer, d) => (op.params as BatchNormApply).by === 'batch' && bindsAll(d),
  gives: (op, { params, tensors }) => {
    const { by: _, ...own } = op.params as BatchNormApply;
    const { eps, momentum } = params;
    return {
      calls: [
        {
          ...op,
          kernel: batchNormTraining,
          params: { ...own, eps, momentum, runs: sizesOf(params) },
          tensors: { ...op.tensors, ...tensors },
        },
      ],
    };
  },
};

/** Of `batchNormGradients`: the gradient of the values finds the means that it takes from the sums of runs. */
export const joinsGradients: Join = {
  op: batchNormBackward,
  replaces: true,
  when: (_, __, d) => bindsAll(d),
  gives: (op, { params, tensors }) => {
    const { means: _, ...read } = op.tensors;
    const { means: __, ...found } = tensors;
    return {
      calls: [
        {
          ...op,
          kernel: batchNormTrainingBackward,
          params: { ...op.params, gradient: params.gradient, runs: sizesOf(params) },
          tensors: { ...read, ...found },
        },
      ],
    };
  },
};

/** Channels that are enough for a GPU with a workgroup each, which then takes so few values. */
const ENOUGH_CHANNELS = 256;
const FEW_VALUES = 4096;

/** Whether a device has enough to do with a workgroup for each channel, as the cores of a processor have. */
const fillsByChannels = ({ c, n, hw }: Channels, d: Profile): boolean => isSoftware(d) || (c >= ENOUGH_CHANNELS && n * hw <= FEW_VALUES);

/** Of what sums up a run: where one run is all, the call after it does so itself. */
const joinsRun = (op: Join['op']): Join => ({
  op,
  replaces: true,
  when: ({ params }, _, d) => params.runs && runs(params.runs) === 1 && fillsByChannels(params.runs, d),
  gives: op => {
    const { partial: _, ...tensors } = op.tensors;
    return { calls: [{ ...op, params: { ...op.params, runs: undefined }, tensors }] };
  },
});
export const joinsMomentsOfRun = joinsRun(batchNormTraining);
export const joinsSumsOfRun = joinsRun(batchNormTrainingBackward);
