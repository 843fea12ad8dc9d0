/** The playground in the worker: a small net that trains, and goes on where it is changed, looked at many times a second. */
import { bytesOf, type Dataset, type Split } from '../../datasets/dataset.ts';
import { DescentError, DeviceLost, faultOf, words } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import { openDevice } from '../../engine/open.ts';
import { Turns } from '../../engine/turns.ts';
import { rules } from '../../optim/index.ts';
import { optimizer, type Optimizer } from '../../optim/optimizer.ts';
import { l1Proximal, weightDecay, type Piece } from '../../optim/pieces.ts';
import { quasiNewton, quasiNewtonMethods, type QuasiNewton } from '../../optim/quasi-newton.ts';
import { rate } from '../../optim/schedule.ts';
import { chosenModel } from '../../train/config/model.ts';
import { openData } from '../../train/data/data.ts';
import { joined } from '../../train/evaluate/pixels.ts';
import { Probe } from '../../train/evaluate/probe.ts';
import type { Tensors } from '../../train/run/safetensors.ts';
import { Trainer } from '../../train/step/trainer.ts';
import { fitted } from './fitting.ts';
import type { PlayLook, PlayRates, PlaySamples, PlayScore, PlayTask, RunEvent, RunState } from './protocol.ts';

/** Milliseconds from one look to the next, and steps between them at most: on a fast GPU one would see nothing of the way. */
const [EVERY, STEPS] = [40, 60];

interface Built {
  readonly task: PlayTask;
  readonly device: Device;
  readonly trainer: Trainer;
  readonly probe: Probe;
  /** The points of the grid, to train on and to test on, one after another. */
  readonly seen: Uint8Array;
  /** Steps before those of the trainer. */
  readonly before: number;
}

export class Player {
  #emit: (event: RunEvent) => void;
  #device: Device | undefined;
  #built: Built | undefined;
  #rates: PlayRates = { lr: 0, l1: 0, l2: 0 };
  /** Of the last look; a net that comes after it begins with what fits of them. */
  #weights: Tensors | undefined;
  #step = 0;
  #epoch = 0;
  #running = false;
  /** One at a time: steps, looks and changes of the net use the same programs. */
  #turns = new Turns();

  constructor(emit: (event: RunEvent) => void) {
    this.#emit = emit;
  }

  open(task: PlayTask, anew: boolean): Promise<void> {
    return this.#turns.take(async () => {
      await this.#build(task, anew);
      await this.#look();
      this.#tell(this.#running ? 'running' : 'paused');
    });
  }

  setRates(rates: PlayRates): void {
    this.#rates = rates;
  }

  go(): void {
    if (this.#running) return;
    this.#running = true;
    this.#tell('running');
    void this.#train();
  }

  async pause(): Promise<void> {
    this.#running = false;
    await this.#turns.done;
    this.#tell('paused');
  }

  /** Sets one number of a weight, where the net has it. */
  set(tensor: string, index: number, value: number): Promise<void> {
    return this.#turns.take(async () => {
      const weights = await this.#built?.trainer.weights();
      const old = weights?.[tensor];
      if (!weights || !old) return;
      const data = Float32Array.from(old.data);
      data[index] = value;
      await this.#built!.trainer.loadWeights({ ...weights, [tensor]: { ...old, data } });
      await this.#look();
    });
  }

  step(): Promise<void> {
    this.#running = false;
    return this.#turns.take(async () => {
      await this.#built?.trainer.step();
      await this.#look();
      this.#tell('paused');
    });
  }

  #tell(state: RunState, message?: DescentError): void {
    this.#emit({ kind: 'state', state, step: this.#step, message: message && faultOf(message) });
  }

  async #train(): Promise<void> {
    try {
      while (this.#running) {
        const begun = performance.now();
        await this.#turns.take(async () => {
          for (let i = 0; i < STEPS && this.#running && performance.now() - begun < EVERY; i++) await this.#built?.trainer.step();
          if (this.#running) await this.#look();
        });
        await new Promise(resolve => setTimeout(resolve, EVERY - (performance.now() - begun)));
      }
    } catch (error) {
      if (error instanceof DeviceLost) return this.#reopen(words(error.problem));
      this.#running = false;
      this.#tell('failed', error as DescentError);
    }
  }

  /** A new device, with the weights that were seen last. */
  async #reopen(why: string): Promise<void> {
    const going = this.#running;
    this.#running = false;
    this.#device = undefined;
    this.#tell('building');
    try {
      await this.open(this.#built!.task, false);
      if (going) this.go();
    } catch (error) {
      this.#tell('failed', new DescentError(`${why}, and it does not open again: ${(error as Error).message}`, 'reload the page'));
    }
  }

  /** Builds the net of a task. Weights of the one before stay where they fit, the optimizer's state where the net and the rule are the same. */
  async #build(task: PlayTask, anew: boolean): Promise<void> {
    const old = this.#built;
    const device = (this.#device ??= await openDevice({ tune: false })); // each net would be timed anew
    this.#rates = task.rates;
    const { model, data, trainer } = await trainerOf(task, device, () => this.#rates);
    const kept = anew ? undefined : this.#weights;
    const isSame = kept !== undefined && old?.device === device && goesOn(old.task, task);
    if (kept && old) {
      await trainer.loadWeights(fitted({ ...old.task, weights: kept }, task, await trainer.weights()));
      if (isSame) await trainer.loadState(await old.trainer.state());
    }
    const inputs = [task.grid, task.train.inputs, task.test.inputs];
    const n = inputs.reduce((all, part) => all + part.length, 0) / task.features.length;
    const isShown = (path: string) => path.startsWith('act') || path === `fc${task.hidden.length + 1}`;
    const probe = await Probe.create(trainer.memory, model, data, n, isShown);
    if (anew) this.#step = this.#epoch = 0;
    this.#built = { task, device, trainer, probe, seen: joined(inputs.map(bytesOf)), before: this.#step - trainer.steps };
    if (old?.device === device) {
      old.probe.destroy();
      old.trainer.destroy();
    }
  }

  /** Tells how the net is now. Throws where its loss is not finite. */
  async #look(): Promise<void> {
    if (!this.#built) return;
    const { task, trainer, probe, seen, before } = this.#built;
    const step = before + trainer.steps;
    const params = Array.from(trainer.graph.params, ([name, { value }]) => [name, value] as const);
    const layers = probe.outputs.map(([, tensor]) => tensor);
    const read = await probe.readings(seen, [...layers, ...params.map(([, tensor]) => tensor)]);
    const grid = task.grid.length / task.features.length;
    const units = task.hidden.map((width, i) => read[i]!.slice(0, grid * width));
    const outputs = read[layers.length - 1]!;
    const values = params.map(([name, { shape }], i) => [name, { shape, data: read[layers.length + i]!.slice() }] as const);
    const weights = Object.fromEntries(values);
    const n = task.train.targets.length;
    const train = scoreOf(outputs.subarray(grid, grid + n), task.train, task.loss);
    if (!Number.isFinite(train.loss)) {
      throw new DescentError(`the loss is ${train.loss} at step ${step}`, 'take a smaller learning rate, and press Reset');
    }
    this.#weights = weights;
    this.#epoch += (step - this.#step) / trainer.stepsPerEpoch; // which changes with the batch
    this.#step = step;
    const look: PlayLook = {
      step,
      epoch: this.#epoch,
      units,
      output: outputs.slice(0, grid),
      weights: Object.fromEntries(values.map(([name, { data }]) => [name, data])),
      train,
      test: scoreOf(outputs.subarray(grid + n), task.test, task.loss),
    };
    this.#emit({ kind: 'look', look });
  }
}

/** Whether the optimizer of one task goes on in the other: its state is of the same weights. */
const goesOn = (a: PlayTask, b: PlayTask): boolean =>
  a.optimizer === b.optimizer &&
  Object.hasOwn(rules, a.optimizer) &&
  JSON.stringify([a.features, a.hidden]) === JSON.stringify([b.features, b.hidden]);

async function trainerOf(task: PlayTask, device: Device, rates: () => PlayRates) {
  const { features, hidden, activation, loss, batchSize, seed } = task;
  const split = ({ inputs, targets }: PlaySamples): Split => ({ images: inputs, targets, labels: new Uint16Array(), n: targets.length });
  const dataset: Dataset = {
    name: 'points',
    shape: [features.length, 1, 1],
    classes: [],
    outputs: ['value'],
    dtype: 'float32',
    train: split(task.train),
    test: split(task.test),
  };
  const { layer } = await chosenModel(`mlp:hidden=${hidden.join('-') || 'none'},activation=${activation}`);
  const model = layer({ shape: dataset.shape, classes: 1 });
  const data = await openData(dataset);
  const trainer = await Trainer.create({
    device,
    data,
    model,
    batchSize,
    loss,
    seed,
    optimizer: optimizerOf(task, rates),
    schedule: rate(() => rates().lr),
  });
  return { model, data, trainer };
}

/** The rule with both penalties around it, whose rates are read at each step: none of them needs another program. */
function optimizerOf({ optimizer: name, rates: { lr, l2 } }: PlayTask, rates: () => PlayRates): Optimizer | QuasiNewton {
  if (Object.hasOwn(quasiNewtonMethods, name)) {
    return { ...quasiNewton(quasiNewtonMethods[name]!, { lr }), ...(l2 > 0 && { l2: { weight: l2, biases: false } }) };
  }
  const pulls: Piece = { ...weightDecay(0), values: (_, __, decay = 1) => ({ l2: rates().l2 * decay }) };
  const soft: Piece = { ...l1Proximal(0), values: (_, lr, decay = 1) => ({ threshold: lr * rates().l1 * decay }) };
  return optimizer(rules[name]!, { lr }, [pulls, soft], { decayBias: false });
}

function scoreOf(outputs: Float32Array, { targets }: PlaySamples, loss: PlayTask['loss']): PlayScore {
  let sum = 0;
  let right = 0;
  for (const [i, t] of targets.entries()) {
    const z = outputs[i]!;
    if (loss === 'mse') sum += (z - t) ** 2;
    else sum += Math.max(z, 0) - t * z + Math.log1p(Math.exp(-Math.abs(z)));
    if (z > 0 === t > 0.5) right++;
  }
  return { loss: sum / targets.length, accuracy: loss === 'mse' ? undefined : right / targets.length };
}
