/** One run in its worker: training as asked, checkpoints in memory, recovery of a lost device, and looks into the net. */
import type { Dataset } from '../../datasets/dataset.ts';
import { check, faultOf, say, words, type Fault } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import { openDevice } from '../../engine/open.ts';
import { ofOwnImages, type RunConfig } from '../../train/config/config.ts';
import { checkFeasible } from '../../train/config/feasible.ts';
import type { Recipe } from '../../train/config/recipe.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import type { Score } from '../../train/evaluate/score.ts';
import { advance, evaluation, loop, type LoopOptions, type LoopState } from '../../train/run/loop.ts';
import { bestOf, type MetricsLine } from '../../train/step/metrics.ts';
import { openTrainer, type Opened } from '../../train/run/open.ts';
import { decodeSafetensors, encodeSafetensors, type Tensors } from '../../train/run/safetensors.ts';
import type { TrainerState } from '../../train/step/state.ts';
import { openDataset } from '../data/data.ts';
import type { Dropped } from '../data/dropped.ts';
import { Inspector } from './inspector.ts';
import type { OpenOptions, RunEvent, RunFacts, RunState } from './protocol.ts';

interface Checkpoint {
  readonly weights: Tensors;
  readonly state: TrainerState;
}

/** Milliseconds between checkpoints while it trains without evaluations. */
const CHECKPOINT_AFTER = 15_000;

export class Session {
  #emit: (event: RunEvent) => void;
  #recipe!: Recipe;
  #options!: OpenOptions;
  #dataset!: Dataset;
  #device: Device | undefined;
  #opened: Opened | undefined;
  #inspector: Inspector | undefined;
  #checkpoint!: Checkpoint;
  #fitted: LoopState = { evaluated: [] };
  #running = false;
  /** The loop that trains, and before it the last one: a run that goes on at once may still be in it. */
  #loop: Promise<void> = Promise.resolve();
  #recovering = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(emit: (event: RunEvent) => void) {
    this.#emit = emit;
  }

  get lost(): boolean {
    return Boolean(this.#device?.lost) || this.#recovering;
  }

  async open(config: RunConfig, options: OpenOptions, dropped: Dropped): Promise<RunFacts> {
    const begun = performance.now();
    this.#recipe = recipeOf(Object.hasOwn(dropped.folders, config.dataset) ? ofOwnImages(config) : config);
    checkFeasible(this.#recipe);
    this.#options = options;
    this.#dataset = await openDataset(config, dropped, options.base, options.noise);
    await this.#build();
    const { trainer, data, parameters } = this.#opened!;
    const { description: adapter, software } = this.#device!.report;
    const { shape, classes, outputs } = this.#dataset;
    this.#checkpoint = { weights: await trainer.weights(), state: await trainer.state() };
    this.#state('paused');
    return {
      adapter,
      software,
      parameters,
      shape,
      classes,
      ...(outputs && { outputs }),
      dispatches: trainer.program.commands.length,
      bytes: trainer.memory.bytes,
      stepsPerEpoch: trainer.stepsPerEpoch,
      averages: trainer.averages,
      images: { train: data.parts.train.n, val: data.parts.val.n, test: data.parts.test.n },
      seconds: (performance.now() - begun) / 1000,
    };
  }

  play(): void {
    check(this.#opened, 'play: the run is not built yet', 'wait until it is');
    if (this.#running) return;
    check(this.#trainer.steps < this.#total, `play: all ${this.#total} steps are done`, 'give more epochs, or reset');
    this.#running = true;
    this.#state('running');
    this.#loop = this.#loop.then(() => this.#fit());
  }

  async pause(): Promise<void> {
    this.#running = false;
    await this.#alone(() => this.#save());
    this.#atRest();
  }

  async stepOnce(): Promise<void> {
    check(!this.#running, 'step: the run is going on', 'pause it first');
    await this.#alone(() => advance(this.#trainer, this.#fitting(), true));
    this.#atRest();
  }

  async reset(): Promise<void> {
    this.#running = false;
    await this.#alone(async () => {
      await this.#trainer.settle();
      this.#trainer.destroy();
      await this.#open();
      this.#emit({ kind: 'rewind', step: 0, message: 'back at the first weights' });
      await this.#save();
    });
    this.#atRest();
  }

  evaluate(part: 'val' | 'test'): Promise<Score> {
    return this.#settled(async () => {
      const line = await evaluation(this.#trainer, part);
      this.#lines([line]);
      return line;
    });
  }

  exportWeights(averaged: boolean): Promise<Uint8Array> {
    return this.#settled(async () => {
      const weights = await (averaged ? this.#trainer.evaluatedWeights() : this.#trainer.keptWeights());
      return encodeSafetensors(weights, { ...this.#opened!.metadata, step: String(this.#trainer.steps) });
    });
  }

  importWeights(bytes: Uint8Array, name: string): Promise<void> {
    return this.#settled(async () => {
      const {
        tensors,
        metadata: { model },
      } = decodeSafetensors(bytes, name);
      check(
        model === undefined || model === this.#recipe.config.model,
        `${name}: is a checkpoint of ${model}, this run is of ${this.#recipe.config.model}`,
        `start a run of ${model} and import it there`,
      );
      await this.#trainer.loadWeights(tensors);
      await this.#save();
    });
  }

  /** What the inspector says of the net, between two steps. */
  inspect<T>(ask: (net: Inspector) => T | Promise<T>): Promise<T> {
    return this.#settled(() => ask(this.#inspector!));
  }

  async loseDevice(): Promise<void> {
    this.#device!.gpu.destroy();
    await this.#device!.gpu.lost;
  }

  get #trainer() {
    check(this.#opened, 'the run is not built', 'start it again');
    return this.#opened.trainer;
  }

  get #total(): number {
    return this.#opened!.total;
  }

  #state(state: RunState, message?: string | Fault): void {
    this.#emit({ kind: 'state', state, step: this.#opened?.trainer.steps ?? 0, message });
  }

  /** Says where the run stands, unless it goes on again since. */
  #atRest(): void {
    if (!this.#running) this.#state(this.#trainer.steps < this.#total ? 'paused' : 'done');
  }

  #lines(lines: readonly MetricsLine[]): void {
    if (lines.length) this.#emit({ kind: 'metrics', lines });
  }

  /** One at a time: the programs of a run share their slots. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Alone, between two steps, their metrics told: what reads from the device would swallow them. */
  #settled<T>(work: () => T | Promise<T>): Promise<T> {
    return this.#alone(async () => {
      this.#lines(await this.#trainer.settle());
      return work();
    });
  }

  async #build(): Promise<void> {
    const { maxBinding, tune } = this.#options;
    const device: Device = (this.#device = await openDevice({
      tune: tune || undefined,
      profile: maxBinding === undefined ? {} : { maxBinding },
      onTune: (done, total) => {
        if (done > 0) return;
        this.#state('building', `the first use of ${device.report.description}: ${total} kernel calls are timed, once`);
      },
    }));
    await this.#open();
    void device.gpu.lost.then(() => {
      if (this.#device === device) return this.#recover();
    });
  }

  async #open(): Promise<void> {
    this.#fitted = { evaluated: [] };
    this.#opened = await openTrainer(this.#recipe, this.#dataset, this.#device!);
    this.#recipe = this.#opened.recipe;
    this.#inspector = new Inspector(this.#opened, this.#dataset);
    const notes = [this.#opened.note, ...(this.#dataset.notes ?? [])].filter(note => note !== undefined);
    this.#emit({ kind: 'note', text: notes.length ? notes.join('; ') : undefined });
  }

  #fitting(): LoopOptions {
    const { logEvery, valSplit, earlyStop } = this.#recipe;
    return {
      total: this.#total,
      logEvery,
      earlyStop,
      validate: valSplit > 0,
      evalEvery: this.#options.evalEvery,
      state: this.#fitted,
      turn: work =>
        this.#alone(async () => {
          if (this.#running) await work();
          return this.#running;
        }),
      checkpointAfter: CHECKPOINT_AFTER,
      onMetrics: line => this.#lines([line]),
      onEvaluation: line => this.#lines([line]),
      onCheckpoint: () => this.#save(),
    };
  }

  async #fit(): Promise<void> {
    if (!this.#running) return; // the loop before went on to the end
    try {
      const ended = await loop(this.#trainer, this.#fitting());
      if (ended === 'stopped') return;
      this.#running = false;
      if (ended === 'early') await this.#alone(() => this.#save());
      this.#state('done', ended === 'early' ? this.#early() : undefined);
    } catch (error) {
      if (this.lost) return; // #recover goes on
      this.#running = false;
      this.#state('failed', faultOf(error));
    }
  }

  #early(): string {
    const { watched, patience } = this.#recipe.earlyStop!;
    return (
      `stopped early, ${patience} epoch${patience === 1 ? '' : 's'} without a better validation ${watched}; ` +
      `the best weights, of step ${bestOf(this.#fitted.evaluated, watched)!.step}, are back`
    );
  }

  async #save(): Promise<void> {
    this.#lines(await this.#trainer.settle());
    this.#checkpoint = { weights: await this.#trainer.weights(), state: await this.#trainer.state() };
  }

  async #restore(before: LoopState): Promise<void> {
    await this.#trainer.loadWeights(this.#checkpoint.weights);
    await this.#trainer.loadState(this.#checkpoint.state);
    this.#fitted = { ...before, evaluated: before.evaluated.filter(l => l.step <= this.#trainer.steps) };
    for (const { loss } of this.#fitted.evaluated) this.#trainer.observe(loss);
    this.#emit({ kind: 'rewind', step: this.#trainer.steps, message: `back at step ${this.#trainer.steps}` });
  }

  /** A new device, the same programs, the last checkpoint; training goes on if it was going on. */
  async #recover(): Promise<void> {
    const going = this.#running;
    const reason = words(this.#device!.lost?.problem ?? 'the device was lost');
    this.#recovering = true;
    this.#running = false;
    this.#state('building', `${reason}; opening it again from the checkpoint at step ${this.#checkpoint.state.counters.steps}`);
    await this.#last;
    try {
      await this.#alone(async () => {
        const before = this.#fitted;
        await this.#build();
        await this.#restore(before);
      });
      this.#recovering = false;
      this.#state('paused', `${reason}; the run goes on from its last checkpoint, step ${this.#trainer.steps}`);
      if (going) this.play();
    } catch (error) {
      this.#recovering = false;
      const { problem } = faultOf(error);
      this.#state('failed', { problem: say`${reason}, and it does not open again (${problem})`, advice: ['reload the page'] });
    }
  }
}
