/** The worker that computes the figures of lessons, as the page sees it. */
import { Engine } from '../../worker/client.ts';
import type { Drawn, LabOptions, RunEvent } from '../../worker/protocol.ts';

type Progress = Extract<RunEvent, { kind: 'experiment' }>;

export interface Running {
  readonly done: Promise<Drawn | undefined>;
  stop(): void;
}

export class Lab {
  #progress = new Map<number, (event: Progress) => void>();
  #next = 0;
  #engine = new Engine(event => {
    if (event.kind === 'experiment') this.#progress.get(event.id)?.(event);
  });

  run(text: string, options: LabOptions, progress: (event: Progress) => void): Running {
    const id = this.#next++;
    this.#progress.set(id, progress);
    const done = this.#engine.call('experiment', id, text, options).finally(() => this.#progress.delete(id));
    return { done, stop: () => void this.#engine.call('endExperiment', id) };
  }
}
