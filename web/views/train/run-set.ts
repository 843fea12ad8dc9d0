/** The runs of this tab: which there are and which is selected, how they begin, come back and go. */
import type { RunConfig } from '../../../train/config/config.ts';
import type { Dropped } from '../../data/dropped.ts';
import { readRuns } from '../../data/run-file.ts';
import type { Shared } from '../../together/greeting.ts';
import { COLOURS } from '../colours.ts';
import { announce, Run } from '../runs.ts';
import { RunKeeper, type Recalled } from './run-keeper.ts';

export class RunSet {
  readonly runs: Run[] = [];
  selected: Run | undefined;
  #keeper = new RunKeeper();
  #dropped: Dropped;
  #changed: (run?: Run, isState?: boolean) => void;
  #next = 0;

  /** `changed` is told which run has changed, and whether in its state; of none where runs have come, gone, or are shown otherwise. */
  constructor(dropped: Dropped, changed: (run?: Run, isState?: boolean) => void) {
    this.#dropped = dropped;
    this.#changed = changed;
  }

  /** A new run that plays unless `plays` is false, once it is built and `ready` is done; undefined where it is removed before. */
  async begin({ config, evalEvery }: Shared, beside: boolean, ready?: (run: Run) => Promise<void>, plays = true): Promise<Run | undefined> {
    const before = beside || this.selected?.state === 'loaded' || this.selected?.state === 'kept' ? undefined : this.selected;
    const going = before?.state === 'running';
    if (going) await before!.engine.call('pause');
    const run = this.#make(config);
    this.runs.push(run);
    this.selected = run;
    this.#changed();
    try {
      const curvesOnly = config.distribute !== undefined; // its net is that of all who train together
      const id = await this.#keeper.add(run, { evalEvery, curvesOnly });
      await run.open({ evalEvery, kept: id === undefined || curvesOnly ? undefined : { id, resumes: false } }, this.#dropped);
      await ready?.(run);
    } catch (error) {
      // what was there stays
      const removed = !this.runs.includes(run); // by its button, while it was being built
      this.remove(run);
      if (before) this.selected = before;
      if (going) void before!.engine.call('play');
      if (removed) return undefined;
      throw error;
    }
    if (before && this.runs.includes(before)) this.remove(before);
    this.#announce();
    if (plays) await run.engine.call('play');
    return run;
  }

  /** Opens a run from before a reload from its last checkpoint, and trains on where it is not done. */
  async resume(run: Run): Promise<void> {
    const { id, evalEvery } = this.#keeper.of(run)!;
    try {
      await run.open({ evalEvery, kept: { id, resumes: true } }, this.#dropped);
    } catch (error) {
      run.engine.close();
      run.state = 'kept';
      this.#changed();
      throw error;
    }
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
    Object.assign(run, { hue: recalled.hue, hidden: recalled.hidden, isDone: recalled.done });
    run.state = recalled.curvesOnly ? 'loaded' : 'kept';
    if (recalled.curvesOnly) run.message = `Of run ${run.id + 1} the curves alone are here. Use puts its configuration into the form.`;
    await this.#keeper.add(run, recalled, recalled);
    this.runs.push(run);
  }

  /** Adds the runs of a file, as curves; gives how many. */
  load(text: string, name: string): number {
    const found = readRuns(text, name);
    for (const { config, lines } of found) {
      const run = this.#make(config);
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

  remove(run: Run): void {
    run.close();
    this.#keeper.remove(run);
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
    const free = Array.from({ length: COLOURS }, (_, i) => i).find(hue => !this.runs.some(other => other.hue % COLOURS === hue));
    run.hue = free ?? run.id;
    return run;
  }

  /** Tells other tabs that this one begins to train. */
  #announce(): void {
    announce(() => this.runs.some(r => r.state === 'running'));
  }
}
