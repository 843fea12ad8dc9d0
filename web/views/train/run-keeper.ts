/** Keeps the runs of this tab as they change, and gives back those from before a reload. */
import type { RunConfig } from '../../../train/config/config.ts';
import type { MetricsLine } from '../../../train/step/metrics.ts';
import { forgetRun, keptLines, keptRuns, putRun, refusal, release, taken, type KeptRun } from '../../data/kept.ts';
import { newId } from '../../data/new-id.ts';
import { checked, textsOf } from '../../form/texts.ts';
import { notice, told } from '../dom.ts';
import type { Run, Timed } from '../runs.ts';

/** Milliseconds between two times that the lines of a run that trains are kept. */
const APART = 1000;

interface Keeping extends Pick<KeptRun, 'id' | 'evalEvery' | 'curvesOnly'> {
  origin: KeptRun['origin'];
  /** The lines that are kept are the first `count` of these. */
  lines: readonly Timed<MetricsLine>[];
  count: number;
  isStored: boolean;
  isDeleted: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
  writing: Promise<unknown>;
}

export interface Recalled extends KeptRun {
  readonly checked: RunConfig;
  readonly lines: readonly Timed<MetricsLine>[];
}

export class RunKeeper {
  #kept = new Map<Run, Keeping>();
  #told = false;

  constructor() {
    addEventListener('pagehide', () => {
      for (const [run, { timer }] of this.#kept) if (timer !== undefined) this.#write(run);
    });
  }

  /** What is kept of the runs of tabs that are closed. Which of them this release cannot take is said, and they stay kept. */
  async recall(): Promise<Recalled[]> {
    try {
      const found = await Promise.all((await keptRuns()).map(async run => ((await taken(run.id)) ? [run] : [])));
      const all: Recalled[] = [];
      for (const run of found.flat()) {
        if (run.deleted) await this.#forget(run.id);
        else
          await told(async () =>
            all.push({ ...run, lines: await keptLines(run.id), checked: checked(run.config, `run ${run.number + 1}`) }),
          );
      }
      return all;
    } catch (error) {
      this.#refused('What is trained here', error);
      return [];
    }
  }

  /** Keeps a run from now on, or one that was recalled; gives the name for its checkpoints, none where the browser cannot keep runs. */
  async add(
    run: Run,
    { evalEvery, curvesOnly }: Pick<KeptRun, 'evalEvery' | 'curvesOnly'>,
    recalled?: Recalled,
  ): Promise<string | undefined> {
    const id = recalled?.id ?? newId();
    if (!recalled && !(await taken(id).catch(() => false))) return undefined;
    const { lines } = run;
    const count = recalled ? lines.length : 0;
    const isStored = recalled !== undefined;
    this.#kept.set(run, {
      id,
      evalEvery,
      curvesOnly,
      origin: recalled?.origin,
      lines,
      count,
      isStored,
      isDeleted: false,
      timer: undefined,
      writing: Promise.resolve(),
    });
    this.changed(run);
    return id;
  }

  /** The run that is kept by an id. */
  by(id: string): Run | undefined {
    return [...this.#kept.keys()].find(run => this.of(run)!.id === id);
  }

  of(run: Run): Pick<KeptRun, 'id' | 'evalEvery'> | undefined {
    return this.#kept.get(run);
  }

  /** Keeps what has changed: at once where the run is at rest. */
  changed(run: Run): void {
    const kept = this.#kept.get(run);
    if (!kept || !(run.facts || kept.curvesOnly || kept.isStored)) return;
    const rests = run.state !== 'running';
    if (kept.timer !== undefined && !rests) return;
    clearTimeout(kept.timer);
    kept.timer = setTimeout(() => this.#write(run), rests ? 0 : APART);
  }

  /** Notes that a run is removed, or is not: a page that is loaded anew forgets those that are. */
  mark(run: Run, isDeleted: boolean): void {
    const kept = this.#kept.get(run);
    if (!kept) return;
    kept.isDeleted = isDeleted;
    this.changed(run);
  }

  /** Forgets a run, once it is closed and keeps nothing any more. */
  remove(run: Run, closed: Promise<void>): void {
    const kept = this.#kept.get(run);
    if (!kept) return;
    clearTimeout(kept.timer);
    this.#kept.delete(run);
    void Promise.all([kept.writing, closed]).then(() => this.#forget(kept.id));
  }

  #write(run: Run): void {
    const kept = this.#kept.get(run)!;
    clearTimeout(kept.timer);
    kept.timer = undefined;
    kept.writing = kept.writing.then(async () => {
      const { lines, id: number, hue, hidden, notes, branched, config, state } = run;
      const { id, evalEvery, curvesOnly, isDeleted: deleted } = kept;
      const from = lines === kept.lines ? kept.count : 0; // after a return to an earlier step there are others
      const done = state === 'done' || (state === 'kept' && run.isDone);
      const count = lines.length;
      try {
        for (const [{ id: other }, its] of this.#kept) if (branched?.from === other + 1) kept.origin = its.id;
        const { origin } = kept;
        const told = { id, number, hue, hidden, notes, branched, origin, config: textsOf(config), evalEvery, done, curvesOnly, deleted };
        await putRun(told, lines, from);
        Object.assign(kept, { lines, count, isStored: true });
      } catch (error) {
        this.#refused(`Run ${number + 1}`, error);
      }
    });
  }

  async #forget(id: string): Promise<void> {
    await forgetRun(id).catch(() => undefined); // what cannot be opened holds no run
    release(id);
  }

  /** Said once: each run after it would say the same. */
  #refused(what: string, error: unknown): void {
    if (!this.#told) notice(refusal(what, error), 'info');
    this.#told = true;
  }
}
