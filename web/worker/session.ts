/** One run in its worker: training as asked, alone or with others, recovery of a lost device, and looks into the net. */
import { check, faultOf, say, words } from '../../engine/check.ts';
import { Turns } from '../../engine/turns.ts';
import type { ChangedValues } from '../../train/config/changes.ts';
import { ofOwnImages, withChange, type RunConfig } from '../../train/config/config.ts';
import { checkFeasible } from '../../train/config/feasible.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import type { Score } from '../../train/evaluate/score.ts';
import { advance, evaluation, loop, type LoopOptions } from '../../train/run/loop.ts';
import { HostLeft } from '../../train/distribute/channels/protocol.ts';
import { heldDataset } from '../data/held.ts';
import type { Dropped } from '../data/dropped.ts';
import { BuiltRun, readCheckpoint } from './built-run.ts';
import { CheckpointKeeper } from './checkpoint-keeper.ts';
import type { Inspector } from './inspector.ts';
import { earlyEnd, pacedOf } from './paced.ts';
import type { Identity, Stage, Together } from './together.ts';
import type { OpenOptions, RunEvent, RunFacts } from './protocol.ts';

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

/** Milliseconds after a failure within which the loss of a device is told. */
const LOSS_MS = 200;

export class Session {
  #emit: (event: RunEvent) => void;
  #run: BuiltRun;
  #running = false;
  /** The loop that trains, and before it the last one: a run that goes on at once may still be in it. */
  #loop: Promise<void> = Promise.resolve();
  /** Those whom it trains with. */
  #together: Together | undefined;
  #identity!: Identity;
  /** How to train with others: loaded for a run that may. */
  #others: typeof import('./together.ts') | undefined;
  #recovering = false;
  #opening: Promise<RunFacts> | undefined;
  #closed = false;
  /** Of a run that outlasts a reload. */
  #keeper: CheckpointKeeper | undefined;
  #turns = new Turns();

  constructor(emit: (event: RunEvent) => void) {
    this.#emit = emit;
    this.#run = new BuiltRun(emit, () => this.#recover());
  }

  get lost(): boolean {
    return Boolean(this.#run.device?.lost) || this.#recovering;
  }

  open(config: RunConfig, options: OpenOptions, dropped: Dropped): Promise<RunFacts> {
    return (this.#opening = this.#open(config, options, dropped));
  }

  async #open(asked: RunConfig, options: OpenOptions, dropped: Dropped): Promise<RunFacts> {
    const begun = performance.now();
    const { kept, branch } = options;
    const config = branch ? withChange(asked, (await readCheckpoint(branch.file)).state.counters.steps, branch.values) : asked;
    const recipe = recipeOf(Object.hasOwn(dropped.folders, config.dataset) ? ofOwnImages(config) : config);
    checkFeasible(recipe);
    if (recipe.distribute) (this.#others = await import('./together.ts')).checkTogether(recipe);
    const run = this.#run;
    run.recipe = recipe;
    run.options = options;
    run.dataset = await heldDataset(config, dropped, options.base, (done, of) =>
      this.#building(`Loading ${config.dataset}: ${mib(done)} of ${mib(of)} MiB …`),
    );
    run.clipBatch();
    this.#keeper = kept && new CheckpointKeeper(kept.id, this.#emit);
    const file = branch?.file ?? (kept?.resumes ? await this.#keeper!.kept() : undefined);
    check(!kept?.resumes || file, 'resume: the browser has kept no checkpoint of this run', 'press Use and Start to train it anew');
    this.#goOn();
    this.#building('Compiling the programs …');
    await run.build();
    this.#goOn();
    if (file) await run.resume(file);
    if (file === undefined || branch) await this.#save();
    const { facts } = run;
    if (run.recipe.distribute) {
      const { digestOf } = await import('../data/digest.ts');
      this.#identity = { adapter: facts.adapter, digest: await digestOf(run.dataset) };
      this.#together = this.#others!.hosting(this.#identity, (who, own) => this.#emit({ kind: 'who', who, own }));
    }
    this.#atRest();
    return { ...facts, seconds: (performance.now() - begun) / 1000 };
  }

  /** Ends what goes on, and gives back what the run holds; others who train with it go on without. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#running = false;
    this.#part();
    await this.#opening?.catch(() => undefined);
    await this.#turns.take(() => this.#run.destroy());
    await this.#keeper?.close();
  }

  /** Throws where the run is closed. */
  #goOn(): void {
    check(!this.#closed, 'the run was closed', 'start it again');
  }

  play(): void {
    check(this.#run.isBuilt, 'play: the run is not built yet', 'wait until it is');
    if (this.#running) return;
    check(this.#run.trainer.steps < this.#run.total, `play: all ${this.#run.total} steps are done`, 'give more epochs, or reset');
    this.#running = true;
    this.#run.tellState('running');
    this.#loop = Promise.all([this.#loop, this.#turns.done]).then(() => this.#fit()); // a reset may still make the net that it trains
  }

  async pause(): Promise<void> {
    this.#running = false;
    this.#together?.stop();
    await (this.#together ? this.#loop : this.#turns.take(() => this.#save())); // a group that ends has kept what there is
    this.#atRest();
  }

  async stepOnce(): Promise<void> {
    check(!this.#running, 'step: the run is going on', 'pause it first');
    this.#apart('step');
    await this.#turns.take(() => advance(this.#run.trainer, this.#fitting(), true));
    this.#atRest();
  }

  async extend(epochs: number): Promise<RunFacts> {
    this.#apart('more epochs');
    check(!this.#running, 'more epochs: the run is going on', 'wait until it is done');
    await this.#turns.take(async () => {
      await this.#save();
      await this.#run.extend(epochs);
    });
    this.#atRest();
    return { ...this.#run.facts, seconds: 0 };
  }

  async change(values: ChangedValues): Promise<RunFacts> {
    this.#apart('changes');
    await this.#settled(async () => {
      await this.#run.change(values);
      await this.#save();
    });
    if (this.#running) this.#run.tellState('running');
    else this.#atRest();
    return { ...this.#run.facts, seconds: 0 };
  }

  checkpoint(): Promise<Uint8Array> {
    this.#apart('a branch');
    return this.#settled(async () => {
      await this.#save();
      return this.#run.file();
    });
  }

  async reset(): Promise<void> {
    this.#apart('reset');
    this.#running = false;
    await this.#turns.take(async () => {
      await this.#run.reset();
      await this.#save();
    });
    this.#atRest();
  }

  evaluate(part: 'val' | 'test'): Promise<Score> {
    return this.#settled(async () => {
      const line = await evaluation(this.#run.trainer, part);
      this.#run.tellLines([line]);
      return line;
    });
  }

  exportWeights(averaged: boolean): Promise<Uint8Array> {
    return this.#settled(() => this.#run.exportWeights(averaged));
  }

  importWeights(bytes: Uint8Array, name: string): Promise<void> {
    this.#apart(name);
    return this.#settled(async () => {
      await this.#run.importWeights(bytes, name);
      await this.#save();
    });
  }

  /** What the inspector says of the net, between two steps. */
  inspect<T>(ask: (net: Inspector) => T | Promise<T>): Promise<T> {
    return this.#settled(async () => ask(await this.#run.inspector()));
  }

  async loseDevice(): Promise<void> {
    this.#run.device!.gpu.destroy();
    await this.#run.device!.gpu.lost;
  }

  admit(id: number, port: MessagePort): void {
    check(this.#together, 'share: this run is trained alone', 'start one that is shared');
    this.#together.admit(id, port);
  }

  join(port: MessagePort): void {
    const host = this.#together?.party;
    this.#together = this.#others!.joined(port, this.#identity, (who, own) => {
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
    const left = this.#goAlone(isHost ? 'it is shared no more' : 'this tab has left the others', going);
    party.leave();
    await left;
    if (going) this.play();
  }

  #building(text: string): void {
    this.#emit({ kind: 'building', text });
  }

  /** Says where the run stands, unless it goes on again since. */
  #atRest(): void {
    if (!this.#running) this.#run.tellState(this.#run.trainer.steps < this.#run.total ? 'paused' : 'done');
  }

  /** Throws where others train with this run. */
  #apart(who: string): void {
    check(!this.#together, `${who}: others train with this run`, 'leave them first');
  }

  /** Alone from now on, at the checkpoint at hand; the words are those for a run that `trains` on from there, or rests. */
  async #goAlone(why: string, trains = false): Promise<void> {
    this.#together = undefined;
    this.#run.part();
    await this.#turns.take(() => this.#run.reopen(undefined));
    const goesOn = trains ? 'it' : 'Resume';
    this.#run.tellState('paused', `${why}; the weights of step ${this.#run.trainer.steps} stay here, and ${goesOn} goes on alone`);
  }

  #stage(): Stage {
    const run = this.#run;
    return {
      recipe: run.recipe,
      opened: () => run.opened,
      isRunning: () => this.#running,
      alone: work => this.#turns.take(work),
      open: (exchange, file) => run.reopen(exchange, file),
      state: () => run.checkpoint.state,
      file: () => run.file(),
      fitting: () => this.#fitting(),
      save: () => this.#save(),
    };
  }

  /** Alone, between two steps, their metrics told: what reads from the device would swallow them. */
  #settled<T>(work: () => T | Promise<T>): Promise<T> {
    return this.#turns.take(async () => {
      this.#run.tellLines(await this.#run.trainer.settle());
      return work();
    });
  }

  #fitting(): LoopOptions {
    return {
      ...pacedOf(this.#run),
      turn: work =>
        this.#turns.take(async () => {
          if (this.#running) await work();
          return this.#running;
        }),
      onCheckpoint: () => this.#save(),
    };
  }

  async #fit(): Promise<void> {
    if (!this.#running) return; // the loop before went on to the end
    try {
      const ended = await (this.#together ? this.#together.fit(this.#stage()) : loop(this.#run.trainer, this.#fitting()));
      if (ended === 'stopped') return;
      this.#running = false;
      this.#part();
      if (ended === 'early') await this.#turns.take(() => this.#save());
      this.#run.tellState('done', ended === 'early' ? earlyEnd(this.#run) : undefined);
    } catch (error) {
      if (this.lost || this.#closed || (await this.#isLosing())) return; // #recover goes on, or nobody does
      this.#running = false;
      if (error instanceof HostLeft) return this.#goAlone(words(error.problem));
      this.#part();
      this.#run.tellState('failed', faultOf(error));
    }
  }

  /** Whether the device is lost now: what was under way on it may fail before that is told. */
  #isLosing(): Promise<boolean> {
    const told = this.#run.device!.gpu.lost.then(() => true);
    return Promise.race([told, new Promise<boolean>(done => setTimeout(done, LOSS_MS, false))]);
  }

  /** The others have no part in this run any more. */
  #part(): void {
    const { party } = this.#together ?? {};
    this.#together = undefined;
    this.#run.part();
    party?.leave();
  }

  async #save(): Promise<void> {
    const run = this.#run;
    await run.save(async state => (await this.#together?.withRanks(state)) ?? state);
    this.#keeper?.keep(() => run.file(), this.#running && run.trainer.steps < run.total);
  }

  /** A new device, the same programs, the last checkpoint; training goes on if it was going on. */
  async #recover(): Promise<void> {
    if (this.#closed) return;
    const going = this.#running;
    const reason = words(this.#run.device!.lost?.problem ?? 'the device was lost');
    this.#recovering = true;
    this.#running = false;
    this.#run.tellState('building', `${reason}; opening it again from the checkpoint at step ${this.#run.checkpoint.state.counters.steps}`);
    await this.#turns.done;
    try {
      await this.#turns.take(async () => {
        await this.#run.rebuild();
      });
      this.#recovering = false;
      this.#run.tellState('paused', `${reason}; the run goes on from its last checkpoint, step ${this.#run.trainer.steps}`);
      if (going) this.play();
    } catch (error) {
      this.#recovering = false;
      const { problem } = faultOf(error);
      this.#run.tellState('failed', { problem: say`${reason}, and it does not open again (${problem})`, advice: ['reload the page'] });
    }
  }
}
