/** The trainer of a run on its device, and the checkpoint in memory from which both are made again. */
import type { Dataset } from '../../datasets/dataset.ts';
import { check, type Fault } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import type { ChangedValues } from '../../train/config/changes.ts';
import { withChange } from '../../train/config/config.ts';
import type { Recipe } from '../../train/config/recipe.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { heldOut, partsOf } from '../../train/data/split.ts';
import type { Exchange } from '../../train/distribute/exchange.ts';
import { encodeCheckpoint } from '../../train/fit/checkpoint.ts';
import type { LoopState } from '../../train/run/loop.ts';
import { openTrainer, type Opened } from '../../train/run/open.ts';
import { encodeSafetensors, type Tensors } from '../../train/run/safetensors.ts';
import type { MetricsLine } from '../../train/step/metrics.ts';
import type { TrainerState } from '../../train/step/state.ts';
import { batchFor } from '../data/batch-size.ts';
import type { Inspector } from './inspector.ts';
import type { OpenOptions, RunEvent, RunFacts, RunState } from './protocol.ts';
import { leaveDevice, runDevice, type DeviceUser } from './run-device.ts';

interface Checkpoint {
  readonly weights: Tensors;
  readonly state: TrainerState;
}

/** A checkpoint of a file, from which few runs go on. */
export const readCheckpoint = async (file: Uint8Array) => (await import('../../train/fit/read-checkpoint.ts')).decodeCheckpoint(file);

export class BuiltRun {
  recipe!: Recipe;
  options!: OpenOptions;
  dataset!: Dataset;
  device: Device | undefined;
  checkpoint!: Checkpoint;
  fitted: LoopState = { evaluated: [] };
  #opened: Opened | undefined;
  /** Says that the batch is smaller than usual. */
  #clipped: string | undefined;
  #inspector: Promise<Inspector> | undefined;
  #emit: (event: RunEvent) => void;
  #user: DeviceUser;

  /** `lost` is called where the device of the run is lost. */
  constructor(emit: (event: RunEvent) => void, lost: () => Promise<void>) {
    this.#emit = emit;
    this.#user = {
      lost: device => {
        if (this.device === device) void lost();
      },
      timing: (calls, device) => {
        if (!this.#opened)
          this.tellState('building', `the first use of ${device.report.description}: ${calls} kernel calls are timed, once`);
      },
    };
  }

  get isBuilt(): boolean {
    return this.#opened !== undefined;
  }

  get opened(): Opened {
    check(this.#opened, 'the run is not built', 'start it again');
    return this.#opened;
  }

  get trainer() {
    return this.opened.trainer;
  }

  /** Steps in all. */
  get total(): number {
    return this.opened.total;
  }

  get facts(): Omit<RunFacts, 'seconds'> {
    const { trainer, data, parameters } = this.opened;
    const { description: adapter, software } = this.device!.report;
    const { shape, classes, outputs } = this.dataset;
    const { peak, unchecked, slowdown } = trainer.program.plan;
    return {
      adapter,
      software,
      parameters,
      shape,
      classes,
      ...(outputs && { outputs }),
      dispatches: trainer.program.commands.length,
      bytes: trainer.memory.bytes,
      ...(unchecked !== undefined && slowdown !== undefined && { recomputes: { kept: peak, without: unchecked, slowdown } }),
      stepsPerEpoch: trainer.stepsPerEpoch,
      total: this.opened.total,
      batchSize: this.recipe.batchSize,
      averages: trainer.averages,
      changes: this.recipe.config.changes,
      images: { train: data.parts.train.n, val: data.parts.val.n, test: data.parts.test.n },
    };
  }

  /** Looks into the net, by code that is loaded when it is first asked for. */
  inspector(): Promise<Inspector> {
    const { opened, dataset } = this;
    return (this.#inspector ??= import('./inspector.ts').then(({ Inspector }) => new Inspector(opened, dataset)));
  }

  tellState(state: RunState, message?: string | Fault): void {
    this.#emit({ kind: 'state', state, step: this.#opened?.trainer.steps ?? 0, message });
  }

  tellLines(lines: readonly MetricsLine[]): void {
    if (lines.length) this.#emit({ kind: 'metrics', lines });
  }

  /** Where nobody asked for a batch, and there are fewer images than in the usual one, it is one of which an epoch has several. */
  clipBatch(): void {
    const { recipe, dataset } = this;
    const { n } = partsOf(dataset, heldOut(recipe)).train;
    const batchSize = batchFor(recipe.batchSize, n);
    if (batchSize === recipe.batchSize) return;
    this.#clipped = `a batch is ${batchSize} images in place of ${recipe.batchSize}, as there are ${n} to train on`;
    this.recipe = { ...recipe, batchSize, config: { ...recipe.config, batchSize } };
  }

  /** Builds the run on the device of its worker. */
  async build(): Promise<void> {
    this.device = await runDevice(this.options, this.#user);
    await this.#open();
  }

  /** Frees all that the run holds. */
  async destroy(): Promise<void> {
    leaveDevice(this.#user);
    await this.#freeNet();
    this.#opened = undefined;
  }

  async #freeNet(): Promise<void> {
    (await this.#inspector)?.destroy();
    this.#inspector = undefined;
    this.#opened?.trainer.destroy();
  }

  /** Builds the run again on a new device, as the checkpoint at hand has it. */
  async rebuild(): Promise<void> {
    const before = this.fitted;
    await this.#freeNet();
    await this.build();
    await this.#restore(before);
  }

  /** Builds the run anew as one of some ranks, as the checkpoint at hand has it, or the file that is given. */
  async reopen(exchange: Exchange | undefined, file?: Uint8Array<ArrayBuffer>): Promise<void> {
    const given = file && (await readCheckpoint(file));
    if (given) this.checkpoint = given;
    const before = given?.fitted ?? this.fitted;
    await this.#freeNet();
    await this.#open(exchange);
    await this.#restore(before);
  }

  /** Goes on from a checkpoint of the same run. */
  async resume(file: Uint8Array): Promise<void> {
    const given = await readCheckpoint(file);
    this.checkpoint = given;
    await this.#restore(given.fitted);
  }

  /** Builds the run anew, to be trained for so many epochs in all. What it stopped early for counts from now on. */
  async extend(epochs: number): Promise<void> {
    const { recipe, trainer } = this;
    const steps = recipe.steps === undefined ? undefined : recipe.steps + (epochs - recipe.epochs) * trainer.stepsPerEpoch;
    const longer = { epochs, ...(steps !== undefined && { steps }) };
    this.recipe = { ...recipe, ...longer, config: { ...recipe.config, ...longer } };
    this.fitted = { evaluated: [] };
    await this.reopen(undefined);
  }

  /** Has something otherwise from the next step on. */
  async change(values: ChangedValues): Promise<void> {
    const { recipe, opened } = this;
    const { changes, config } = recipeOf(withChange(recipe.config, opened.trainer.steps, values));
    const changed = { ...recipe, changes, config: { ...recipe.config, changes: config.changes } };
    await opened.change(changed);
    this.recipe = changed;
  }

  /** Builds the run anew with its first weights. */
  async reset(): Promise<void> {
    await this.trainer.settle();
    await this.#freeNet();
    await this.#open();
    this.#emit({ kind: 'rewind', step: 0, message: 'back at the first weights' });
  }

  /** Keeps a checkpoint; `whole` adds to the trainer's state what is held beside it. */
  async save(whole: (state: TrainerState) => Promise<TrainerState>): Promise<void> {
    this.tellLines(await this.trainer.settle());
    const state = await this.trainer.state();
    this.checkpoint = { weights: await this.trainer.weights(), state: await whole(state) };
  }

  /** The checkpoint at hand, as a file. */
  file(): Uint8Array<ArrayBuffer> {
    const { metadata, data } = this.opened;
    const images = data.dataset.train.n;
    return encodeCheckpoint({ ...this.checkpoint, fitted: this.fitted, config: this.recipe.config, images }, metadata);
  }

  /** From now on it is no rank of several. */
  part(): void {
    this.recipe = { ...this.recipe, distribute: undefined };
  }

  async exportWeights(averaged: boolean): Promise<Uint8Array> {
    const weights = await (averaged ? this.trainer.evaluatedWeights() : this.trainer.keptWeights());
    return encodeSafetensors(weights, { ...this.opened.metadata, step: String(this.trainer.steps) });
  }

  async importWeights(bytes: Uint8Array, name: string): Promise<void> {
    const { decodeSafetensors } = await import('../../train/run/read-safetensors.ts');
    const {
      tensors,
      metadata: { model },
    } = decodeSafetensors(bytes, name);
    const own = this.recipe.config.model;
    check(
      model === undefined || model === own,
      `${name}: is a checkpoint of ${model}, this run is of ${own}`,
      `start a run of ${model} and import it there`,
    );
    await this.trainer.loadWeights(tensors);
  }

  /** Where the run is one of several ranks it begins as the only one. */
  async #open(given?: Exchange): Promise<void> {
    this.fitted = { evaluated: [] };
    const exchange = given ?? (this.recipe.distribute && (await import('../../train/distribute/alone.ts')).alone());
    this.#opened = await openTrainer(this.recipe, this.dataset, this.device!, { exchange, evaluatesAlone: true });
    this.recipe = this.#opened.recipe;
    const notes = [this.#clipped, this.#opened.note, ...(this.dataset.notes ?? [])].filter(note => note !== undefined);
    this.#emit({ kind: 'note', text: notes.length ? notes.join('; ') : undefined });
  }

  async #restore(before: LoopState): Promise<void> {
    await this.trainer.loadWeights(this.checkpoint.weights);
    await this.trainer.loadState(this.checkpoint.state);
    this.fitted = { ...before, evaluated: before.evaluated.filter(l => l.step <= this.trainer.steps) };
    for (const { loss } of this.fitted.evaluated) this.trainer.observe(loss);
    this.#emit({ kind: 'rewind', step: this.trainer.steps, message: `back at step ${this.trainer.steps}` });
  }
}
