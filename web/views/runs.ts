/** The runs of this tab: all train in one worker, and each stays on the charts until it is removed. */
import type { ChangedValues } from '../../train/config/changes.ts';
import type { RunConfig } from '../../train/config/config.ts';
import type { EvalMetrics, MetricsLine, StepMetrics } from '../../train/step/metrics.ts';
import type { Who } from '../../train/distribute/channels/protocol.ts';
import { Engine, RUNS } from '../worker/client.ts';
import { runColour } from './colours.ts';
import type { Dropped } from '../data/dropped.ts';
import { notice } from './dom.ts';
import { inPageWords } from '../words.ts';
import type { OpenOptions, RunEvent, RunFacts, RunState } from '../worker/protocol.ts';
import type { Opening } from '../worker/run-device.ts';

/** Seconds over which the speed is taken. */
const LATELY = 10;
/** The least of them that tell a speed: lines that come together say nothing of the time between their steps. */
const LEAST = 0.1;

const NOTHING: Dropped = { files: {}, folders: {} };

/** How the page's address has devices opened. */
function opening(): Opening {
  const query = new URLSearchParams(location.search);
  return { tune: query.has('tune'), maxBinding: query.has('maxBinding') ? Number(query.get('maxBinding')) : undefined };
}

/** Has the worker ready for a run of what `configured` gives. */
export async function warm(configured: () => RunConfig): Promise<void> {
  const engine = new Engine(undefined, RUNS);
  try {
    await engine.call('warm', configured(), opening());
  } catch {
    /* the run will say what is wrong */
  }
  await engine.close();
}

/** A line, and the seconds that its run had trained by then; those of a file may not know. */
export type Timed<L> = L & { readonly seconds?: number };

/** Where a run was branched from another. */
export interface Branched {
  /** The number of that run, as it is called; with the name of its file where that run is not here. */
  readonly from: number | string;
  /** The steps that it had done. */
  readonly step: number;
}

export class Run {
  readonly id: number;
  config: RunConfig;
  readonly engine: Engine;
  state: RunState = 'building';
  message = '';
  /** What is being done before it is built. */
  building = '';
  /** How it differs from its configuration, so that it fits on the device. */
  note: string | undefined;
  step = 0;
  facts: RunFacts | undefined;
  /** Those of steps, and evaluations on the validation images: arrays that grow, others after a return to an earlier step. */
  steps: Timed<StepMetrics>[] = [];
  validation: Timed<EvalMetrics>[] = [];
  lastTest: EvalMetrics | undefined;
  /** Which of the colours of runs is its own. */
  hue: number;
  /** Whether it was at its end before a reload. */
  isDone = false;
  /** What was noted of it. */
  notes = '';
  branched: Branched | undefined;
  /** Whether its curves are not drawn. */
  hidden = false;
  /** Who trains together, and which of them this tab is. */
  who: readonly Who[] = [];
  own = 0;
  /** Whether it was removed, and may come back. */
  removed = false;
  /** Where it last went back, or forward to what others had done: steps up to there took none of the time since. */
  #rewound: { readonly step: number; readonly seconds: number } | undefined;
  /** Done where the run is removed. */
  readonly parting: (() => void)[] = [];
  #changed: (run: Run, event?: RunEvent) => void;
  #lines: Timed<MetricsLine>[] = [];
  /** Milliseconds that it trained before it was last resumed, and when that was. */
  #trained = 0;
  #since: number | undefined;

  constructor(id: number, config: RunConfig, changed: (run: Run, event?: RunEvent) => void) {
    this.id = id;
    this.hue = id;
    this.config = config;
    this.#changed = changed;
    this.engine = new Engine(event => this.#on(event), RUNS);
  }

  get colour(): string {
    return runColour(this.hue);
  }
  get name(): string {
    return `${this.id + 1}: ${this.config.model}, ${this.config.optimizer.split(':')[0]}`;
  }
  get lines(): readonly Timed<MetricsLine>[] {
    return this.#lines;
  }
  /** Seconds that it has trained. */
  get seconds(): number {
    return (this.#trained + (this.#since === undefined ? 0 : performance.now() - this.#since)) / 1000;
  }

  /** Takes lines that follow those there are. */
  add(lines: readonly Timed<MetricsLine>[]): void {
    for (const line of lines) {
      this.#lines.push(line);
      if (!('split' in line)) this.steps.push(line);
      else if (line.split === 'val') this.validation.push(line);
      else this.lastTest = line;
      this.step = Math.max(this.step, line.step);
    }
  }

  /** Takes the lines of a run from before a reload. */
  recall(lines: readonly Timed<MetricsLine>[]): void {
    this.add(lines);
    this.#trained = 1000 * (lines.at(-1)?.seconds ?? 0);
  }

  /** Forgets the lines beyond a step. */
  #rewind(step: number): void {
    const kept = this.#lines.filter(l => l.step <= step);
    [this.#lines, this.steps, this.validation, this.lastTest, this.step] = [[], [], [], undefined, step];
    this.add(kept);
    this.step = step;
    this.#trained = 1000 * (kept.at(-1)?.seconds ?? 0);
    this.#rewound = { step, seconds: this.#trained / 1000 };
    if (this.#since !== undefined) this.#since = performance.now();
  }

  async open(options: Omit<OpenOptions, 'base'>, dropped: Dropped = NOTHING): Promise<void> {
    [this.state, this.message] = ['building', ''];
    try {
      this.facts = await this.engine.call('open', this.config, { ...opening(), ...options, base: document.baseURI }, dropped);
      this.config = { ...this.config, batchSize: this.facts.batchSize, changes: this.facts.changes };
    } catch (error) {
      this.state = 'failed';
      this.message = inPageWords(error as Error);
      this.#changed(this);
      throw error;
    }
    this.#changed(this);
  }

  #clock(going: boolean): void {
    if (this.#since !== undefined) this.#trained += performance.now() - this.#since;
    this.#since = going ? performance.now() : undefined;
  }

  /** Trains on after its end. */
  async extend(epochs: number): Promise<void> {
    const all = this.config.epochs + epochs;
    this.facts = await this.engine.call('extend', all);
    const steps = this.config.steps === undefined ? {} : { steps: this.facts.total };
    this.config = { ...this.config, epochs: all, ...steps };
    await this.engine.call('play');
  }

  /** Changes something of it from its next step on. */
  async change(values: ChangedValues): Promise<void> {
    this.facts = await this.engine.call('change', values);
    this.config = { ...this.config, changes: this.facts.changes };
    this.#changed(this);
  }

  /** Images a second over the last seconds by the clock, with all that is done between steps; undefined where too little is known. */
  get imagesPerSecond(): number | undefined {
    const last = this.steps.at(-1);
    const rewound = this.#rewound;
    const isSince = ({ step }: StepMetrics) => !rewound || step > rewound.step;
    if (!this.facts || last?.seconds === undefined || !isSince(last)) return undefined;
    const before = (line: Timed<StepMetrics>) => line.seconds !== undefined && line.seconds < last.seconds! - LATELY && isSince(line);
    const from = this.steps.findLast(before) ?? rewound ?? this.steps[0]!;
    const seconds = last.seconds - (from.seconds ?? 0);
    return seconds >= LEAST ? ((last.step - from.step) * this.facts.batchSize) / seconds : undefined;
  }

  /** Gives back what it holds; done once it has. */
  async close(): Promise<void> {
    for (const part of this.parting.splice(0)) part();
    await this.engine.close();
  }

  #on(event: RunEvent): void {
    if (
      event.kind === 'timed' ||
      event.kind === 'learning' ||
      event.kind === 'checking' ||
      event.kind === 'experiment' ||
      event.kind === 'searched' ||
      event.kind === 'tried' ||
      event.kind === 'look'
    )
      return;
    if (event.kind === 'unkept') {
      notice(`Run ${this.id + 1}: ${event.why}`, 'info');
    } else if (event.kind === 'building') {
      this.building = event.text;
    } else if (event.kind === 'metrics') {
      const { seconds } = this;
      this.add(event.lines.map(line => ({ ...line, seconds })));
    } else if (event.kind === 'who') {
      this.who = event.who;
      this.own = event.own;
    } else if (event.kind === 'note') {
      if (event.text && event.text !== this.note) notice(`Run ${this.id + 1}: ${event.text}`, 'info');
      this.note = event.text;
    } else if (event.kind === 'rewind') {
      this.#rewind(event.step);
    } else {
      this.#clock(event.state === 'running');
      this.state = event.state;
      this.step = event.step ?? this.step;
      this.message = typeof event.message === 'object' ? inPageWords(event.message) : (event.message ?? '');
      if (this.message && !this.removed) notice(`Run ${this.id + 1}: ${this.message}`, event.state === 'failed' ? 'error' : 'info');
    }
    this.#changed(this, event);
  }
}

/** Tabs that train share the GPU; each tells the others when it begins, and those that train answer. */
const channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('descent');
let training: () => boolean = () => false;
channel?.addEventListener('message', ({ data }: MessageEvent<'begins' | 'too'>) => {
  if (!training()) return;
  if (data === 'begins') channel.postMessage('too');
  notice('Descent also trains in another tab; both share the GPU and slow each other down. Pause one of them.', 'info');
});
/** `runs` tells whether this tab trains. */
export function announce(runs: () => boolean): void {
  training = runs;
  channel?.postMessage('begins');
}
