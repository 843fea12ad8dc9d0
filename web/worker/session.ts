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
import { decodeCheckpoint, encodeCheckpoint } from '../../train/fit/checkpoint.ts';
import { alone } from '../../train/distribute/alone.ts';
import type { Exchange } from '../../train/distribute/exchange.ts';
import { HostLeft } from '../../train/distribute/channels/protocol.ts';
import { decodeSafetensors, encodeSafetensors, type Tensors } from '../../train/run/safetensors.ts';
import type { TrainerState } from '../../train/step/state.ts';
import { openDataset } from '../data/data.ts';
import { digestOf } from '../data/digest.ts';
import type { Dropped } from '../data/dropped.ts';
import { Inspector } from './inspector.ts';
import { checkTogether, hosting, joined, type Identity, type Stage, type Together } from './together.ts';
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
  /** Those whom it trains with. */
  #together: Together | undefined;
  #identity!: Identity;
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
    checkTogether(this.#recipe);
    this.#options = options;
    this.#dataset = await openDataset(config, dropped, options.base, options.noise);
    await this.#build();
    const { trainer, data, parameters } = this.#opened!;
    const { description: adapter, software } = this.#device!.report;
    const { shape, classes, outputs } = this.#dataset;
    this.#checkpoint = { weights: await trainer.weights(), state: await trainer.state() };
    if (this.#recipe.distribute) {
      this.#identity = { adapter, digest: await digestOf(this.#dataset) };
      this.#together = hosting(this.#identity, (who, own) => this.#emit({ kind: 'who', who, own }));
    }
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
    this.#together?.stop();
    await (this.#together ? this.#loop : this.#alone(() => this.#save())); // a group that ends has kept what there is
    this.#atRest();
  }

  async stepOnce(): Promise<void> {
    check(!this.#running, 'step: the run is going on', 'pause it first');
    this.#apart('step');
    await this.#alone(() => advance(this.#trainer, this.#fitting(), true));
    this.#atRest();
  }

  async reset(): Promise<void> {
    this.#apart('reset');
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
    this.#apart(name);
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

  admit(id: number, port: MessagePort): void {
    check(this.#together, 'share: this run is trained alone', 'start one that is shared');
    this.#together.admit(id, port);
  }

  join(port: MessagePort): void {
    const host = this.#together?.party;
    this.#together = joined(port, this.#identity, (who, own) => {
      this.#emit({ kind: 'who', who, own });
      if (!who.length && !this.#running && this.#together) void this.#goAlone('the host is gone');
    });
    host?.leave();
  }

  async leave(): Promise<void> {
    if (!this.#together) return;
    const { party, isHost } = this.#together;
    const going = this.#running;
    await this.pause();
    const left = this.#goAlone(isHost ? 'it is shared no more' : 'this tab has left the others');
    party.leave();
    await left;
    if (going) this.play();
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

  /** Throws where others train with this run. */
  #apart(who: string): void {
    check(!this.#together, `${who}: others train with this run`, 'leave them first');
  }

  /** Trains alone from now on, from the checkpoint at hand. */
  async #goAlone(why: string): Promise<void> {
    this.#together = undefined;
    this.#recipe = { ...this.#recipe, distribute: undefined };
    await this.#alone(() => this.#reopen(undefined));
    this.#state('paused', `${why}; the weights of step ${this.#trainer.steps} stay here, and Resume goes on alone`);
  }

  /** Builds the run anew as one of some ranks, as the checkpoint at hand has it, or the file that is given. */
  async #reopen(exchange: Exchange | undefined, file?: Uint8Array<ArrayBuffer>): Promise<void> {
    const given = file && decodeCheckpoint(file);
    if (given) this.#checkpoint = given;
    const before = given?.fitted ?? this.#fitted;
    this.#trainer.destroy();
    await this.#open(exchange);
    await this.#restore(before);
  }

  #stage(): Stage {
    return {
      recipe: this.#recipe,
      opened: () => this.#opened!,
      isRunning: () => this.#running,
      alone: work => this.#alone(work),
      open: (exchange, file) => this.#reopen(exchange, file),
      state: () => this.#checkpoint.state,
      file: () => encodeCheckpoint({ ...this.#checkpoint, fitted: this.#fitted, config: this.#recipe.config }, this.#opened!.metadata),
      fitting: () => this.#fitting(),
      save: () => this.#save(),
    };
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

  /** Where the run is one of several ranks it begins as the only one. */
  async #open(exchange = this.#recipe.distribute && alone()): Promise<void> {
    this.#fitted = { evaluated: [] };
    this.#opened = await openTrainer(this.#recipe, this.#dataset, this.#device!, { exchange, evaluatesAlone: true });
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
      const ended = await (this.#together ? this.#together.fit(this.#stage()) : loop(this.#trainer, this.#fitting()));
      if (ended === 'stopped') return;
      this.#running = false;
      this.#part();
      if (ended === 'early') await this.#alone(() => this.#save());
      this.#state('done', ended === 'early' ? this.#early() : undefined);
    } catch (error) {
      if (this.lost) return; // #recover goes on
      this.#running = false;
      if (error instanceof HostLeft) return this.#goAlone(words(error.problem));
      this.#part();
      this.#state('failed', faultOf(error));
    }
  }

  /** The others have no part in this run any more. */
  #part(): void {
    const { party } = this.#together ?? {};
    this.#together = undefined;
    this.#recipe = { ...this.#recipe, distribute: undefined };
    party?.leave();
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
    const state = await this.#trainer.state();
    this.#checkpoint = { weights: await this.#trainer.weights(), state: (await this.#together?.withRanks(state)) ?? state };
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
