/** The runs of this tab: which there are and which is selected, how they begin, come back and go. */
import { check } from '../../../engine/check.ts';
import type { ChangedValues } from '../../../train/config/changes.ts';
import type { RunConfig } from '../../../train/config/config.ts';
import type { Dropped } from '../../data/dropped.ts';
import { keptCheckpoint } from '../../data/kept.ts';
import type { Shared } from '../../together/greeting.ts';
import type { OpenOptions } from '../../worker/protocol.ts';
import { COLOURS } from '../colours.ts';
import { announce, Run } from '../runs.ts';
import { RunKeeper, type Recalled } from './run-keeper.ts';

/** Milliseconds in which a run that was removed can be brought back. */
const PATIENCE = 20_000;

/** How a run begins. */
interface Beginning {
  /** Done once it is built. */
  readonly ready?: ((run: Run) => Promise<void>) | undefined;
  /** Whether it plays then; so it is unless this is false. */
  readonly plays?: boolean;
  /** The checkpoint that it begins from, what changes there, and the number of the run that this is of. */
  readonly branch?: OpenOptions['branch'] & { readonly from: number };
}

/** A run that was removed, and what it takes to bring it back. */
interface Removed {
  readonly run: Run;
  readonly place: number;
  readonly wasSelected: boolean;
  readonly going: boolean;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class RunSet {
  readonly runs: Run[] = [];
  selected: Run | undefined;
  #keeper = new RunKeeper();
  #dropped: Dropped;
  #changed: (run?: Run, isState?: boolean) => void;
  #next = 0;
  #removed: Removed | undefined;

  /** `changed` is told which run has changed, and whether in its state; of none where runs have come, gone, or are shown otherwise. */
  constructor(dropped: Dropped, changed: (run?: Run, isState?: boolean) => void) {
    this.#dropped = dropped;
    this.#changed = changed;
  }

  /** A new run that plays unless `plays` is false, once it is built and `ready` is done; undefined where it is removed before. */
  async begin({ config, evalEvery }: Shared, beside: boolean, { ready, plays = true, branch }: Beginning = {}): Promise<Run | undefined> {
    const before = beside || this.selected?.state === 'loaded' || this.selected?.state === 'kept' ? undefined : this.selected;
    const going = before?.state === 'running';
    const run = this.#make(config);
    this.runs.push(run);
    this.selected = run;
    this.#changed();
    try {
      if (going) await before!.engine.call('pause');
      const curvesOnly = config.distribute !== undefined; // its net is that of all who train together
      const id = await this.#keeper.add(run, { evalEvery, curvesOnly });
      check(this.runs.includes(run), 'the run was closed', 'start it again');
      await run.open({ evalEvery, kept: id === undefined || curvesOnly ? undefined : { id, resumes: false }, branch }, this.#dropped);
      if (branch) run.branched = { from: branch.from, step: run.step };
      await ready?.(run);
    } catch (error) {
      // what was there stays
      const removed = !this.runs.includes(run); // by its button, while it was being built
      this.#forget(run);
      if (before) this.selected = before;
      if (going) void before!.engine.call('play');
      if (removed) return undefined;
      throw error;
    }
    if (before && this.runs.includes(before)) this.remove(before);
    this.#announce();
    if (plays && run.step < run.facts!.total) await run.engine.call('play');
    return run;
  }

  /** A new run beside another, from its present weights and states, or from its last checkpoint; what changes there is `values`. */
  async branch(of: Run, values: ChangedValues): Promise<Run | undefined> {
    const { id, evalEvery } = this.#keeper.of(of) ?? { id: undefined, evalEvery: 0 };
    const file = of.state === 'kept' ? await keptCheckpoint(id!) : await of.engine.call('checkpoint');
    check(file, `branch: the browser has kept no checkpoint of run ${of.id + 1}`, 'press Use and Start to train it anew');
    return this.begin({ config: of.config, evalEvery }, true, { branch: { file, values, from: of.id + 1 } });
  }

  /** Opens a run from before a reload from its last checkpoint, and trains on where it is not done. */
  async resume(run: Run): Promise<void> {
    const { id, evalEvery } = this.#keeper.of(run)!;
    try {
      await run.open({ evalEvery, kept: { id, resumes: true } }, this.#dropped);
    } catch (error) {
      void run.engine.close();
      run.state = 'kept';
      this.#changed();
      if (!this.runs.includes(run)) return; // it was removed while it was being built
      throw error;
    }
    if (!this.runs.includes(run)) return; // and rests until it comes back
    this.#announce();
    if (run.step < run.facts!.total) await run.engine.call('play');
  }

  /** Brings back the runs from before a reload. */
  async recall(): Promise<void> {
    for (const run of await this.#keeper.recall()) await this.#take(run);
    this.selected ??= this.runs.at(-1);
    this.#changed();
  }

  async #take(recalled: Recalled): Promise<void> {
    const run = this.#make(recalled.checked, recalled.number);
    run.recall(recalled.lines);
    const { hue, hidden, notes = '', origin, done: isDone } = recalled;
    let { branched } = recalled;
    if (branched && origin && typeof branched.from === 'number') {
      const source = this.#keeper.by(origin);
      branched = { ...branched, from: source ? source.id + 1 : `${branched.from} (not here)` };
    }
    Object.assign(run, { hue, hidden, notes, branched, isDone, step: run.step || (branched?.step ?? 0) });
    run.state = recalled.curvesOnly ? 'loaded' : 'kept';
    if (recalled.curvesOnly) run.message = `Of run ${run.id + 1} the curves alone are here. Use puts its configuration into the form.`;
    await this.#keeper.add(run, recalled, recalled);
    this.runs.push(run);
  }

  /** Adds the runs of a file, as curves; gives how many. */
  async load(text: string, name: string): Promise<number> {
    const { readRuns } = await import('../../data/run-file.ts');
    const found = readRuns(text, name, this.#next + 1);
    for (const { config, lines, notes = '', branched } of found) {
      const run = this.#make(config);
      Object.assign(run, { notes, branched });
      run.add(lines);
      run.state = 'loaded';
      run.message = `Run ${run.id + 1} is from ${name}: its curves are here, its weights are not. Use puts its configuration into the form.`;
      this.runs.push(run);
      void this.#keeper.add(run, { evalEvery: 0, curvesOnly: true });
      this.selected ??= run;
    }
    this.#changed();
    return found.length;
  }

  /** Draws the curves of a run, or does not. */
  hide(run: Run): void {
    run.hidden = !run.hidden;
    this.#keeper.changed(run);
    this.#changed();
  }

  /** Notes something of a run. */
  note(run: Run, notes: string): void {
    run.notes = notes;
    this.#keeper.changed(run);
  }

  /** The run that was removed last, as long as it can come back. */
  get removed(): Run | undefined {
    return this.#removed?.run;
  }

  /** Takes a run away, for good at the next removal or after some time; one that is not built yet, or that others train too, at once. */
  remove(run: Run): void {
    this.#removeForGood();
    if ((run.state === 'building' && !run.facts && !run.lines.length) || run.config.distribute) {
      this.#forget(run);
      return;
    }
    const [place, wasSelected, going] = [this.runs.indexOf(run), this.selected === run, run.state === 'running'];
    if (going) void run.engine.call('pause');
    this.#keeper.mark(run, true);
    run.removed = true; // what happens to it meanwhile is said by none of those that are there
    this.#removed = { run, place, wasSelected, going, timer: setTimeout(() => this.#removeForGood(), PATIENCE) };
    this.#takeOut(run);
  }

  /** Brings back the run that was removed last, as it was. */
  undo(): void {
    const { run, place, wasSelected, going, timer } = this.#removed!;
    clearTimeout(timer);
    this.#removed = undefined;
    this.#keeper.mark(run, false);
    run.removed = false;
    this.runs.splice(place, 0, run);
    if (wasSelected) this.selected = run;
    if (going && run.state !== 'failed') void run.engine.call('play');
    this.#changed();
  }

  #removeForGood(): void {
    if (!this.#removed) return;
    const { run, timer } = this.#removed;
    clearTimeout(timer);
    this.#removed = undefined;
    this.#forget(run);
  }

  #forget(run: Run): void {
    this.#keeper.remove(run, run.close());
    this.#takeOut(run);
  }

  #takeOut(run: Run): void {
    if (this.runs.includes(run)) this.runs.splice(this.runs.indexOf(run), 1);
    if (this.selected === run) this.selected = this.runs.at(-1);
    this.#changed();
  }

  /** A run of its own colour, while there are some left. */
  #make(config: RunConfig, number = this.#next): Run {
    const id = this.runs.some(other => other.id === number) ? this.#next : number;
    this.#next = Math.max(this.#next, id + 1);
    const run = new Run(id, config, (changed, event) => {
      this.#keeper.changed(changed);
      this.#changed(changed, event?.kind === 'state');
    });
    const others = this.removed ? [...this.runs, this.removed] : this.runs;
    const free = Array.from({ length: COLOURS }, (_, i) => i).find(hue => !others.some(other => other.hue % COLOURS === hue));
    run.hue = free ?? run.id;
    return run;
  }

  /** Tells other tabs that this one begins to train. */
  #announce(): void {
    announce(() => this.runs.some(r => r.state === 'running'));
  }
}
