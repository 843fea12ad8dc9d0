/** The runs of this tab: each has a worker of its own, and stays on the charts until it is removed. */
import type { RunConfig } from '../../train/config/config.ts';
import { validations, type EvalMetrics, type MetricsLine, type StepMetrics } from '../../train/step/metrics.ts';
import type { Who } from '../../train/distribute/channels/protocol.ts';
import { Engine } from '../worker/client.ts';
import { runColour } from './colours.ts';
import type { Dropped } from '../data/dropped.ts';
import { notice } from './dom.ts';
import { inPageWords } from '../words.ts';
import type { OpenOptions, RunEvent, RunFacts, RunState } from '../worker/protocol.ts';

const NOTHING: Dropped = { files: {}, folders: {} };

export class Run {
  readonly id: number;
  readonly config: RunConfig;
  readonly engine: Engine;
  state: RunState = 'building';
  message = '';
  /** How it differs from its configuration, so that it fits on the device. */
  note: string | undefined;
  step = 0;
  facts: RunFacts | undefined;
  lines: MetricsLine[] = [];
  /** Who trains together, and which of them this tab is. */
  who: readonly Who[] = [];
  own = 0;
  /** Done where the run is removed. */
  readonly parting: (() => void)[] = [];
  #changed: (run: Run, event?: RunEvent) => void;

  constructor(id: number, config: RunConfig, changed: (run: Run, event?: RunEvent) => void) {
    this.id = id;
    this.config = config;
    this.#changed = changed;
    this.engine = new Engine(event => this.#on(event));
  }

  get colour(): string {
    return runColour(this.id);
  }
  get name(): string {
    return `${this.id + 1}: ${this.config.model}, ${this.config.optimizer.split(':')[0]}`;
  }
  get steps(): StepMetrics[] {
    return this.lines.filter((l): l is StepMetrics => !('split' in l));
  }
  get validation(): EvalMetrics[] {
    return validations(this.lines);
  }
  get lastTest(): EvalMetrics | undefined {
    return this.lines.findLast((l): l is EvalMetrics => 'split' in l && l.split === 'test');
  }

  async open(options: Omit<OpenOptions, 'base'>, dropped: Dropped = NOTHING): Promise<void> {
    try {
      const query = new URLSearchParams(location.search);
      const tune = query.has('tune');
      const maxBinding = query.has('maxBinding') ? Number(query.get('maxBinding')) : undefined;
      this.facts = await this.engine.call('open', this.config, { tune, maxBinding, ...options, base: document.baseURI }, dropped);
    } catch (error) {
      this.state = 'failed';
      this.message = inPageWords(error as Error);
      this.#changed(this);
      throw error;
    }
    this.#changed(this);
  }

  close(): void {
    for (const part of this.parting.splice(0)) part();
    this.engine.close();
  }

  #on(event: RunEvent): void {
    if (event.kind === 'timed' || event.kind === 'learning' || event.kind === 'checking') return;
    if (event.kind === 'metrics') {
      this.lines.push(...event.lines);
      this.step = Math.max(this.step, ...event.lines.map(l => l.step));
    } else if (event.kind === 'who') {
      this.who = event.who;
      this.own = event.own;
    } else if (event.kind === 'note') {
      if (event.text && event.text !== this.note) notice(`Run ${this.id + 1}: ${event.text}`, 'info');
      this.note = event.text;
    } else if (event.kind === 'rewind') {
      this.lines = this.lines.filter(l => l.step <= event.step);
      this.step = event.step;
    } else {
      this.state = event.state;
      this.step = event.step;
      this.message = typeof event.message === 'object' ? inPageWords(event.message) : (event.message ?? '');
      if (this.message) notice(`Run ${this.id + 1}: ${this.message}`, event.state === 'failed' ? 'error' : 'info');
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
